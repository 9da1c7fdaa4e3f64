//! Forward passes that can be gone back, in training.

use crate::ParameterStore;
use candle_core::{Result, Tensor, Var};

/// The way back through a forward pass (a Wengert list) over one or more batches.
///
/// It is gone with the parameters of the forward pass: whoever changes them has no more use for
/// it, except that [`parameter_gradients`](Self::parameter_gradients) lets go of one by one.
pub trait Tape {
    /// The gradient by the input of batch number `batch` from the gradient by its output, each of
    /// its tensor's shape. The parameters count as constants.
    ///
    /// # Errors
    /// When the shape is not the output's, or a tensor operation fails.
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor>;

    /// Shows each trainable parameter that the output depends on, with its gradient from the
    /// gradients by all outputs, summed over the batches. The input counts as constant.
    ///
    /// A parameter is shown when the way back has passed it, so that it may be changed at once,
    /// while it and its gradient are still in the cache. The gradient is lent: what is to be kept
    /// must be copied.
    ///
    /// # Errors
    /// When the shapes are not the outputs', a tensor operation fails, or `show` does.
    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()>;

    /// As [`parameter_gradients`](Self::parameter_gradients), of one more term: for each batch
    /// ⟨direction, ∂ Σ outputs / ∂ input⟩, `directions` being constants of the inputs' shapes. This
    /// is the gradient of a gradient penalty P, where the direction is ∂P / ∂ (∂ Σ outputs / ∂ input).
    ///
    /// # Errors
    /// As there, and where the network cannot be differentiated twice.
    fn penalized_parameter_gradients(
        &self,
        _output_gradients: &[Tensor],
        _directions: &[Tensor],
        _show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        candle_core::bail!("the gradients of this network cannot be differentiated again")
    }
}

/// A forward pass in training mode: what came out, and the way back.
pub struct Recorded {
    /// The output of each batch, itself without a gradient.
    pub outputs: Vec<Tensor>,
    /// The way back.
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

/// A scalar whose derivative by whatever `output` depends on is the chain rule's product with
/// `gradient`: Σ y·g.
fn chained(output: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    output.mul(gradient)?.sum_all()
}

impl Tape for GraphTape {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let (Some(input), Some(output)) = (self.inputs.get(batch), self.outputs.get(batch)) else {
            candle_core::bail!("batch {batch} of {} was asked for", self.inputs.len());
        };
        match chained(output, output_gradient)?.backward()?.get(input) {
            Some(gradient) => Ok(gradient.clone()),
            None => input.zeros_like(),
        }
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if output_gradients.len() != self.outputs.len() {
            let (found, expected) = (output_gradients.len(), self.outputs.len());
            candle_core::bail!("gradients by {found} outputs were given, expected {expected}");
        }
        let mut all = Vec::new();
        for (output, gradient) in self.outputs.iter().zip(output_gradients) {
            all.push(chained(output, gradient)?);
        }
        let gradients = Tensor::stack(&all, 0)?.sum_all()?.backward()?;
        for parameter in self.parameters.trainable() {
            if let Some(gradient) = gradients.get(&parameter.var) {
                show(&parameter.var, gradient)?;
            }
        }
        Ok(())
    }
}
