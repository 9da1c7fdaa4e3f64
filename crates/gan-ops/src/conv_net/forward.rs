//! The forward pass.

use super::blocks::{Blocks, FeatureMap};
use super::correlation::Correlation;
use super::layer::{Plan, Sizes};
use super::normalize::{Measure, Standardize, joined};
use super::resampling::Resampling;
use super::{ConvNet, Layer};
use crate::affine::{Affine, AffineActivation};
use crate::batch_norm::Moments;
use crate::element::{Element, with_slice};
use crate::parallel::vectorized;
use crate::scratch::Scratch;
use candle_core::{Result, Tensor, Var};
use gan_core::Mode;
use rayon::prelude::*;

/// What the backward pass needs of a layer's forward pass.
pub(super) struct Activations<T> {
    pub(super) output: FeatureMap<T>,
    pub(super) normalized: Option<Normalized<T>>,
}

/// Of a layer with batch normalization in training mode.
pub(super) struct Normalized<T> {
    /// The values before γ and β.
    pub(super) values: FeatureMap<T>,
    /// Of each batch, by channel.
    pub(super) moments: Vec<Vec<Moments>>,
}

/// `[n, c, h, w]`
pub(super) fn infer<T: Element>(net: &ConvNet, x: &Tensor, mode: Mode) -> Result<Tensor> {
    let n = x.dim(0)?;
    let blocks = Blocks::new([n]);
    let scratch = T::scratch(&net.inner.scratch);
    let input = blocks.cut(
        0..1,
        std::slice::from_ref(x),
        net.inner.input.elements(),
        scratch,
    )?;
    let activations = run(net, &blocks, &input, mode, false)?;
    images(net, &blocks, &activations, 0)
}

/// The last layer's output for one batch.
pub(super) fn images<T: Element>(
    net: &ConvNet,
    blocks: &Blocks,
    activations: &[Activations<T>],
    batch: usize,
) -> Result<Tensor> {
    let shape = net.inner.output;
    let last = activations.last().map_or(&[][..], |last| &last.output);
    let joined = blocks.join(&last[blocks.batches[batch].clone()], shape.elements())?;
    let n = joined.dim(0)?;
    joined.reshape((n, shape.channels, shape.height, shape.width))
}

/// What every layer made of `input`; if not `keep_all`, only the last one's is whole.
pub(super) fn run<T: Element>(
    net: &ConvNet,
    blocks: &Blocks,
    input: &FeatureMap<T>,
    mode: Mode,
    keep_all: bool,
) -> Result<Vec<Activations<T>>> {
    let plans = &net.inner.plans;
    let scratch = T::scratch(&net.inner.scratch);
    let mut done: Vec<Activations<T>> = Vec::with_capacity(plans.len());
    for (index, plan) in plans.iter().enumerate() {
        let x = done.last().map_or(input, |previous| &previous.output);
        let shortcut = plan.layer.shortcut.map(|from| &done[from].output);
        let next = plan.run(x, shortcut, blocks, mode, scratch)?;
        done.push(next);
        if !keep_all {
            let rest = &plans[index + 1..];
            for (earlier, activations) in done[..index].iter_mut().enumerate() {
                if rest.iter().all(|plan| plan.layer.shortcut != Some(earlier)) {
                    *activations = Activations {
                        output: Vec::new(),
                        normalized: None,
                    };
                }
            }
        }
    }
    Ok(done)
}

impl Plan {
    fn run<T: Element>(
        &self,
        x: &FeatureMap<T>,
        shortcut: Option<&FeatureMap<T>>,
        blocks: &Blocks,
        mode: Mode,
        scratch: &Scratch<T>,
    ) -> Result<Activations<T>> {
        let Layer {
            norm, activation, ..
        } = &self.layer;
        let channels = self.output.channels;
        let shortcut = |block: usize| shortcut.map(|map| &map[block][..]);
        let bias = vector::<T>(self.layer.bias.as_ref(), channels, 0.0)?;
        let map = self.map::<T>()?;
        let product = |block: usize| {
            let n = blocks.sizes[block];
            let mut y = scratch.take(self.output.elements() * n);
            map.apply(&x[block], &mut y, n, scratch);
            y
        };
        let (Some(norm), Mode::Train) = (norm, mode) else {
            let affine = match norm {
                None => bias.iter().map(|bias| plain(*bias)).collect(),
                Some(norm) => norm.evaluation(&bias)?,
            };
            let output = blocks.all().into_par_iter().map(|block| {
                let mut y = product(block);
                vectorized(AffineActivation {
                    y: &mut y,
                    affine: &affine,
                    shortcut: shortcut(block),
                    activation: *activation,
                });
                y
            });
            return Ok(Activations {
                output: output.collect(),
                normalized: None,
            });
        };
        let measured = blocks.all().into_par_iter().map(|block| {
            let mut y = product(block);
            let mut moments = vec![Moments::default(); channels];
            Measure {
                y: &mut y,
                bias: self.layer.bias.is_some().then_some(&bias[..]),
                moments: &mut moments,
            }
            .run();
            (y, moments)
        });
        let (mut output, parts): (FeatureMap<T>, Vec<Vec<Moments>>) = measured.unzip();
        let moments = self.moments(blocks, &parts)?;
        for (batch, moments) in moments.iter().enumerate() {
            norm.follow::<T>(moments, &[self.values_a_channel(blocks, batch)])?;
        }
        let normalizations = norm.affine::<T>(&bias)?;
        let affine: Vec<Affine<T>> = normalizations.iter().map(|of| of.affine).collect();
        let values = output.par_iter_mut().enumerate().map(|(block, y)| {
            let mut normalized = scratch.take(y.len());
            Standardize {
                y,
                normalized: &mut normalized,
                moments: &moments[blocks.batch_of(block)],
                eps: norm.eps,
            }
            .run();
            vectorized(AffineActivation {
                y,
                affine: &affine,
                shortcut: shortcut(block),
                activation: *activation,
            });
            normalized
        });
        let values = values.collect();
        Ok(Activations {
            output,
            normalized: Some(Normalized { values, moments }),
        })
    }

