//! The features of a line's prefixes, each filled up to whole sequences with one token.

use super::convolution::fill;
use super::forward::{Highway, highway};
use super::weights::Weights;
use crate::element::Element;
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::language::embed;
use crate::scratch::{Buffer, Scratch};
use crate::vectors::{Kernel, vectorized};
use std::ops::Range;

/// A line of sequences that grow token by token. Of each prefix only the windows with the last tokens are new, so
/// a step costs a part of a whole pass and gives the same numbers.
pub(crate) struct Prefixes<'a, T> {
    weights: &'a Weights<'a, T>,
    steps: usize,
    /// Tokens so far.
    len: usize,
    /// The embedded tokens, then the one that fills up, `[steps, embedding, lanes]`.
    x: Buffer<T>,
    /// Each filter's largest value over windows of tokens alone, `[features, lanes]`.
    whole: Buffer<T>,
    /// Its value of what fills up.
    empty: Buffer<T>,
    pooled: Buffer<T>,
    transform: Buffer<T>,
    gate: Buffer<T>,
}

impl<'a, T: Element> Prefixes<'a, T> {
    /// Empty prefixes of sequences of `steps` tokens, at least as many as the widest kernel has.
    pub(crate) fn new(
        weights: &'a Weights<'a, T>,
        steps: usize,
        pad: u32,
        scratch: &Scratch<T>,
    ) -> Self {
        let lanes = lanes::<T>();
        let (width, features) = (weights.sizes.embedding, weights.sizes.features());
        let take = |channels: usize| scratch.take(channels * lanes);
        let mut prefixes = Self {
            weights,
            steps,
            len: 0,
            x: take(steps * width),
            whole: take(features),
            empty: take(features),
            pooled: take(features),
            transform: take(features),
            gate: take(features),
        };
        for x in prefixes.x.chunks_exact_mut(width * lanes) {
            embed(weights.embedding, width, &vec![pad; lanes], x);
        }
        prefixes.whole.fill(T::zero());
        prefixes.empty.fill(T::zero());
        raise(weights, &prefixes.x, &mut prefixes.empty, |_| 0..1);
        prefixes
    }

    /// Each lane's next token.
    pub(crate) fn push(&mut self, tokens: &[u32]) {
        let width = self.weights.sizes.embedding;
        let x = &mut self.x[self.len * width * lanes::<T>()..];
        embed(
            self.weights.embedding,
            width,
            tokens,
            &mut x[..width * lanes::<T>()],
        );
        self.len += 1;
        let len = self.len;
        raise(self.weights, &self.x, &mut self.whole, |width| {
            let end = (len + 1).saturating_sub(width);
            end.saturating_sub(1)..end
        });
    }

    /// to `[features, lanes]` ← what the last layer would read of the prefixes.
    pub(crate) fn features(&mut self, to: &mut [T]) {
        let (len, steps, lanes) = (self.len, self.steps, lanes::<T>());
        self.pooled.copy_from_slice(&self.whole);
        let mut first = 0;
        for kernel in &self.weights.sizes.kernels {
            let range = first..first + kernel.filters * lanes;
            if len + kernel.width <= steps {
                vectorized(Raise {
                    values: &self.empty[range.clone()],
                    largest: &mut self.pooled[range.clone()],
                });
            }
            first = range.end;
        }
        raise(self.weights, &self.x, &mut self.pooled, |width| {
            (len + 1).saturating_sub(width)..len.min(steps + 1 - width)
        });
        highway(
            self.weights,
            Highway {
                pooled: &self.pooled,
                transform: &mut self.transform,
                gate: &mut self.gate,
                factors: None,
                features: to,
            },
        );
    }
}

