//! The backward pass.

use super::ConvNet;
use super::blocks::{Blocks, FeatureMap};
use super::forward::{Activations, Normalized, vector};
use super::layer::{Plan, Sizes};
use super::normalize::{NormGradients, NormalizeBackward, SumGradients};
use crate::Activation;
use crate::batch_norm::inverse_std;
use crate::element::Element;
use crate::parallel::{Kernel, vectorized};
use crate::scratch::{Buffer, Scratch};
use candle_core::Result;
use rayon::prelude::*;
use std::ops::Range;

/// The most parts, and so threads, of sums over blocks; each part takes memory and is added to the others.
const MOST_PARTS: usize = 4;

/// Gradients with respect to intermediate values of a network, over some blocks.
pub(super) struct Deltas<T> {
    /// With respect to the outputs of each layer's linear map.
    pub(super) products: Vec<FeatureMap<T>>,
    /// With respect to γ and β of each normalized layer.
    pub(super) norms: Vec<Vec<NormGradients>>,
    /// With respect to the input, if requested.
    pub(super) input: Option<FeatureMap<T>>,
}

/// The gradients over the blocks of `batches`, from those by the output.
pub(super) fn back<T: Element>(
    net: &ConvNet,
    blocks: &Blocks,
    batches: Range<usize>,
    activations: &[Activations<T>],
    by_output: FeatureMap<T>,
    with_input: bool,
) -> Result<Deltas<T>> {
    let plans = &net.inner.plans;
    let scratch = T::scratch(&net.inner.scratch);
    let first = blocks.batches[batches.start].start;
    let mut products: Vec<FeatureMap<T>> = Vec::with_capacity(plans.len());
    let mut norms = Vec::with_capacity(plans.len());
    let mut by_shortcut: Vec<Option<FeatureMap<T>>> = plans.iter().map(|_| None).collect();
    let mut gradient = by_output;
    for (index, plan) in plans.iter().enumerate().rev() {
        let activations = &activations[index];
        let more = by_shortcut[index].take();
        gradient
            .par_iter_mut()
            .enumerate()
            .for_each(|(block, gradient)| {
                vectorized(Backward {
                    gradient,
                    more: more.as_ref().map(|map| &map[block][..]),
                    output: &activations.output[first + block],
                    activation: plan.layer.activation,
                });
            });
        if let Some(from) = plan.layer.shortcut {
            let onto = by_shortcut[from].take();
            by_shortcut[from] = Some(copied_onto(&gradient, onto, scratch));
        }
        norms.push(match &activations.normalized {
            Some(normalized) => {
                plan.normalize_back(blocks, batches.clone(), normalized, &mut gradient)?
            }
            None => Vec::new(),
        });
        let by_input = if index > 0 || with_input {
            let adjoint = plan.adjoint::<T>()?;
            let by_input = gradient.par_iter().enumerate().map(|(block, gradient)| {
                let n = blocks.sizes[first + block];
                let mut by_input = scratch.take(plan.input.elements() * n);
                adjoint.apply(gradient, &mut by_input, n, scratch);
                by_input
            });
            by_input.collect()
        } else {
            Vec::new()
        };
        products.push(std::mem::replace(&mut gradient, by_input));
    }
    products.reverse();
    norms.reverse();
    Ok(Deltas {
        products,
        norms,
        input: with_input.then_some(gradient),
    })
}

/// A copy of `map`, added to `onto` if there is such a map.
fn copied_onto<T: Element>(
    map: &FeatureMap<T>,
    onto: Option<FeatureMap<T>>,
    scratch: &Scratch<T>,
) -> FeatureMap<T> {
    match onto {
        None => map.par_iter().map(|block| scratch.copy_of(block)).collect(),
        Some(mut sums) => {
            sums.par_iter_mut().zip(map).for_each(|(sum, block)| {
                let pairs = sum.iter_mut().zip(&block[..]);
                pairs.for_each(|(sum, value)| *sum += *value);
            });
            sums
        }
    }
}

/// gradient ← activation'(output) · (gradient + more), of one block.
struct Backward<'a, T> {
    gradient: &'a mut [T],
    more: Option<&'a [T]>,
    output: &'a [T],
    activation: Activation,
}

impl<T: Element> Kernel for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if let Some(more) = self.more {
            let pairs = self.gradient.iter_mut().zip(more);
            pairs.for_each(|(gradient, more)| *gradient += *more);
        }
        self.activation.backpropagate(self.output, self.gradient);
    }
}