    /// How many values of a batch share a channel's statistics.
    pub(super) fn values_a_channel(&self, blocks: &Blocks, batch: usize) -> usize {
        let n: usize = blocks.sizes[blocks.batches[batch].clone()].iter().sum();
        n * self.output.height * self.output.width
    }

    /// Of each batch, by channel; parts: of each block.
    fn moments(&self, blocks: &Blocks, parts: &[Vec<Moments>]) -> Result<Vec<Vec<Moments>>> {
        let pixels = self.output.height * self.output.width;
        let mut all = Vec::with_capacity(blocks.batches.len());
        for (batch, range) in blocks.batches.iter().enumerate() {
            let values = self.values_a_channel(blocks, batch);
            if values < 2 {
                candle_core::bail!(
                    "batch normalization in training mode got {values} row, needs at least 2"
                );
            }
            let of_channel = |channel: usize| {
                let blocks = range.clone().map(|block| {
                    let count = blocks.sizes[block] * pixels;
                    (count, parts[block][channel])
                });
                joined(&blocks.collect::<Vec<_>>())
            };
            all.push((0..self.output.channels).map(of_channel).collect());
        }
        Ok(all)
    }

    /// The linear map with the weight that it has now.
    pub(super) fn map<T: Element>(&self) -> Result<Map<'_, T>> {
        self.with_weight(|weight| match &self.sizes {
            Sizes::Shrinking(window) => Map::Correlation(window.shrinking(weight)),
            Sizes::Enlarging(window) => Map::Correlation(window.enlarging(weight)),
            Sizes::Pooling(pooling) => Map::Gather(*pooling, pooling.mean()),
            Sizes::Upsampling(upsampling) => Map::Spread(*upsampling, 1.0),
        })
    }

    /// The adjoint of [`Self::map`].
    pub(super) fn adjoint<T: Element>(&self) -> Result<Map<'_, T>> {
        self.with_weight(|weight| match &self.sizes {
            Sizes::Shrinking(window) => Map::Correlation(window.enlarging(weight)),
            Sizes::Enlarging(window) => Map::Correlation(window.shrinking(weight)),
            Sizes::Pooling(pooling) => Map::Spread(*pooling, pooling.mean()),
            Sizes::Upsampling(upsampling) => Map::Gather(*upsampling, 1.0),
        })
    }

    /// Calls `f` with the weight, empty for a layer without one.
    fn with_weight<T: Element, R>(&self, f: impl FnOnce(&[T]) -> R) -> Result<R> {
        match self.layer.map.weight() {
            Some(weight) => with_slice(weight, |weight| Ok(f(weight))),
            None => Ok(f(&[])),
        }
    }
}

fn plain<T: Element>(bias: T) -> Affine<T> {
    Affine {
        weight: T::one(),
        bias,
    }
}

/// A vector's values, or as many of `other`.
pub(super) fn vector<T: Element>(var: Option<&Var>, len: usize, other: f64) -> Result<Vec<T>> {
    match var {
        Some(var) => with_slice::<T, _>(var, |values| Ok(values.to_vec())),
        None => Ok(vec![T::from_f64(other); len]),
    }
}

/// A layer's linear map, or its adjoint, as it is applied to blocks.
pub(super) enum Map<'a, T> {
    Correlation(Correlation<'a, T>),
    /// Each square of the larger image → its pixel of the smaller, times this.
    Gather(Resampling, f64),
    /// The adjoint.
    Spread(Resampling, f64),
}

impl<T: Element> Map<'_, T> {
    /// y ← map(x), of one block of n examples.
    pub(super) fn apply(&self, x: &[T], y: &mut [T], n: usize, scratch: &Scratch<T>) {
        match self {
            Self::Correlation(correlation) => correlation.apply(x, y, n, scratch),
            Self::Gather(resampling, scale) => resampling.gather(x, y, n, *scale),
            Self::Spread(resampling, scale) => resampling.spread(x, y, n, *scale),
        }
    }
}
