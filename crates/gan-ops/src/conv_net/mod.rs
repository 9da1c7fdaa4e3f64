//! Convolutional networks with explicit forward and backward passes.

mod backward;
mod blocks;
mod correlation;
mod forward;
mod layer;
mod links;
mod normalize;
mod patches;
mod resampling;
mod tape;
mod tile;
mod weight_gradient;
mod window;

pub use layer::{Layer, LinearMap};

use crate::batches::check_not_empty;
use crate::element::for_dtype;
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use gan_core::{ImageShape, Mode, Recorded};
use layer::Plan;
use std::sync::Arc;

/// Layers of images one after the other, some with a shortcut to a later one. Clones share their
/// parameters.
///
/// [`record_images`](Self::record_images), [`record_logits`](Self::record_logits) and
/// [`infer`](Self::infer) are the fast forms, on the CPU in f32 or f64; [`forward`](Self::forward)
/// is their twin of plain candle operations.
///
/// The fast forms cut a batch into blocks of examples, and each thread takes a block through a
/// whole layer: its linear map, bias and activation while they are still in its cache.
#[derive(Clone)]
pub struct ConvNet {
    inner: Arc<Inner>,
}

struct Inner {
    plans: Vec<Plan>,
    input: ImageShape,
    output: ImageShape,
    scratch: (Scratch<f32>, Scratch<f64>),
}

impl ConvNet {
    /// A network of at least one layer for inputs of shape `input`. Latent vectors are images of one pixel.
    ///
    /// # Errors
    /// When there is no layer, or shapes, types or devices do not fit together.
    pub fn new(input: ImageShape, layers: Vec<Layer>) -> Result<Self> {
        let mut plans: Vec<Plan> = Vec::with_capacity(layers.len());
        let mut shape = input;
        let mut dtype = None;
        for (index, layer) in layers.into_iter().enumerate() {
            let plan = Plan::new(layer, shape).map_err(|e| e.context(format!("layer {index}")))?;
            let earlier = plan
                .layer
                .shortcut
                .map(|from| plans.get(from).map(|p| p.output));
            if earlier.is_some_and(|found| found != Some(plan.output)) {
                let expected = plan.output;
                candle_core::bail!("layer {index}: its shortcut does not come from {expected}");
            }
            for parameter in plan.layer.parameters() {
                let first = *dtype.get_or_insert(parameter.dtype());
                if parameter.dtype() != first {
                    candle_core::bail!("layer {index}: {:?} among {first:?}", parameter.dtype());
                }
            }
            shape = plan.output;
            plans.push(plan);
        }
        if dtype.is_none() {
            candle_core::bail!("a network needs at least one layer with parameters");
        }
        let inner = Inner {
            plans,
            input,
            output: shape,
            scratch: Default::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The shape of one output.
    pub fn output_shape(&self) -> ImageShape {
        self.inner.output
    }

    /// x `[n, …]` → `[n, c, h, w]`, differentiable on candle's graph, on every device.
    ///
    /// # Errors
    /// When the shapes do not fit, the batch is empty, or batch normalization in training mode gets one value
    /// per channel.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        check_not_empty(&[x])?;
        let ImageShape {
            channels,
            height,
            width,
        } = self.inner.input;
        let mut outputs: Vec<Tensor> = Vec::with_capacity(self.inner.plans.len());
        let mut x = x.reshape(((), channels, height, width))?;
        for plan in &self.inner.plans {
            let shortcut = plan.layer.shortcut.map(|from| &outputs[from]);
            x = plan.layer.forward(&x, shortcut, mode)?;
            outputs.push(x.clone());
        }
        Ok(x)
    }

    /// [`forward`](Self::forward) without gradients, on the CPU: x `[n, …]` → `[n, c, h, w]`.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward), and for tensors that are not on the CPU or neither f32 nor f64.
    pub fn infer(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        check_not_empty(&[x])?;
        for_dtype!(self.dtype(), "a network", infer(self, x, mode))
    }

    /// [`forward`](Self::forward) in training mode with its backward pass, on the CPU: batches `[n, …]` →
    /// outputs `[n, c, h, w]`. Each batch is normalized by its own statistics.
    ///
    /// # Errors
    /// Those of [`infer`](Self::infer).
    pub fn record_images(&self, batches: &[&Tensor]) -> Result<Recorded> {
        check_not_empty(batches)?;
        for_dtype!(self.dtype(), "a network", record(self, batches, None))
    }

    /// [`record_images`](Self::record_images) with one logit per example as output, `[n]`: the sum of the
    /// network's outputs times `readout`, for each batch a constant `[n, …]` with the elements of an output.
    ///
    /// If every layer is piecewise linear and none is normalized, the tape can also compute the gradients
    /// of gradient penalties, and computes the gradients of the logits once for all uses.
    ///
    /// # Errors
    /// Those of [`infer`](Self::infer).
    pub fn record_logits(&self, batches: &[&Tensor], readout: &[Tensor]) -> Result<Recorded> {
        check_not_empty(batches)?;
        for_dtype!(
            self.dtype(),
            "a network",
            record(self, batches, Some(readout))
        )
    }

    fn dtype(&self) -> candle_core::DType {
        let mut parameters = self.inner.plans.iter().flat_map(|p| p.layer.parameters());
        parameters
            .next()
            .map_or(candle_core::DType::F32, |p| p.dtype())
    }

    /// Whether the tapes of [`record_logits`](Self::record_logits) can compute the gradients of gradient
    /// penalties: whether every layer is piecewise linear, and examples are independent of each other.
    pub fn has_second_derivatives(&self) -> bool {
        let mut layers = self.inner.plans.iter().map(|plan| &plan.layer);
        layers.all(|layer| layer.norm.is_none() && layer.activation.is_piecewise_linear())
    }
}

use forward::infer;
use tape::record;
