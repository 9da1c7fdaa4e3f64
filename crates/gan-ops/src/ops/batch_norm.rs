//! Batch normalization with running statistics (Ioffe & Szegedy, 2015).

use super::bias::Affine;
use crate::element::{Element, with_slice, with_slice_mut};
use crate::features::{Division, Features, Part};
use crate::kernels::tile::lanes;
use crate::lines::Lines;
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor, Var};
use gan_core::Mode;
use std::ops::Range;

/// The tensors, all `[c]`.
#[derive(Clone)]
pub(crate) struct BatchNorm {
    /// γ, the factor of the normalized values.
    pub(crate) weight: Var,
    /// β, which is added afterwards.
    pub(crate) bias: Var,
    /// The mean in evaluation mode.
    pub(crate) running_mean: Var,
    /// The variance in evaluation mode; an average of unbiased batch variances.
    pub(crate) running_variance: Var,
    /// Added to the variance; above 0.
    pub(crate) eps: f64,
    /// The weight of a batch in the running statistics, in [0, 1].
    pub(crate) momentum: f64,
}

/// A channel's mean and biased variance over a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
}

/// The gradients with respect to γ and β of a channel: Σ g·x̂ and Σ g.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NormGradients {
    pub(crate) weight: f64,
    pub(crate) bias: f64,
}

/// The numbers of one use: γ and β, and the bias before the normalization.
pub(crate) struct Scales<T> {
    pub(crate) affine: Vec<Affine<T>>,
    pub(crate) bias_before: Option<Vec<T>>,
    pub(crate) eps: f64,
}

/// The parts of a normalization: some channels each, over all examples.
pub(crate) fn division(channels: usize) -> Division {
    const CHANNELS: usize = 8;
    Division::channels(channels, CHANNELS)
}

/// 1 / √(variance + eps)
fn inverse_std(variance: f64, eps: f64) -> f64 {
    1.0 / (variance + eps).sqrt()
}

impl BatchNorm {
    /// `bias_before`: what is added before the normalization.
    pub(crate) fn scales<T: Element>(&self, bias_before: Option<&Var>) -> Result<Scales<T>> {
        let pair = |(weight, bias): (&T, &T)| Affine {
            weight: *weight,
            bias: *bias,
        };
        let affine = with_slice::<T, _>(&self.weight, |weight| {
            with_slice::<T, _>(&self.bias, |bias| {
                Ok(weight.iter().zip(bias).map(pair).collect())
            })
        })?;
        let values = |var| with_slice::<T, _>(var, |values| Ok(values.to_vec()));
        Ok(Scales {
            affine,
            bias_before: bias_before.map(|var| values(var)).transpose()?,
            eps: self.eps,
        })
    }

    /// What evaluation mode does, by the running statistics.
    pub(crate) fn evaluation<T: Element>(
        &self,
        bias_before: Option<&Var>,
    ) -> Result<Vec<Affine<T>>> {
        let scales = self.scales::<T>(bias_before)?;
        with_slice::<T, _>(&self.running_mean, |means| {
            with_slice::<T, _>(&self.running_variance, |variances| {
                let running = means.iter().zip(variances).enumerate();
                let fold = |(channel, (mean, variance)): (usize, (&T, &T))| {
                    let Affine { weight, bias } = scales.affine[channel];
                    let weight = weight * T::from_f64(inverse_std(variance.to_f64(), self.eps));
                    let before = scales.bias_before.as_ref().map(|bias| bias[channel]);
                    let centred = before.unwrap_or(T::zero()) - *mean;
                    Affine {
                        weight,
                        bias: centred * weight + bias,
                    }
                };
                Ok(running.map(fold).collect())
            })
        })
    }

    /// running ← (1 − momentum) · running + momentum · batch, one batch after the other, with the unbiased
    /// variance. moments: by channel, then batch; values: the number of values in each batch.
    pub(crate) fn follow<T: Element>(&self, moments: &[Moments], values: &[usize]) -> Result<()> {
        let toward = |running: &mut T, batch: f64| {
            let kept = *running * T::from_f64(1.0 - self.momentum);
            *running = kept + T::from_f64(batch * self.momentum);
        };
        let channels = || moments.chunks_exact(values.len());
        with_slice_mut::<T, _>(&self.running_mean, |means| {
            for (mean, moments) in means.iter_mut().zip(channels()) {
                moments.iter().for_each(|batch| toward(mean, batch.mean));
            }
            Ok(())
        })?;
        with_slice_mut::<T, _>(&self.running_variance, |variances| {
            for (variance, moments) in variances.iter_mut().zip(channels()) {
                for (batch, values) in moments.iter().zip(values) {
                    let values = *values as f64;
                    toward(variance, batch.variance * (values / (values - 1.0)));
                }
            }
            Ok(())
        })
    }