impl Plan {
    /// Replaces gradients with respect to the normalized values by those with respect to the linear map's
    /// outputs.
    fn normalize_back<T: Element>(
        &self,
        blocks: &Blocks,
        batches: Range<usize>,
        normalized: &Normalized<T>,
        gradient: &mut FeatureMap<T>,
    ) -> Result<Vec<NormGradients>> {
        let Some(norm) = &self.layer.norm else {
            return Ok(Vec::new());
        };
        let first = blocks.batches[batches.start].start;
        let channels = self.output.channels;
        let parts = gradient.par_iter().enumerate().map(|(block, gradient)| {
            let mut sums = vec![NormGradients::default(); channels];
            SumGradients {
                gradient,
                normalized: &normalized.values[first + block],
                sums: &mut sums,
            }
            .run();
            sums
        });
        let parts: Vec<Vec<NormGradients>> = parts.collect();
        let weights = vector::<T>(Some(&norm.weight), channels, 1.0)?;
        let mut total = vec![NormGradients::default(); channels];
        for batch in batches {
            let range = blocks.batches[batch].clone();
            let range = range.start - first..range.end - first;
            let values = self.values_a_channel(blocks, batch) as f64;
            let factors = (0..channels).map(|channel| {
                let parts = parts[range.clone()].iter().map(|part| part[channel]);
                let sum = parts.fold(NormGradients::default(), NormGradients::add);
                total[channel] = total[channel].add(sum);
                let variance = normalized.moments[batch][channel].variance;
                let scale = weights[channel].to_f64() * inverse_std(variance, norm.eps);
                [scale, sum.bias / values, sum.weight / values]
            });
            let factors: Vec<[f64; 3]> = factors.collect();
            let values = &normalized.values[first + range.start..first + range.end];
            let pairs = gradient[range].par_iter_mut().zip(values);
            pairs.for_each(|(gradient, normalized)| {
                NormalizeBackward {
                    gradient,
                    normalized,
                    channels: &factors,
                }
                .run();
            });
        }
        Ok(total)
    }

    /// The gradient with respect to the weight, summed over the blocks in their order.
    pub(super) fn weight_gradient<T: Element>(
        &self,
        input: &[Buffer<T>],
        products: &[Buffer<T>],
        sizes: &[usize],
        scratch: &Scratch<T>,
    ) -> Vec<T> {
        let (gradient, small, large) = match &self.sizes {
            Sizes::Shrinking(window) => (window.weight_gradient(), products, input),
            Sizes::Enlarging(window) => (window.weight_gradient(), input, products),
            Sizes::Pooling(_) | Sizes::Upsampling(_) => return Vec::new(),
        };
        let blocks = small.par_iter().zip(large).zip(sizes);
        let share = sizes.len().div_ceil(MOST_PARTS);
        let parts = blocks.chunks(share).map(|blocks| {
            let mut sums = scratch.take(gradient.sums::<T>());
            let blocks = blocks.into_iter();
            let blocks = blocks.map(|((small, large), n)| (&small[..], &large[..], *n));
            gradient.of_blocks(blocks, &mut sums, scratch);
            sums
        });
        gradient.joined(&parts.collect::<Vec<Buffer<T>>>())
    }

    /// The gradient with respect to the bias, with each example multiplied by its weight.
    pub(super) fn bias_gradient<T: Element>(
        &self,
        products: &[Buffer<T>],
        weights: &[Vec<T>],
    ) -> Vec<T> {
        let channels = self.output.channels;
        let parts = products.par_iter().zip(weights).map(|(products, weights)| {
            let columns = products.len() / channels;
            let sum = |channel: &[T]| {
                let mut sums = vec![T::zero(); weights.len()];
                for pixel in channel.chunks_exact(weights.len()) {
                    let pairs = sums.iter_mut().zip(pixel);
                    pairs.for_each(|(sum, value)| *sum += *value);
                }
                let terms = sums
                    .into_iter()
                    .zip(weights)
                    .map(|(sum, weight)| sum * *weight);
                terms.fold(T::zero(), |sum, term| sum + term)
            };
            products.chunks_exact(columns).map(sum).collect::<Vec<T>>()
        });
        let parts: Vec<Vec<T>> = parts.collect();
        let of = |channel: usize| {
            parts
                .iter()
                .fold(T::zero(), |sum, part| sum + part[channel])
        };
        (0..channels).map(of).collect()
    }
}

impl NormGradients {
    fn add(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            bias: self.bias + other.bias,
        }
    }
}
