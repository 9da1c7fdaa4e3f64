//! The same operations composed of plain candle operations: they run on every device, can be
//! differentiated any number of times, and the fused ones are tested against them.

use crate::reductions::norms_shape;
use crate::{Activation, AdamStep, Convolution};
use candle_core::{DType, Result, Tensor, Var};

/// A batch's statistics, one number per feature. Not differentiable.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// `[c]`
    pub mean: Tensor,
    /// `[c]`, biased: the sum of squared deviations over n.
    pub variance: Tensor,
}

/// x where x > 0, else `slope` · x, of any shape; the derivative at 0 is `slope`.
///
/// # Errors
/// When a tensor operation fails.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    x.gt(0.0)?.where_cond(x, &(x * slope)?)
}

/// x `[n, i]`, weight `[o, i]`, bias `[o]` → activation(x · weightᵀ + bias) `[n, o]`.
///
/// # Errors
/// When the shapes do not fit.
pub fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    activation.apply(&x.matmul(&weight.t()?)?.broadcast_add(bias)?)
}

/// Training mode: x `[n, c]`, weight `[c]`, bias `[c]` →
/// activation((x − mean) / √(variance + eps) · weight + bias) `[n, c]` with the batch's own mean
/// and biased variance, which are returned for the running statistics (Ioffe & Szegedy, 2015).
///
/// # Errors
/// When n < 2 (one row has no variance) or the shapes do not fit.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    let rows = x.dim(0)?;
    if rows < 2 {
        candle_core::bail!("batch normalization in training mode got {rows} row, needs at least 2");
    }
    let mean = x.mean_keepdim(0)?;
    let centred = x.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean_keepdim(0)?;
    let normalized = centred.broadcast_div(&(&variance + eps)?.sqrt()?)?;
    let y = normalized.broadcast_mul(weight)?.broadcast_add(bias)?;
    let statistics = BatchStatistics {
        mean: mean.squeeze(0)?.detach(),
        variance: variance.squeeze(0)?.detach(),
    };
    Ok((activation.apply(&y)?, statistics))
}

/// Evaluation mode: [`batch_norm`] of x `[n, c]` with the given statistics instead of the batch's → `[n, c]`.
///
/// # Errors
/// When the shapes do not fit.
pub fn batch_norm_with(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    statistics: &BatchStatistics,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let scale = weight.div(&(&statistics.variance + eps)?.sqrt()?)?;
    let shift = bias.sub(&statistics.mean.mul(&scale)?)?;
    activation.apply(&x.broadcast_mul(&scale)?.broadcast_add(&shift)?)
}

/// See [`crate::conv2d`].
///
/// # Errors
/// When the shapes do not fit.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    convolution: Convolution,
    activation: Activation,
) -> Result<Tensor> {
    let Convolution { stride, padding } = convolution;
    let y = x.conv2d(weight, padding, stride, 1, 1)?;
    activation.apply(&y.broadcast_add(&bias.reshape((1, (), 1, 1))?)?)
}

/// Transposed convolution: x `[n, c, h, w]`, weight `[c, o / groups, kh, kw]` → `[n, o, oh, ow]`
/// with oh = (h − 1) stride − 2 padding + kh + output_padding.
///
/// # Errors
/// When the shapes do not fit.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
    groups: usize,
) -> Result<Tensor> {
    let parts = x
        .chunk(groups, 1)?
        .into_iter()
        .zip(weight.chunk(groups, 0)?);
    let group = |(x, weight): (Tensor, Tensor)| {
        let (x, weight) = (x.contiguous()?, weight.contiguous()?);
        x.conv_transpose2d(&weight, padding, output_padding, stride, 1)
    };
    Tensor::cat(&parts.map(group).collect::<Result<Vec<_>>>()?, 1)
}

/// The mean of each square of `size` by `size` pixels: x `[n, c, h, w]` → `[n, c, h / size, w / size]`.
///
/// # Errors
/// When `size` does not divide h and w.
pub fn average_pooling(x: &Tensor, size: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let squares = x.reshape((n * c, h / size, size, w / size, size))?;
    squares
        .mean(4)?
        .mean(2)?
        .reshape((n, c, h / size, w / size))
}

/// Repeats each pixel as a square: x `[n, c, h, w]` → `[n, c, factor · h, factor · w]`.
///
/// # Errors
/// When a tensor operation fails.
pub fn upsampling(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let pixels = x.reshape((n * c, h, 1, w, 1))?;
    let squares = pixels.broadcast_as((n * c, h, factor, w, factor))?;
    squares
        .contiguous()?
        .reshape((n, c, h * factor, w * factor))
}

/// See [`crate::softplus`]. Neither branch overflows, so no gradient is NaN.
///
/// # Errors
/// When a tensor operation fails.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    let positive = x.gt(0.0)?;
    let minus_abs = positive.where_cond(&x.neg()?, x)?;
    let rectified = positive.where_cond(x, &x.zeros_like()?)?;
    rectified + (minus_abs.exp()? + 1.0)?.log()?
}

/// See [`crate::sigmoid`].
///
/// # Errors
/// When a tensor operation fails.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    candle_nn::ops::sigmoid(x)
}

/// See [`crate::mean`].
///
/// # Errors
/// When a tensor operation fails.
pub fn mean(x: &Tensor) -> Result<Tensor> {
    x.mean_all()
}

/// See [`crate::squared_norms`].
///
/// # Errors
/// When a tensor operation fails.
pub fn squared_norms(x: &Tensor) -> Result<Tensor> {
    let shape = norms_shape(x.shape())?;
    let examples = x.sqr()?.reshape((shape.elem_count(), ()))?;
    examples.sum(1)?.reshape(shape)
}

/// See [`crate::sum_of_squares`].
///
/// # Errors
/// When a tensor operation fails.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    x.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar()
}

/// See [`crate::adam_step`].
///
/// # Errors
/// When a tensor operation fails.
pub fn adam_step(
    theta: &Var,
    gradient: &Tensor,
    m: &Var,
    v: &Var,
    step: &AdamStep,
) -> Result<bool> {
    m.set(&((m.as_tensor() * step.beta1)? + (gradient * (1.0 - step.beta1))?)?)?;
    v.set(&((v.as_tensor() * step.beta2)? + (gradient.sqr()? * (1.0 - step.beta2))?)?)?;
    let root = ((v.sqrt()? / step.root_correction())? + step.eps)?;
    theta.set(&theta.sub(&((m.as_tensor() * step.step_size())? / root)?)?)?;
    // 0 for what is finite, NaN for what is not.
    let of_theta = theta.sub(theta.as_tensor())?;
    let differences = (of_theta + v.sub(v.as_tensor())?)?;
    let sum = differences.sum_all()?.to_dtype(DType::F64)?;
    Ok(sum.to_scalar::<f64>()? == 0.0)
}

/// See [`crate::moving_average_step`].
///
/// # Errors
/// When a tensor operation fails.
pub fn moving_average_step(average: &Var, value: &Tensor, decay: f64) -> Result<()> {
    average.set(&((average.as_tensor() * decay)? + (value.detach() * (1.0 - decay))?)?)
}
