//! Binary cross-entropy on logits, in the form that neither overflows nor loses precision, and equal to the bit
//! on every processor.

use crate::element::{Element, elements, for_dtype};
use crate::{composed, mean};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use gan_core::exact::{exp, ln_1p};

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

/// σ(x) = 1 / (1 + e⁻ˣ) of a tensor of any shape, exact to rounding for every x.
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(Sigmoid)
    } else {
        composed::sigmoid(x)
    }
}

/// The mean binary cross-entropy of logits of any shape against one `target` in [0, 1]:
/// −target · ln σ(x) − (1 − target) · ln(1 − σ(x)).
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn bce_with_logits(logits: &Tensor, target: f64) -> Result<Tensor> {
    // −ln σ(x) = softplus(−x) and −ln(1 − σ(x)) = softplus(x): no difference of large numbers.
    let positive = || mean(&softplus(&logits.neg()?)?);
    let negative = || mean(&softplus(logits)?);
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
        let value = |x: f64| {
            let positive = if x > 0.0 { x } else { 0.0 };
            positive + ln_1p(exp(-x.abs()))
        };
        for_dtype!(x.dtype(), self.name(), map(x, layout, value))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.mul(&sigmoid(x)?)?))
    }
}

struct Sigmoid;

impl CustomOp1 for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let value = |x: f64| {
            // At most 1, so that nothing overflows.
            let power = exp(-x.abs());
            if x < 0.0 {
                power / (1.0 + power)
            } else {
                1.0 / (1.0 + power)
            }
        };
        for_dtype!(x.dtype(), self.name(), map(x, layout, value))
    }

    fn bwd(&self, _x: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let slope = result.mul(&result.affine(-1.0, 1.0)?)?;
        Ok(Some(gradient.mul(&slope)?))
    }
}

/// f of every number, computed in f64 and rounded once.
fn map<T: Element>(
    x: &CpuStorage,
    layout: &Layout,
    f: impl Fn(f64) -> f64,
) -> Result<(CpuStorage, Shape)> {
    let y = elements::<T>(x, layout)?.iter();
    let y = y.map(|x| T::from_f64(f(x.to_f64()))).collect();
    Ok((T::to_cpu_storage_owned(y), layout.shape().clone()))
}
