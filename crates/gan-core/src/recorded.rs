//! Forward passes recorded for the backward pass, in training.

use crate::ParameterStore;
use candle_core::{Result, Tensor, Var};

/// The backward pass of a recorded forward pass (a Wengert list) over one or more batches.
///
/// It uses the parameters' current values: once they have changed, the tape is of no use. Only
/// [`parameter_gradients`](Self::parameter_gradients) allows a change, of each parameter as it is visited.
pub trait Tape {
    /// The gradient with respect to the input of batch number `batch`, of the input's shape, from the one
    /// with respect to its output, of the output's shape. The parameters are constants.
    ///
    /// # Errors
    /// When the shape is not the output's, or a tensor operation fails.
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor>;

    /// Calls `visit` with each trainable parameter that the outputs depend on and its gradient, summed over
    /// the batches, from the gradients with respect to all outputs, of the outputs' shapes. The inputs are
    /// constants.
    ///
    /// A parameter is visited when the backward pass no longer needs it, so that it may be updated at once,
    /// while it and its gradient are still in the cache. The gradient's memory is used again: copy what
    /// you want to keep.
    ///
    /// # Errors
    /// When the shapes are not the outputs', or a tensor operation or `visit` fails.
    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()>;

    /// [`parameter_gradients`](Self::parameter_gradients) with one more term: for each batch the gradient
    /// of ⟨direction, ∂ Σ outputs / ∂ input⟩, where `directions` are constants of the inputs' shapes. With
    /// the direction ∂P / ∂ (∂ Σ outputs / ∂ input) this is the gradient of a gradient penalty P.
    ///
    /// # Errors
    /// Those of `parameter_gradients`, and when the network cannot be differentiated twice.
    fn penalized_parameter_gradients(
        &self,
        _output_gradients: &[Tensor],
        _directions: &[Tensor],
        _visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        candle_core::bail!("this network cannot be differentiated twice")
    }
}

/// A forward pass in training mode: its outputs and its backward pass.
pub struct Recorded {
    /// The output of each batch, detached from candle's graph.
    pub outputs: Vec<Tensor>,
    /// The backward pass.
    pub tape: Box<dyn Tape>,
}

impl Recorded {
    /// Records a network that computes on candle's graph, one batch after the other.
    ///
    /// # Errors
    /// When `forward` fails.
    pub fn on_graph(
        batches: &[&Tensor],
        parameters: &ParameterStore,
        forward: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Self> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for batch in batches {
            let input = Var::from_tensor(&batch.detach())?;
            outputs.push(forward(&input)?);
            inputs.push(input);
        }
        Ok(Self {
            outputs: outputs.iter().map(Tensor::detach).collect(),
            tape: Box::new(GraphTape {
                inputs,
                outputs,
                parameters: parameters.clone(),
            }),
        })
    }
}

/// Candle's own backward pass.
struct GraphTape {
    inputs: Vec<Var>,
    outputs: Vec<Tensor>,
    parameters: ParameterStore,
}

/// Σ y·g: a scalar whose gradient is the chain rule's product of the output's with `gradient`.
fn chained(output: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    output.mul(gradient)?.sum_all()
}

impl Tape for GraphTape {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let (Some(input), Some(output)) = (self.inputs.get(batch), self.outputs.get(batch)) else {
            candle_core::bail!("there is no batch {batch}, only {}", self.inputs.len());
        };
        match chained(output, output_gradient)?.backward()?.get(input) {
            Some(gradient) => Ok(gradient.clone()),
            None => input.zeros_like(),
        }
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if output_gradients.len() != self.outputs.len() {
            let (found, expected) = (output_gradients.len(), self.outputs.len());
            candle_core::bail!("{found} output gradients were given, expected {expected}");
        }
        let mut all = Vec::new();
        for (output, gradient) in self.outputs.iter().zip(output_gradients) {
            all.push(chained(output, gradient)?);
        }
        let gradients = Tensor::stack(&all, 0)?.sum_all()?.backward()?;
        for parameter in self.parameters.trainable() {
            if let Some(gradient) = gradients.get(&parameter.var) {
                visit(&parameter.var, gradient)?;
            }
        }
        Ok(())
    }
}
