//! Binary cross-entropy on logits, in the form that neither overflows nor loses precision.

use crate::composed;
use crate::element::{Element, elements, for_dtype};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|) of a tensor of any shape, exact to rounding for every x; its
/// derivative is σ(x).
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(Softplus)
    } else {
        composed::softplus(x)
    }
}

/// The mean binary cross-entropy of logits of any shape against one `target` in [0, 1]:
/// −target · ln σ(x) − (1 − target) · ln(1 − σ(x)).
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn bce_with_logits(logits: &Tensor, target: f64) -> Result<Tensor> {
    // −ln σ(x) = softplus(−x) and −ln(1 − σ(x)) = softplus(x): no difference of large numbers.
    let positive = || softplus(&logits.neg()?)?.mean_all();
    let negative = || softplus(logits)?.mean_all();
    if target == 1.0 {
        positive()
    } else if target == 0.0 {
        negative()
    } else {
        (positive()? * target)? + (negative()? * (1.0 - target))?
    }
}

struct Softplus;

impl CustomOp1 for Softplus {
    fn name(&self) -> &'static str {
        "softplus"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_dtype!(x.dtype(), self.name(), forward(x, layout))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.mul(&candle_nn::ops::sigmoid(x)?)?))
    }
}

fn forward<T: Element>(x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
    let value = |x: &T| {
        let positive = if *x > T::zero() { *x } else { T::zero() };
        positive + (T::zero() - x.abs()).exp().ln_1p()
    };
    let y = elements::<T>(x, layout)?.iter().map(value).collect();
    Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
}