    /// x `[n, c, h, w]` → `[n, c, h, w]`, of candle operations.
    pub(crate) fn twin(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (n, _, h, w) = x.dims4()?;
        let values = n * h * w;
        let all = |of: &Tensor| of.mean_keepdim((0, 2, 3));
        let channels = |of: &Tensor| of.reshape((1, (), 1, 1));
        let (mean, variance) = match mode {
            Mode::Train => {
                refuse_one_value(values)?;
                let mean = all(x)?;
                let variance = all(&x.broadcast_sub(&mean)?.sqr()?)?;
                let unbiased = (variance.detach() * (values as f64 / (values as f64 - 1.0)))?;
                for (running, new) in [
                    (&self.running_mean, &mean.detach()),
                    (&self.running_variance, &unbiased),
                ] {
                    let old = running.as_detached_tensor();
                    let new = (new.flatten_all()? * self.momentum)?;
                    running.set(&((old * (1.0 - self.momentum))? + new)?)?;
                }
                (mean, variance)
            }
            Mode::Eval => (
                channels(&self.running_mean.as_detached_tensor())?,
                channels(&self.running_variance.as_detached_tensor())?,
            ),
        };
        let centred = x.broadcast_sub(&mean)?;
        let normalized = centred.broadcast_div(&(variance + self.eps)?.sqrt()?)?;
        normalized
            .broadcast_mul(&channels(&self.weight)?)?
            .broadcast_add(&channels(&self.bias)?)
    }
}

/// One value has no variance.
pub(crate) fn refuse_one_value(values: usize) -> Result<()> {
    if values >= 2 {
        return Ok(());
    }
    candle_core::bail!("batch normalization in training mode got {values} row, needs at least 2")
}

/// y ← normalized · γ + β, where normalized ← (y + bias before − mean) / √(variance + eps), each batch by its
/// own moments. The part has all lines and pixels of its channels.
pub(crate) fn normalize<T: Element>(
    y: &mut Part<'_, T>,
    normalized: &mut Part<'_, T>,
    moments: &mut [Moments],
    scales: &Scales<T>,
    lines: &Lines,
) {
    let pixels = y.region.pixels.len();
    for batch in 0..lines.batches() {
        let range = runs_of(lines, batch, 0, pixels);
        vectorized(Normalize {
            y: &mut y.runs[range.clone()],
            normalized: &mut normalized.runs[range],
            channels: y.region.channels.clone(),
            moments,
            batch,
            scales,
            lines,
            pixels,
        });
    }
}

/// The runs of a batch in a part by channels, one a pixel and line, of features whose first line is `first`.
fn runs_of(lines: &Lines, batch: usize, first: usize, pixels: usize) -> Range<usize> {
    let range = lines.of(batch..batch + 1);
    (range.start - first) * pixels..(range.end - first) * pixels
}

struct Normalize<'a, 'b, 'c, T> {
    /// One batch's.
    y: &'a mut [&'b mut [T]],
    normalized: &'a mut [&'c mut [T]],
    channels: Range<usize>,
    moments: &'a mut [Moments],
    batch: usize,
    scales: &'a Scales<T>,
    lines: &'a Lines,
    pixels: usize,
}

