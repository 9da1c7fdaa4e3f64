//! Forward passes that can be gone back, in training.

use crate::{Gradients, ParameterStore};
use candle_core::{Result, Tensor, Var};

/// The way back through one forward pass (a Wengert list). It may be gone any number of times,
/// with the parameters as they were in the forward pass.
pub trait Tape {
    /// The gradient by the input from the gradient by the output, each of its tensor's shape.
    /// The parameters count as constants.
    ///
    /// # Errors
    /// When the shape is not the output's, or a tensor operation fails.
    fn input_gradient(&self, output_gradient: &Tensor) -> Result<Tensor>;

    /// Adds the gradients by the parameters to `gradients`, from the gradient by the output. The
    /// input counts as constant.
    ///
    /// # Errors
    /// When the shape is not the output's, `gradients` are another network's, or a tensor
    /// operation fails.
    fn parameter_gradients(
        &self,
        output_gradient: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<()>;
}

/// A forward pass in training mode: what came out, and the way back.
pub struct Recorded {
    /// The output, itself without a gradient.
    pub output: Tensor,
    /// The way back.
    pub tape: Box<dyn Tape>,
}

impl Recorded {
    /// Records a network that computes on candle's graph.
    ///
    /// # Errors
    /// When `forward` fails.
    pub fn on_graph(
        input: &Tensor,
        parameters: &ParameterStore,
        forward: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Self> {
        let input = Var::from_tensor(&input.detach())?;
        let output = forward(&input)?;
        Ok(Self {
            output: output.detach(),
            tape: Box::new(GraphTape {
                input,
                output,
                parameters: parameters.clone(),
            }),
        })
    }
}

/// Candle's own backward pass.
struct GraphTape {
    input: Var,
    output: Tensor,
    parameters: ParameterStore,
}

impl GraphTape {
    fn backward(&self, output_gradient: &Tensor) -> Result<candle_core::backprop::GradStore> {
        // The derivative of Σ y·g by whatever y depends on is the chain rule's product with g.
        let product = self.output.mul(output_gradient)?;
        product.sum_all()?.backward()
    }
}

impl Tape for GraphTape {
    fn input_gradient(&self, output_gradient: &Tensor) -> Result<Tensor> {
        match self.backward(output_gradient)?.get(&self.input) {
            Some(gradient) => Ok(gradient.clone()),
            None => self.input.zeros_like(),
        }
    }

    fn parameter_gradients(
        &self,
        output_gradient: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let found = self.backward(output_gradient)?;
        for parameter in self.parameters.trainable() {
            if let Some(gradient) = found.get(&parameter.var) {
                gradients.add(&parameter.var, gradient)?;
            }
        }
        Ok(())
    }
}
