//! The backward pass of what follows a block's matrix product.

use super::normalize::{FeatureGradients, batch_norm_backward, bias_activation_backward};
use crate::Activation;
use crate::batch_norm::{Moments, inverse_std};
use crate::element::Element;
use crate::parallel::{Kernel, vectorized};
use std::ops::Range;

/// The operations between a block's products and its output.
pub(super) struct Pointwise<'a, T> {
    pub(super) activation: Activation,
    /// `[o, n]`
    pub(super) output: &'a [T],
    pub(super) norm: Option<Normalized<'a, T>>,
    pub(super) ranges: &'a [Range<usize>],
    /// The batches of the backward pass; their columns are side by side in the gradients.
    pub(super) batches: Range<usize>,
}

/// What the backward pass of batch normalization needs.
pub(super) struct Normalized<'a, T> {
    /// `[o, n]`
    pub(super) values: &'a [T],
    /// By feature, then batch.
    pub(super) moments: &'a [Moments],
    /// γ, `[o]`
    pub(super) weight: Vec<T>,
    pub(super) eps: f64,
}

impl<T: Element> Pointwise<'_, T> {
    /// Replaces gradients with respect to outputs by those with respect to products, for features from
    /// `first` on.
    pub(super) fn backward(
        &self,
        first: usize,
        gradients: &mut [T],
        vectors: &mut [FeatureGradients<T>],
    ) {
        vectorized(Backward {
            pointwise: self,
            first,
            gradients,
            vectors,
        });
    }

    #[inline(always)]
    fn feature_backward(&self, feature: usize, row: &mut [T], sums: &mut FeatureGradients<T>) {
        let n = self.ranges.last().map_or(0, |range| range.end);
        let mut rest = row;
        for batch in self.batches.clone() {
            let range = self.ranges[batch].clone();
            let place = feature * n + range.start..feature * n + range.end;
            let (gradient, after) = rest.split_at_mut(range.len());
            rest = after;
            let output = &self.output[place.clone()];
            sums.add(match &self.norm {
                None => bias_activation_backward(gradient, output, self.activation),
                Some(norm) => {
                    let moments = norm.moments[feature * self.ranges.len() + batch];
                    let scales = (
                        norm.weight[feature],
                        inverse_std(moments.variance, norm.eps),
                    );
                    let normalized = &norm.values[place];
                    batch_norm_backward(gradient, output, normalized, scales, self.activation)
                }
            });
        }
    }
}

/// [`Pointwise::backward`]
struct Backward<'a, T> {
    pointwise: &'a Pointwise<'a, T>,
    first: usize,
    gradients: &'a mut [T],
    vectors: &'a mut [FeatureGradients<T>],
}

impl<T: Element> Kernel for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.gradients.len() / self.vectors.len().max(1);
        let rows = self.gradients.chunks_exact_mut(columns.max(1));
        for (index, (gradient, vectors)) in rows.zip(self.vectors).enumerate() {
            self.pointwise
                .feature_backward(self.first + index, gradient, vectors);
        }
    }
}
