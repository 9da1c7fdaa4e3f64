//! The Adam update, in place (Kingma & Ba, 2015).

use super::check_alike;
use crate::composed;
use crate::element::{Element, for_dtype, with_slice, with_slice_mut};
use crate::parallel::{map_parts, piece_len};
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor, Var};
use gan_core::exact::powi;

/// The settings of one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate, above 0.
    pub lr: f64,
    /// Decay rate of the first moment, in [0, 1).
    pub beta1: f64,
    /// Decay rate of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the square root of the second moment; above 0.
    pub eps: f64,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdamStep {
    /// lr / (1 − β₁ᵗ), the step size corrected for the first moment's bias.
    pub fn step_size(&self) -> f64 {
        self.lr / (1.0 - powi(self.beta1, self.step))
    }

    /// √(1 − β₂ᵗ), the divisor of the second moment's square root.
    pub fn root_correction(&self) -> f64 {
        (1.0 - powi(self.beta2, self.step)).sqrt()
    }
}

/// Updates `theta` and its two moments `m` and `v` by one step, all of one shape:
///
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// θ ← θ − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps), with eps in the same place as in PyTorch.
///
/// Returns whether all of `theta` and `v` are finite afterwards: if `v` overflows, θ never changes again.
///
/// # Errors
/// When the shapes or element types differ.
pub fn adam_step(
    theta: &Var,
    gradient: &Tensor,
    m: &Var,
    v: &Var,
    step: &AdamStep,
) -> Result<bool> {
    check_alike("adam", theta, &[("gradient", gradient), ("m", m), ("v", v)])?;
    if !theta.device().is_cpu() {
        return composed::adam_step(theta, gradient, m, v, step);
    }
    let gradient = gradient.contiguous()?;
    for_dtype!(theta.dtype(), "adam", on_cpu(theta, &gradient, m, v, step))
}

/// One pass over all four, shared among the threads.
fn on_cpu<T: Element>(
    theta: &Var,
    gradient: &Tensor,
    m: &Var,
    v: &Var,
    step: &AdamStep,
) -> Result<bool> {
    with_slice_mut::<T, _>(theta, |theta| {
        with_slice_mut::<T, _>(m, |m| {
            with_slice_mut::<T, _>(v, |v| {
                with_slice::<T, _>(gradient, |gradient| {
                    Ok(descend(step, theta, gradient, m, v))
                })
            })
        })
    })
}

fn descend<T: Element>(
    step: &AdamStep,
    theta: &mut [T],
    gradient: &[T],
    m: &mut [T],
    v: &mut [T],
) -> bool {
    let len = piece_len::<T>();
    let moments = m.chunks_mut(len).zip(v.chunks_mut(len));
    let parts = theta.chunks_mut(len).zip(gradient.chunks(len));
    let part = |((theta, gradient), (m, v))| Descend {
        step,
        theta,
        gradient,
        m,
        v,
    };
    let finite = map_parts(parts.zip(moments).map(part).collect(), |_, part| {
        vectorized(part)
    });
    finite.into_iter().all(|finite| finite)
}

/// The update of some parameters.
struct Descend<'a, T> {
    step: &'a AdamStep,
    theta: &'a mut [T],
    gradient: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
}

impl<T: Element> Kernel for Descend<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let step = self.step;
        let (keep_m, take_m) = (T::from_f64(step.beta1), T::from_f64(1.0 - step.beta1));
        let (keep_v, take_v) = (T::from_f64(step.beta2), T::from_f64(1.0 - step.beta2));
        let (size, eps) = (T::from_f64(step.step_size()), T::from_f64(step.eps));
        let correction = T::from_f64(1.0 / step.root_correction());
        let (zero, mut finite) = (T::from_f64(0.0), true);
        let parameters = self.theta.iter_mut().zip(self.gradient);
        for ((theta, g), (m, v)) in parameters.zip(self.m.iter_mut().zip(self.v)) {
            *m = keep_m * *m + take_m * *g;
            *v = keep_v * *v + take_v * *g * *g;
            *theta -= size * *m / (Element::sqrt(*v) * correction + eps);
            // Infinity and NaN become NaN, which equals nothing.
            finite &= *theta * zero + *v * zero == zero;
        }
        finite
    }
}
