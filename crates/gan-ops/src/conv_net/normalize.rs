//! Batch normalization of a layer's products, block by block.

use crate::batch_norm::{Moments, inverse_std};
use crate::element::Element;
use crate::parallel::{Kernel, vectorized};
use crate::sums::{sum, sum_of_products};

/// Adds the bias and measures each channel of one block.
pub(super) struct Measure<'a, T> {
    pub(super) y: &'a mut [T],
    /// One for each channel; none is all 0.
    pub(super) bias: Option<&'a [T]>,
    /// What becomes the moments of each channel.
    pub(super) moments: &'a mut [Moments],
}

impl<T: Element> Measure<'_, T> {
    pub(super) fn run(self) {
        vectorized(self);
    }
}

impl<T: Element> Kernel for Measure<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.y.len() / self.moments.len();
        let channels = self.y.chunks_exact_mut(columns).zip(self.moments);
        for (channel, (y, moments)) in channels.enumerate() {
            if let Some(bias) = self.bias {
                y.iter_mut().for_each(|value| *value += bias[channel]);
            }
            let mean = sum(y, |value| value) / columns as f64;
            let centre = T::from_f64(mean);
            let squared = |value: T| (value - centre) * (value - centre);
            *moments = Moments {
                mean,
                variance: sum(y, squared) / columns as f64,
            };
        }
    }
}

/// The moments of all values from those of parts, with their numbers of values (Chan et al., 1979).
pub(super) fn joined(parts: &[(usize, Moments)]) -> Moments {
    let count: f64 = parts.iter().map(|(count, _)| *count as f64).sum();
    let weighted = |of: &dyn Fn(Moments) -> f64| -> f64 {
        let terms = parts.iter().map(|(n, moments)| *n as f64 * of(*moments));
        terms.sum::<f64>() / count
    };
    let mean = weighted(&|moments| moments.mean);
    let variance = weighted(&|moments| moments.variance + (moments.mean - mean).powi(2));
    Moments { mean, variance }
}

/// y ← normalized ← (y − mean) / √(variance + eps), of one block.
pub(super) struct Standardize<'a, T> {
    pub(super) y: &'a mut [T],
    pub(super) normalized: &'a mut [T],
    /// One for each channel.
    pub(super) moments: &'a [Moments],
    pub(super) eps: f64,
}

impl<T: Element> Standardize<'_, T> {
    pub(super) fn run(self) {
        vectorized(self);
    }
}

impl<T: Element> Kernel for Standardize<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.y.len() / self.moments.len();
        let channels = self.y.chunks_exact_mut(columns);
        let channels = channels.zip(self.normalized.chunks_exact_mut(columns));
        for ((y, normalized), moments) in channels.zip(self.moments) {
            let centre = T::from_f64(moments.mean);
            let scale = T::from_f64(inverse_std(moments.variance, self.eps));
            for (value, normalized) in y.iter_mut().zip(normalized) {
                *normalized = (*value - centre) * scale;
                *value = *normalized;
            }
        }
    }
}

/// Gradients with respect to γ and β of one channel: Σ g·x̂ and Σ g.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NormGradients {
    pub(super) weight: f64,
    pub(super) bias: f64,
}

/// What one block contributes to each channel's.
pub(super) struct SumGradients<'a, T> {
    pub(super) gradient: &'a [T],
    pub(super) normalized: &'a [T],
    pub(super) sums: &'a mut [NormGradients],
}

impl<T: Element> SumGradients<'_, T> {
    pub(super) fn run(self) {
        vectorized(self);
    }
}

impl<T: Element> Kernel for SumGradients<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.gradient.len() / self.sums.len();
        let channels = self.gradient.chunks_exact(columns);
        let channels = channels.zip(self.normalized.chunks_exact(columns));
        for ((gradient, normalized), sums) in channels.zip(self.sums) {
            *sums = NormGradients {
                weight: sum_of_products(gradient, normalized),
                bias: sum(gradient, |g| g),
            };
        }
    }
}

/// The backward pass of normalization, for one block; with g the gradient with respect to the scaled and
/// shifted values: dx = weight / σ · (g − mean g − x̂ · mean g·x̂).
pub(super) struct NormalizeBackward<'a, T> {
    pub(super) gradient: &'a mut [T],
    pub(super) normalized: &'a [T],
    /// weight / σ, mean g and mean g·x̂ of each channel.
    pub(super) channels: &'a [[f64; 3]],
}

impl<T: Element> NormalizeBackward<'_, T> {
    pub(super) fn run(self) {
        vectorized(self);
    }
}

impl<T: Element> Kernel for NormalizeBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.gradient.len() / self.channels.len();
        let rows = self.gradient.chunks_exact_mut(columns);
        let rows = rows.zip(self.normalized.chunks_exact(columns));
        for ((gradient, normalized), channel) in rows.zip(self.channels) {
            let [scale, mean_g, mean_gx] = channel.map(T::from_f64);
            for (g, x) in gradient.iter_mut().zip(normalized) {
                *g = scale * (*g - mean_g - *x * mean_gx);
            }
        }
    }
}
