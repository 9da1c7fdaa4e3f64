//! The operations on one feature of all examples around the matrix products.

use crate::Activation;
use crate::batch_norm::{Moments, Normalization, inverse_std};
use crate::element::Element;
use crate::parallel::Kernel;
use crate::sums::{sum, sum_of_products};
use std::ops::Range;

/// The gradients with respect to the vectors of a block, for one feature.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FeatureGradients<T> {
    pub(super) bias: T,
    pub(super) norm_weight: T,
    pub(super) norm_bias: T,
}

impl<T: Element> FeatureGradients<T> {
    /// Adds those of another batch.
    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.bias += other.bias;
        self.norm_weight += other.norm_weight;
        self.norm_bias += other.norm_bias;
    }
}

/// y ← activation(y + bias), for rows of n values each.
pub(super) struct BiasActivation<'a, T> {
    pub(super) y: &'a mut [T],
    pub(super) n: usize,
    /// One for each row.
    pub(super) bias: &'a [T],
    pub(super) activation: Activation,
}

impl<T: Element> Kernel for BiasActivation<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (y, bias) in self.y.chunks_exact_mut(self.n).zip(self.bias) {
            for value in y.iter_mut() {
                *value += *bias;
            }
            self.activation.apply_in_place(y);
        }
    }
}

/// y ← activation(normalized · γ + β), each batch normalized by its own moments.
pub(super) struct Normalize<'a, T> {
    /// The linear layer's products, which become the outputs: rows of all batches' examples.
    pub(super) y: &'a mut [T],
    /// What becomes (y − mean) / √(variance + eps), in the same form.
    pub(super) normalized: &'a mut [T],
    /// What becomes the moments by feature, then batch.
    pub(super) moments: &'a mut [Moments],
    /// One for each row.
    pub(super) features: &'a [Normalization<T>],
    /// The columns of each batch.
    pub(super) ranges: &'a [Range<usize>],
    pub(super) eps: f64,
    pub(super) activation: Activation,
}

impl<T: Element> Kernel for Normalize<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n = self.ranges.last().map_or(1, |range| range.end);
        let rows = self.y.chunks_exact_mut(n);
        let rows = rows.zip(self.normalized.chunks_exact_mut(n));
        let moments = self.moments.chunks_exact_mut(self.ranges.len().max(1));
        for (((y, normalized), moments), feature) in rows.zip(moments).zip(self.features) {
            for (moments, range) in moments.iter_mut().zip(self.ranges) {
                let (y, normalized) = (&mut y[range.clone()], &mut normalized[range.clone()]);
                *moments = normalize(y, normalized, feature, self.eps);
            }
            self.activation.apply_in_place(y);
        }
    }
}

/// One feature of one batch, up to the activation.
#[inline(always)]
fn normalize<T: Element>(
    y: &mut [T],
    normalized: &mut [T],
    feature: &Normalization<T>,
    eps: f64,
) -> Moments {
    for value in y.iter_mut() {
        *value += feature.linear_bias;
    }
    let rows = y.len() as f64;
    let mean = sum(y, |value| value) / rows;
    let centre = T::from_f64(mean);
    let squared = |value: T| (value - centre) * (value - centre);
    let variance = sum(y, squared) / rows;
    let scale = T::from_f64(inverse_std(variance, eps));
    for (value, normalized) in y.iter_mut().zip(normalized) {
        *normalized = (*value - centre) * scale;
        *value = *normalized * feature.affine.weight + feature.affine.bias;
    }
    Moments { mean, variance }
}

/// Replaces the gradient with respect to a block's outputs by the one with respect to the linear layer's
/// products, in a block without batch normalization.
#[inline(always)]
pub(super) fn bias_activation_backward<T: Element>(
    gradient: &mut [T],
    outputs: &[T],
    activation: Activation,
) -> FeatureGradients<T> {
    activation.backpropagate(outputs, gradient);
    FeatureGradients {
        bias: T::from_f64(sum(gradient, |g| g)),
        ..FeatureGradients::default()
    }
}

/// [`bias_activation_backward`] in a block with batch normalization. With g the gradient with respect to
/// the normalized, scaled and shifted values, x̂ the normalized ones and n their number:
/// dbias = Σ g, dweight = Σ g·x̂, dx = weight / σ · (g − dbias / n − x̂ · dweight / n).
///
/// Σ dx = 0: the linear layer's bias only shifts the mean, which is subtracted.
#[inline(always)]
pub(super) fn batch_norm_backward<T: Element>(
    gradient: &mut [T],
    outputs: &[T],
    normalized: &[T],
    (weight, inverse_std): (T, f64),
    activation: Activation,
) -> FeatureGradients<T> {
    activation.backpropagate(outputs, gradient);
    let rows = gradient.len() as f64;
    let norm_bias = sum(gradient, |g| g);
    let norm_weight = sum_of_products(gradient, normalized);
    let (mean_g, mean_gx) = (
        T::from_f64(norm_bias / rows),
        T::from_f64(norm_weight / rows),
    );
    let scale = weight * T::from_f64(inverse_std);
    for (g, x) in gradient.iter_mut().zip(normalized) {
        *g = scale * (*g - mean_g - *x * mean_gx);
    }
    FeatureGradients {
        bias: T::default(),
        norm_weight: T::from_f64(norm_weight),
        norm_bias: T::from_f64(norm_bias),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affine::Affine;
    use crate::parallel::vectorized;

    fn wave(count: usize, phase: f32) -> Vec<f32> {
        (0..count)
            .map(|i| 3.0 * (phase + 1.7 * i as f32).sin())
            .collect()
    }

    /// Each kernel as compiled for this processor against the same source compiled for the oldest.
    #[test]
    fn vectors_do_not_change_a_bit() {
        let (rows, n) = (5, 67);
        for activation in [
            Activation::Identity,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Tanh,
        ] {
            let bias = wave(rows, 0.3);
            let mut results = [wave(rows * n, 0.0), wave(rows * n, 0.0)];
            let [fast, plain] = &mut results;
            let kernel = |y| BiasActivation {
                y,
                n,
                bias: &bias,
                activation,
            };
            vectorized(kernel(fast));
            kernel(plain).call();
            assert_eq!(results[0], results[1], "{activation:?}");
        }
    }

    #[test]
    fn vectors_do_not_change_a_bit_of_batch_normalization() {
        let (rows, n) = (5, 67);
        let features: Vec<Normalization<f32>> = wave(rows, 0.3)
            .into_iter()
            .map(|bias| Normalization {
                linear_bias: bias,
                affine: Affine { weight: 1.5, bias },
            })
            .collect();
        let run = |by_vectors: bool| {
            let (mut y, mut normalized) = (wave(rows * n, 0.0), vec![0.0; rows * n]);
            let mut moments = vec![Moments::default(); 2 * rows];
            let kernel = Normalize {
                y: &mut y,
                normalized: &mut normalized,
                moments: &mut moments,
                features: &features,
                ranges: &[0..30, 30..n],
                eps: 0.8,
                activation: Activation::Tanh,
            };
            if by_vectors {
                vectorized(kernel);
            } else {
                kernel.call();
            }
            let moments: Vec<f64> = moments.iter().flat_map(|m| [m.mean, m.variance]).collect();
            (y, normalized, moments)
        };
        assert_eq!(run(true), run(false));
    }
}