impl<T: Element> Kernel for Normalize<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (lanes, batches) = (lanes::<T>(), self.lines.batches());
        let (first_line, channels) = (
            self.lines.of(self.batch..self.batch + 1).start,
            self.channels,
        );
        let values = (self.lines.examples(self.batch) * self.pixels) as f64;
        let valid = |run: usize| self.lines.examples_of_line(first_line + run / self.pixels);
        if let Some(bias) = &self.scales.bias_before {
            for run in self.y.iter_mut() {
                for (y, bias) in run.chunks_exact_mut(lanes).zip(&bias[channels.clone()]) {
                    y.iter_mut().for_each(|value| *value += *bias);
                }
            }
        }
        let mut sums = vec![T::zero(); channels.len() * lanes];
        for (run, y) in self.y.iter().enumerate() {
            accumulate(&mut sums, y, valid(run), |_, value| value);
        }
        let means: Vec<f64> = totals(&sums).map(|sum| sum / values).collect();
        let centres: Vec<T> = means.iter().map(|mean| T::from_f64(*mean)).collect();
        sums.fill(T::zero());
        for (run, y) in self.y.iter().enumerate() {
            accumulate(&mut sums, y, valid(run), |channel, value| {
                let centred = value - centres[channel];
                centred * centred
            });
        }
        let variances: Vec<f64> = totals(&sums).map(|sum| sum / values).collect();
        let scales: Vec<T> = variances
            .iter()
            .map(|variance| T::from_f64(inverse_std(*variance, self.scales.eps)))
            .collect();
        let affine = &self.scales.affine[channels];
        for (y, normalized) in self.y.iter_mut().zip(self.normalized.iter_mut()) {
            let rows = y
                .chunks_exact_mut(lanes)
                .zip(normalized.chunks_exact_mut(lanes));
            for (channel, (y, normalized)) in rows.enumerate() {
                let (centre, scale, affine) = (centres[channel], scales[channel], affine[channel]);
                for (value, normalized) in y.iter_mut().zip(normalized) {
                    *normalized = (*value - centre) * scale;
                    *value = *normalized * affine.weight + affine.bias;
                }
            }
        }
        for (channel, (mean, variance)) in means.into_iter().zip(variances).enumerate() {
            self.moments[channel * batches + self.batch] = Moments { mean, variance };
        }
    }
}

/// sums `[channels, lanes]` += f(channel, value) of the lanes that have an example.
#[inline(always)]
fn accumulate<T: Element>(sums: &mut [T], values: &[T], valid: usize, f: impl Fn(usize, T) -> T) {
    let lanes = lanes::<T>();
    let rows = sums.chunks_exact_mut(lanes).zip(values.chunks_exact(lanes));
    for (channel, (sums, values)) in rows.enumerate() {
        if valid == lanes {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += f(channel, *value);
            }
        } else {
            for (sum, value) in sums.iter_mut().zip(&values[..valid]) {
                *sum += f(channel, *value);
            }
        }
    }
}

/// The sum of each channel's lanes.
#[inline(always)]
fn totals<T: Element>(sums: &[T]) -> impl Iterator<Item = f64> {
    let of_lanes = |lanes: &[T]| lanes.iter().map(|lane| lane.to_f64()).sum();
    sums.chunks_exact(lanes::<T>()).map(of_lanes)
}

/// Replaces the gradient g with respect to γ·x̂ + β by the one with respect to what was normalized,
/// weight / σ · (g − mean g − x̂ · mean g·x̂), for some batches, and gives those of γ and β, summed over them.
/// The part has all lines, of these batches, and pixels of its channels.
pub(crate) fn normalize_back<T: Element>(
    gradient: &mut Part<'_, T>,
    normalized: &Features<T>,
    moments: &[Moments],
    scales: &Scales<T>,
    lines: &Lines,
    batches: Range<usize>,
) -> Vec<NormGradients> {
    let pixels = gradient.region.pixels.len();
    let first = lines.of(batches.clone()).start;
    let mut total = vec![NormGradients::default(); gradient.region.channels.len()];
    let normalized: Vec<&[T]> = normalized.runs(&gradient.region, first).collect();
    for batch in batches {
        let range = runs_of(lines, batch, first, pixels);
        vectorized(Back {
            gradient: &mut gradient.runs[range.clone()],
            normalized: &normalized[range],
            channels: gradient.region.channels.clone(),
            moments,
            batch,
            scales,
            lines,
            pixels,
            total: &mut total,
        });
    }
    total
}

struct Back<'a, 'b, 'c, T> {
    gradient: &'a mut [&'b mut [T]],
    normalized: &'a [&'c [T]],
    channels: Range<usize>,
    moments: &'a [Moments],
    batch: usize,
    scales: &'a Scales<T>,
    lines: &'a Lines,
    pixels: usize,
    total: &'a mut [NormGradients],
}

