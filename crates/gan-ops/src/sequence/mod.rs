//! A sequence of fully connected blocks with explicit forward and backward passes.

mod backward;
mod columns;
mod forward;
mod normalize;
mod pointwise;

use crate::batches::check_not_empty;
use crate::composed::{self, BatchStatistics};
use crate::element::for_dtype;
use crate::scratch::Scratch;
use crate::{Activation, BatchNorm};
use candle_core::{Device, Result, Tensor, Var};
use gan_core::{Mode, Recorded};
use std::sync::{Arc, Mutex, PoisonError};

/// A linear layer, optional batch normalization and an activation:
/// x `[n, i]` → activation(norm(x · weightᵀ + bias)) `[n, o]`.
pub struct Block {
    /// `[o, i]`
    pub weight: Var,
    /// `[o]`
    pub bias: Var,
    /// Batch normalization of the linear layer's outputs.
    pub norm: Option<BatchNorm>,
    /// The activation function.
    pub activation: Activation,
}

/// Blocks one after the other. Clones share their parameters.
///
/// [`record`](Self::record) and [`infer`](Self::infer) are the fast forms, on the CPU in f32 or
/// f64; [`forward`](Self::forward) is their twin of plain candle operations.
///
/// The fast forms keep activations by feature, not by example: `[o, n]`. Each thread computes
/// some features of all examples, and their bias, batch statistics and activation while they are
/// still in its cache. Tensors in both orders are accepted without a copy. The outputs of `record` and the
/// gradients with respect to inputs are views of shape `[n, o]` of memory in the order `[o, n]`.
#[derive(Clone)]
pub struct Sequence {
    inner: Arc<Inner>,
}

struct Inner {
    blocks: Vec<Block>,
    scratch: (Scratch<f32>, Scratch<f64>),
    /// Free buffers for one parameter's gradient at a time, as long as the largest parameter; more than one
    /// only if backward passes run at the same time.
    gradients: Mutex<Vec<Var>>,
}

impl Sequence {
    /// A sequence of at least one block.
    ///
    /// # Errors
    /// When there is none, or shapes, types or devices do not fit together.
    pub fn new(blocks: Vec<Block>) -> Result<Self> {
        let Some(Block { weight: first, .. }) = blocks.first() else {
            candle_core::bail!("a sequence needs at least one block");
        };
        let (dtype, mut width) = (first.dtype(), first.dim(1)?);
        for (index, block) in blocks.iter().enumerate() {
            let (outputs, inputs) = block.weight.dims2()?;
            if inputs != width || outputs == 0 || inputs == 0 {
                let shape = block.weight.dims();
                candle_core::bail!(
                    "block {index}: weight has shape {shape:?}, expected [>0, {width}]"
                );
            }
            for vector in block.vectors() {
                if vector.dims() != [outputs] || vector.dtype() != dtype {
                    let (shape, found) = (vector.dims(), vector.dtype());
                    candle_core::bail!(
                        "block {index}: a vector of shape {shape:?} and type {found:?}, expected [{outputs}] and {dtype:?}"
                    );
                }
            }
            width = outputs;
        }
        Ok(Self {
            inner: Arc::new(Inner {
                gradients: Mutex::default(),
                scratch: Default::default(),
                blocks,
            }),
        })
    }

    /// x `[n, …]` → `[n, o]`, differentiable on candle's graph, on every device.
    ///
    /// # Errors
    /// When the shapes do not fit, the batch is empty, or batch normalization in training mode gets one
    /// example.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        check_not_empty(&[x])?;
        let mut x = x.flatten_from(1)?;
        for block in &self.inner.blocks {
            x = block.forward(&x, mode)?;
        }
        Ok(x)
    }

    /// [`forward`](Self::forward) without gradients, on the CPU: x `[n, …]` → `[n, o]`.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward), and for tensors that are not on the CPU or neither f32 nor f64.
    pub fn infer(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        check_not_empty(&[x])?;
        for_dtype!(self.dtype(), "a sequence", infer(self, x, mode))
    }

    /// [`forward`](Self::forward) of several batches in training mode with its backward pass, on the CPU:
    /// batches `[n, …]` → outputs `[n, o]`. Each batch is normalized by its own statistics.
    ///
    /// # Errors
    /// Those of [`infer`](Self::infer).
    pub fn record(&self, batches: &[&Tensor]) -> Result<Recorded> {
        check_not_empty(batches)?;
        for_dtype!(self.dtype(), "a sequence", record(self, batches, None))
    }

    /// [`record`](Self::record) with one logit per example as output, `[n]`: the sum of the sequence's
    /// outputs times `readout`, a constant `[n, o]` for each batch.
    ///
    /// # Errors
    /// Those of [`infer`](Self::infer).
    pub fn record_logits(&self, batches: &[&Tensor], readout: &[Tensor]) -> Result<Recorded> {
        check_not_empty(batches)?;
        for_dtype!(
            self.dtype(),
            "a sequence",
            record(self, batches, Some(readout))
        )
    }

    /// Whether the tapes of [`record_logits`](Self::record_logits) can compute the gradients of gradient
    /// penalties: whether every block is piecewise linear, and examples are independent of each other.
    pub fn has_second_derivatives(&self) -> bool {
        let mut blocks = self.inner.blocks.iter();
        blocks.all(|block| block.norm.is_none() && block.activation.is_piecewise_linear())
    }

    /// Calls `use_buffer` with room for any one parameter's gradient.
    fn with_gradient<R>(&self, use_buffer: impl FnOnce(&Var) -> Result<R>) -> Result<R> {
        let free = || {
            self.inner
                .gradients
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let buffer = free().pop();
        let buffer = match buffer {
            Some(buffer) => buffer,
            None => {
                let sizes = self
                    .inner
                    .blocks
                    .iter()
                    .map(|block| block.weight.elem_count());
                Var::zeros(sizes.max().unwrap_or(0), self.dtype(), &Device::Cpu)?
            }
        };
        let result = use_buffer(&buffer);
        free().push(buffer);
        result
    }

    fn outputs(&self) -> usize {
        self.inner.blocks.last().map_or(0, Block::outputs)
    }

    fn dtype(&self) -> candle_core::DType {
        self.inner.blocks[0].weight.dtype()
    }
}

use backward::record;
use forward::infer;

impl Block {
    fn outputs(&self) -> usize {
        self.bias.elem_count()
    }

    fn inputs(&self) -> usize {
        self.weight.elem_count() / self.outputs()
    }

    fn vectors(&self) -> Vec<&Var> {
        let norm = self.norm.iter().flat_map(BatchNorm::tensors);
        std::iter::once(&self.bias).chain(norm).collect()
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, &self.bias);
        let Some(norm) = &self.norm else {
            return composed::linear(x, weight, bias, self.activation);
        };
        let x = composed::linear(x, weight, bias, Activation::Identity)?;
        match mode {
            Mode::Train => {
                let (y, batch) =
                    composed::batch_norm(&x, &norm.weight, &norm.bias, norm.eps, self.activation)?;
                norm.track(&batch, x.dim(0)?)?;
                Ok(y)
            }
            Mode::Eval => {
                let running = BatchStatistics {
                    mean: norm.running_mean.as_detached_tensor(),
                    variance: norm.running_variance.as_detached_tensor(),
                };
                let (weight, bias) = (&norm.weight, &norm.bias);
                composed::batch_norm_with(&x, weight, bias, &running, norm.eps, self.activation)
            }
        }
    }
}
