//! Gradient descent with momentum, in place (Polyak, 1964).

use super::check_alike;
use crate::composed;
use crate::element::{Element, for_dtype, with_slice, with_slice_mut};
use crate::parallel::{map_parts, piece_len};
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor, Var};

/// The settings of one step.
#[derive(Clone, Copy, Debug)]
pub struct MomentumStep {
    /// Learning rate, above 0.
    pub lr: f64,
    /// The share of the velocity that is kept, in [0, 1).
    pub momentum: f64,
}

/// Updates `theta` and its `velocity` by one step, all of one shape:
///
/// velocity ← momentum · velocity − lr · g, θ ← θ + velocity.
///
/// Returns whether all of `theta` is finite afterwards.
///
/// # Errors
/// When the shapes or element types differ.
pub fn momentum_step(
    theta: &Var,
    gradient: &Tensor,
    velocity: &Var,
    step: &MomentumStep,
) -> Result<bool> {
    check_alike(
        "momentum",
        theta,
        &[("gradient", gradient), ("velocity", velocity)],
    )?;
    if !theta.device().is_cpu() {
        return composed::momentum_step(theta, gradient, velocity, step);
    }
    let gradient = gradient.contiguous()?;
    for_dtype!(
        theta.dtype(),
        "momentum",
        on_cpu(theta, &gradient, velocity, step)
    )
}

/// One pass over all three, shared among the threads.
fn on_cpu<T: Element>(
    theta: &Var,
    gradient: &Tensor,
    velocity: &Var,
    step: &MomentumStep,
) -> Result<bool> {
    with_slice_mut::<T, _>(theta, |theta| {
        with_slice_mut::<T, _>(velocity, |velocity| {
            with_slice::<T, _>(gradient, |gradient| {
                let len = piece_len::<T>();
                let parts = theta.chunks_mut(len).zip(gradient.chunks(len));
                let parts = parts.zip(velocity.chunks_mut(len));
                let part = |((theta, gradient), velocity)| Descend {
                    step,
                    theta,
                    gradient,
                    velocity,
                };
                let finite = map_parts(parts.map(part).collect(), |_, part| vectorized(part));
                Ok(finite.into_iter().all(|finite| finite))
            })
        })
    })
}

/// The update of some parameters.
struct Descend<'a, T> {
    step: &'a MomentumStep,
    theta: &'a mut [T],
    gradient: &'a [T],
    velocity: &'a mut [T],
}

impl<T: Element> Kernel for Descend<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let (lr, keep) = (T::from_f64(self.step.lr), T::from_f64(self.step.momentum));
        let (zero, mut finite) = (T::from_f64(0.0), true);
        let parameters = self.theta.iter_mut().zip(self.gradient);
        for ((theta, g), velocity) in parameters.zip(self.velocity) {
            *velocity = keep * *velocity - lr * *g;
            *theta += *velocity;
            // Infinity and NaN become NaN, which equals nothing.
            finite &= *theta * zero == zero;
        }
        finite
    }
}
