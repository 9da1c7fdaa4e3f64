//! The same operations composed of plain candle operations: they run on every device, can be
//! differentiated any number of times, and the fused ones are tested against them.

use crate::reductions::norms_shape;
use crate::{AdamStep, MomentumStep};
use candle_core::{DType, Result, Tensor, Var};

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

/// See [`crate::momentum_step`].
///
/// # Errors
/// When a tensor operation fails.
pub fn momentum_step(
    theta: &Var,
    gradient: &Tensor,
    velocity: &Var,
    step: &MomentumStep,
) -> Result<bool> {
    velocity.set(&((velocity.as_tensor() * step.momentum)? - (gradient * step.lr)?)?)?;
    theta.set(&theta.add(velocity.as_tensor())?)?;
    // 0 for what is finite, NaN for what is not.
    let sum = theta.sub(theta.as_tensor())?.sum_all()?;
    Ok(sum.to_dtype(DType::F64)?.to_scalar::<f64>()? == 0.0)
}

/// See [`crate::moving_average_step`].
///
/// # Errors
/// When a tensor operation fails.
pub fn moving_average_step(average: &Var, value: &Tensor, decay: f64) -> Result<()> {
    average.set(&((average.as_tensor() * decay)? + (value.detach() * (1.0 - decay))?)?)
}