impl<T: Element> Kernel for Back<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (lanes, batches) = (lanes::<T>(), self.lines.batches());
        let values = (self.lines.examples(self.batch) * self.pixels) as f64;
        // Lanes without an example have a gradient of 0.
        let mut by_bias = vec![T::zero(); self.channels.len() * lanes];
        let mut by_weight = by_bias.clone();
        for (gradient, normalized) in self.gradient.iter().zip(self.normalized) {
            let values = gradient.iter().zip(*normalized);
            for ((by_bias, by_weight), (g, x)) in by_bias.iter_mut().zip(&mut by_weight).zip(values)
            {
                *by_bias += *g;
                *by_weight += *g * *x;
            }
        }
        let sums = totals(&by_weight).zip(totals(&by_bias));
        let factors = sums.enumerate().map(|(channel, (weight, bias))| {
            self.total[channel].weight += weight;
            self.total[channel].bias += bias;
            let number = self.channels.start + channel;
            let variance = self.moments[number * batches + self.batch].variance;
            let scale = T::from_f64(inverse_std(variance, self.scales.eps));
            [
                self.scales.affine[number].weight * scale,
                T::from_f64(bias / values),
                T::from_f64(weight / values),
            ]
        });
        let factors: Vec<[T; 3]> = factors.collect();
        let first_line = self.lines.of(self.batch..self.batch + 1).start;
        let runs = self.gradient.iter_mut().zip(self.normalized).enumerate();
        for (run, (gradient, normalized)) in runs {
            let rows = gradient
                .chunks_exact_mut(lanes)
                .zip(normalized.chunks_exact(lanes));
            let valid = self.lines.examples_of_line(first_line + run / self.pixels);
            for ((gradient, normalized), [scale, mean_g, mean_gx]) in rows.zip(&factors) {
                for (g, x) in gradient.iter_mut().zip(normalized) {
                    *g = *scale * (*g - *mean_g - *x * *mean_gx);
                }
                gradient[valid..].fill(T::zero());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    const CHANNELS: usize = 5;
    const PIXELS: usize = 3;

    fn wave(count: usize, phase: f32) -> Vec<f32> {
        let wave = |k| 3.0 * (phase + 1.7 * k as f32).sin();
        (0..count).map(wave).collect()
    }

    /// Two batches of which each last line lacks examples.
    fn lines() -> Lines {
        let batch = |n: usize| Tensor::zeros((n, 1), DType::F32, &Device::Cpu).unwrap();
        Lines::new::<f32>(&[&batch(30), &batch(21)]).unwrap()
    }

    fn scales() -> Scales<f32> {
        let affine = |bias| Affine { weight: 1.5, bias };
        Scales {
            affine: wave(CHANNELS, 0.3).into_iter().map(affine).collect(),
            bias_before: Some(wave(CHANNELS, 0.9)),
            eps: 0.8,
        }
    }

    fn run<R>(kernel: impl Kernel<Output = R>, by_vectors: bool) -> R {
        if by_vectors {
            vectorized(kernel)
        } else {
            kernel.call()
        }
    }

    /// The runs of a batch, one for each line and pixel.
    fn runs(values: &mut [f32]) -> Vec<&mut [f32]> {
        values.chunks_exact_mut(CHANNELS * lanes::<f32>()).collect()
    }

    /// Each kernel as compiled for this processor against the same source compiled for the oldest.
    #[test]
    fn vectors_do_not_change_a_bit() {
        let (lines, scales) = (lines(), scales());
        let all = |by_vectors: bool| {
            let mut moments = vec![Moments::default(); CHANNELS * 2];
            let mut total = vec![NormGradients::default(); CHANNELS];
            let mut found = Vec::new();
            for batch in 0..2 {
                let count = 2 * PIXELS * CHANNELS * lanes::<f32>();
                let [mut y, mut normalized] = [0.1, 0.7].map(|phase| wave(count, phase));
                let normalize = Normalize {
                    y: &mut runs(&mut y),
                    normalized: &mut runs(&mut normalized),
                    channels: 0..CHANNELS,
                    moments: &mut moments,
                    batch,
                    scales: &scales,
                    lines: &lines,
                    pixels: PIXELS,
                };
                run(normalize, by_vectors);
                let mut gradient = wave(count, 1.9);
                let ones = normalized.chunks_exact(CHANNELS * lanes::<f32>());
                let back = Back {
                    gradient: &mut runs(&mut gradient),
                    normalized: &ones.collect::<Vec<_>>(),
                    channels: 0..CHANNELS,
                    moments: &moments,
                    batch,
                    scales: &scales,
                    lines: &lines,
                    pixels: PIXELS,
                    total: &mut total,
                };
                run(back, by_vectors);
                found.push([y, normalized, gradient]);
            }
            let moments = moments.iter().flat_map(|m| [m.mean, m.variance]);
            let total = total.iter().flat_map(|sums| [sums.weight, sums.bias]);
            (found, moments.chain(total).collect::<Vec<f64>>())
        };
        assert_eq!(all(true), all(false));
    }
}
