//! A bias for each channel, and all that follows a map without batch statistics in one pass over a part:
//! activation(y · weight + bias + shortcut).

use super::activation::Activation;
use crate::element::Element;
use crate::features::{Features, Part};
use crate::kernels::tile::lanes;
use crate::parallel::map_pieces;
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor};
use std::ops::Range;

/// y · weight + bias, of one channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine<T> {
    pub(crate) weight: T,
    pub(crate) bias: T,
}

/// Channels of a part of the bias's gradient.
const CHANNELS: usize = 16;

/// y ← activation(y · weight + bias + shortcut); `affine`: of each channel, none if there is nothing to do.
pub(crate) fn finish<T: Element>(
    y: &mut Part<'_, T>,
    affine: Option<&[Affine<T>]>,
    shortcut: Option<&Features<T>>,
    activation: Activation,
) {
    let affine = affine.map(|affine| &affine[y.region.channels.clone()]);
    let shortcuts = shortcut.map(|shortcut| shortcut.runs(&y.region, 0).collect::<Vec<_>>());
    for (index, run) in y.runs.iter_mut().enumerate() {
        vectorized(Finish {
            y: run,
            affine,
            shortcut: shortcuts.as_ref().map(|runs| runs[index]),
            activation,
        });
    }
}

/// The same of one run.
struct Finish<'a, T> {
    y: &'a mut [T],
    affine: Option<&'a [Affine<T>]>,
    shortcut: Option<&'a [T]>,
    activation: Activation,
}

impl<T: Element> Kernel for Finish<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if let Some(affine) = self.affine {
            for pixel in self.y.chunks_exact_mut(affine.len() * lanes::<T>()) {
                for (y, affine) in pixel.chunks_exact_mut(lanes::<T>()).zip(affine) {
                    for value in y {
                        *value = *value * affine.weight + affine.bias;
                    }
                }
            }
        }
        if let Some(shortcut) = self.shortcut {
            let pairs = self.y.iter_mut().zip(shortcut);
            pairs.for_each(|(value, more)| *value += *more);
        }
        self.activation.apply_in_place(self.y);
    }
}

/// The gradient with respect to each channel's bias: the sum of `gradient` over pixels and examples, each
/// example times its weight, `[lines, lanes]`, if there are weights.
pub(crate) fn gradient<T: Element>(gradient: &Features<T>, weights: Option<&[T]>) -> Vec<T> {
    let channels = gradient.size.channels;
    let parts = map_pieces(channels.div_ceil(CHANNELS), |part| {
        let range = part * CHANNELS..channels.min((part + 1) * CHANNELS);
        let mut sums = vec![T::zero(); range.len()];
        vectorized(Sums {
            gradient,
            weights,
            channels: range,
            sums: &mut sums,
        });
        sums
    });
    parts.concat()
}

struct Sums<'a, T> {
    gradient: &'a Features<T>,
    weights: Option<&'a [T]>,
    channels: Range<usize>,
    sums: &'a mut [T],
}

impl<T: Element> Kernel for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let range = self.channels.start * lanes..self.channels.end * lanes;
        let mut sums = vec![T::zero(); range.len()];
        let mut of_line = sums.clone();
        for line in 0..self.gradient.lines() {
            of_line.fill(T::zero());
            let pixels = self.gradient.line(line);
            for pixel in pixels.chunks_exact(self.gradient.size.channels * lanes) {
                let pairs = of_line.iter_mut().zip(&pixel[range.clone()]);
                pairs.for_each(|(sum, value)| *sum += *value);
            }
            let weights = self
                .weights
                .map(|weights| &weights[line * lanes..][..lanes]);
            for (sums, of_line) in sums
                .chunks_exact_mut(lanes)
                .zip(of_line.chunks_exact(lanes))
            {
                for (lane, (sum, value)) in sums.iter_mut().zip(of_line).enumerate() {
                    *sum += *value * weights.map_or(T::one(), |weights| weights[lane]);
                }
            }
        }
        for (sum, lanes) in self.sums.iter_mut().zip(sums.chunks_exact(lanes)) {
            let all: f64 = lanes.iter().map(|lane| lane.to_f64()).sum();
            *sum = T::from_f64(all);
        }
    }
}

/// x `[n, c, h, w]`, bias `[c]` → `[n, c, h, w]`.
pub(crate) fn twin(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Size;
    use crate::scratch::Scratch;

    fn wave(count: usize, phase: f32) -> Vec<f32> {
        let wave = |k| 3.0 * (phase + 1.7 * k as f32).sin();
        (0..count).map(wave).collect()
    }

    /// Each kernel as compiled for this processor against the same source compiled for the oldest.
    #[test]
    fn vectors_do_not_change_a_bit() {
        let (channels, pixels) = (5, 7);
        let affine: Vec<Affine<f32>> = wave(channels, 0.3)
            .into_iter()
            .map(|bias| Affine { weight: 1.1, bias })
            .collect();
        let shortcut = wave(channels * pixels * lanes::<f32>(), 0.9);
        for activation in [
            Activation::Identity,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Tanh,
        ] {
            let [mut fast, mut plain] = [0.0; 2].map(|phase| wave(shortcut.len(), phase));
            let kernel = |y| Finish {
                y,
                affine: Some(&affine),
                shortcut: Some(&shortcut),
                activation,
            };
            vectorized(kernel(&mut fast));
            kernel(&mut plain).call();
            assert_eq!(fast, plain, "{activation:?}");
        }
    }

    #[test]
    fn gradients_are_sums_and_vectors_do_not_change_a_bit() {
        let size = Size {
            channels: CHANNELS + 5,
            pixels: 7,
        };
        let (lines, lanes) = (3, lanes::<f32>());
        let mut features = Features::new(lines, size, &Scratch::default());
        let values = wave(lines * size.elements() * lanes, 0.0);
        let to = features.lines_mut().into_iter();
        to.zip(values.chunks_exact(size.elements() * lanes))
            .for_each(|(to, from)| to.copy_from_slice(from));
        let weights = wave(lines * lanes, 0.4);
        for weights in [None, Some(&weights[..])] {
            let found = gradient(&features, weights);
            let mut plain = vec![0.0; size.channels];
            Sums {
                gradient: &features,
                weights,
                channels: 0..size.channels,
                sums: &mut plain,
            }
            .call();
            assert_eq!(found, plain);
            let mut expected = vec![0.0; size.channels];
            for (place, value) in values.iter().enumerate() {
                let example = place / (size.elements() * lanes) * lanes + place % lanes;
                let weight = weights.map_or(1.0, |weights| f64::from(weights[example]));
                expected[place / lanes % size.channels] += f64::from(*value) * weight;
            }
            for (found, expected) in found.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-4);
            }
        }
    }
}