/// largest ← max(largest, weight · window + bias), of each kernel for the windows that begin at `places(its width)`.
fn raise<T: Element>(
    weights: &Weights<'_, T>,
    x: &[T],
    largest: &mut [T],
    places: impl Fn(usize) -> Range<usize>,
) {
    let (step, mut rest) = (weights.sizes.embedding * lanes::<T>(), largest);
    for (kernel, layer) in weights.sizes.kernels.iter().zip(&weights.convolutions) {
        let (largest, after) = rest.split_at_mut(kernel.filters * lanes::<T>());
        rest = after;
        let mut sums = vec![T::zero(); largest.len()];
        for place in places(kernel.width) {
            fill(layer.bias, &mut sums);
            let window = &x[place * step..][..kernel.width * step];
            line_product(layer.weight, window, &mut sums, true);
            vectorized(Raise {
                values: &sums,
                largest: &mut *largest,
            });
        }
    }
}

/// largest ← max(largest, values)
struct Raise<'a, T> {
    values: &'a [T],
    largest: &'a mut [T],
}

impl<T: Element> Kernel for Raise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (largest, value) in self.largest.iter_mut().zip(self.values) {
            *largest = if *value > *largest { *value } else { *largest };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TextClassifier;
    use super::super::counts::Counts;
    use super::super::forward::{Input, forward};
    use super::*;
    use crate::language::TokenBatch;
    use candle_core::{DType, Device};
    use gan_core::candle_nn::Init;
    use gan_core::{ParameterStore, Purpose, Seed};

    fn classifier() -> TextClassifier {
        let rng = Seed(3).rng(Purpose::DiscriminatorInit, 0);
        let parameters = ParameterStore::new(rng, DType::F32, &Device::Cpu);
        let normal = Init::Randn {
            mean: 0.0,
            stdev: 0.7,
        };
        let get =
            |name: &str, shape: &[usize]| parameters.builder().get_with_hints(shape, name, normal);
        get("embedding.weight", &[7, 5]).unwrap();
        for (k, width) in [1, 2, 4].into_iter().enumerate() {
            get(&format!("convolutions.{k}.weight"), &[3, 1, width, 5]).unwrap();
            get(&format!("convolutions.{k}.bias"), &[3]).unwrap();
        }
        for layer in ["highway.transform", "highway.gate"] {
            get(&format!("{layer}.weight"), &[9, 9]).unwrap();
            get(&format!("{layer}.bias"), &[9]).unwrap();
        }
        get("output.weight", &[1, 9]).unwrap();
        get("output.bias", &[1]).unwrap();
        TextClassifier::new(parameters).unwrap()
    }

    #[test]
    fn prefixes_have_the_features_of_sequences_that_are_filled_up() {
        const PAD: u32 = 6;
        let (classifier, scratch) = (classifier(), Scratch::default());
        for steps in [4, 5, 9] {
            let lanes = lanes::<f32>();
            let token = |step: usize, lane: usize| ((3 * step + 5 * lane + step * lane) % 6) as u32;
            classifier
                .with::<f32, _>(|weights| {
                    let mut prefixes = Prefixes::new(weights, steps, PAD, &scratch);
                    let mut found = vec![0.0; 9 * lanes];
                    for len in 0..=steps {
                        prefixes.features(&mut found);
                        let filled: Vec<u32> = (0..lanes * steps)
                            .map(|k| (k % steps, k / steps))
                            .map(|(step, lane)| if step < len { token(step, lane) } else { PAD })
                            .collect();
                        let batch = TokenBatch::new(&filled, steps).unwrap();
                        let input = Input {
                            tokens: batch,
                            soft: None,
                            counts: Counts {
                                tokens: lanes,
                                soft: 0,
                            },
                        };
                        let (_, pass) = forward(weights, &input, None, &scratch);
                        assert_eq!(found, pass.features.line(0), "{len} of {steps}");
                        if len < steps {
                            let next: Vec<u32> = (0..lanes).map(|lane| token(len, lane)).collect();
                            prefixes.push(&next);
                        }
                    }
                    Ok(())
                })
                .unwrap();
        }
    }
}
