//! The forward pass.

use super::columns::{Batches, matrices};
use super::normalize::{
    Affine, AffineActivation, BiasActivation, Normalization, Normalize, evaluation,
};
use super::{Block, Sequence};
use crate::BatchNorm;
use crate::batch_norm::Moments;
use crate::element::{Element, with_slice};
use crate::matmul::{Onto, product, rows};
use crate::parallel::{rows_per_task, vectorized};
use crate::scratch::{Buffer, Scratch};
use candle_core::{Device, Result, Tensor};
use faer::MatRef;
use gan_core::Mode;
use rayon::prelude::*;
use std::ops::Range;

/// What the backward pass needs of a block's forward pass; all batches stand side by side.
pub(super) struct Activations<T> {
    /// `[o, n]`
    pub(super) output: Buffer<T>,
    /// The values before γ and β, `[o, n]`, and their moments by feature, then batch; of blocks
    /// with batch normalization in training mode.
    pub(super) normalized: Option<(Buffer<T>, Vec<Moments>)>,
}

/// Some columns of a block's input.
pub(super) struct Part<'a, T> {
    /// `[i, m]`
    pub(super) x: MatRef<'a, T>,
    /// Which of all columns these are.
    pub(super) columns: Range<usize>,
}

/// `[n, o]`, in that order.
pub(super) fn infer<T: Element>(sequence: &Sequence, x: &Tensor, mode: Mode) -> Result<Tensor> {
    let batches = Batches::new([x])?;
    let activations = run::<T>(sequence, &batches, mode, false)?;
    let Some(last) = activations.last() else {
        candle_core::bail!("a sequence without blocks");
    };
    let n = batches.ranges()[0].len();
    let features = sequence.outputs();
    let mut examples = vec![T::default(); last.output.len()];
    transpose(&last.output, n, &mut examples);
    Tensor::from_vec(examples, (n, features), &Device::Cpu)
}

/// Rows of `n` values to columns, a tile at a time, so that each line of the cache is used whole.
fn transpose<T: Element>(from: &[T], n: usize, to: &mut [T]) {
    const TILE: usize = 16;
    let features = from.len().checked_div(n).unwrap_or(0);
    let tiles = to.par_chunks_mut((TILE * features).max(1)).enumerate();
    tiles.for_each(|(tile, to)| {
        let first = tile * TILE;
        let last = n.min(first + TILE);
        for (feature, row) in from.chunks_exact(n).enumerate() {
            for (example, value) in row[first..last].iter().enumerate() {
                to[example * features + feature] = *value;
            }
        }
    });
}

/// The last block's output of each batch: views `[n, o]` on memory in the order `[o, n]`.
pub(super) fn outputs<T: Element>(
    activations: &[Activations<T>],
    features: usize,
    ranges: &[Range<usize>],
) -> Result<Vec<Tensor>> {
    let (Some(last), Some(end)) = (activations.last(), ranges.last().map(|range| range.end)) else {
        return Ok(Vec::new());
    };
    let all = Tensor::from_slice(&last.output, (features, end), &Device::Cpu)?.t()?;
    let batch = |range: &Range<usize>| all.narrow(0, range.start, range.len());
    ranges.iter().map(batch).collect()
}

/// The activations of every block, or of the last alone.
pub(super) fn run<T: Element>(
    sequence: &Sequence,
    batches: &Batches,
    mode: Mode,
    keep_all: bool,
) -> Result<Vec<Activations<T>>> {
    let blocks = &sequence.inner.blocks;
    let scratch = T::scratch(&sequence.inner.scratch);
    let ranges = batches.ranges();
    let held = batches.hold();
    let columns = matrices::<T>(&held)?;
    for x in &columns {
        let (found, expected) = (x.nrows(), blocks[0].inputs());
        if found != expected {
            candle_core::bail!("a sequence of {expected} inputs was given examples of {found}");
        }
        let normalizes = blocks.iter().any(|block| block.norm.is_some());
        if mode == Mode::Train && normalizes && x.ncols() < 2 {
            candle_core::bail!(
                "batch normalization in training mode got {} row, needs at least 2",
                x.ncols()
            );
        }
    }
    let first = columns.into_iter().zip(ranges.iter().cloned());
    let first: Vec<Part<'_, T>> = first.map(|(x, columns)| Part { x, columns }).collect();
    let mut done: Vec<Activations<T>> = Vec::with_capacity(blocks.len());
    let n = ranges.last().map_or(0, |range| range.end);
    for block in blocks {
        let next = match done.last() {
            None => block.run(&first, &ranges, mode, scratch)?,
            Some(previous) => {
                let x = MatRef::from_row_major_slice(&previous.output, block.inputs(), n);
                block.run(&[Part { x, columns: 0..n }], &ranges, mode, scratch)?
            }
        };
        if !keep_all {
            done.clear();
        }
        done.push(next);
    }
    Ok(done)
}

/// A block's matrix product, of which each thread computes some rows.
struct Product<'a, T> {
    /// `[o, i]`
    weight: MatRef<'a, T>,
    parts: &'a [Part<'a, T>],
    /// The number of columns, at least 1.
    n: usize,
    /// How many features a thread takes at once.
    task: usize,
}

impl<T: Element> Product<'_, T> {
    /// Computes the rows of `y` for features from `first` on.
    fn compute(&self, first: usize, y: &mut [T]) {
        for part in self.parts {
            let c = rows(y, self.n).subcols_mut(part.columns.start, part.columns.len());
            let weight = self.weight.subrows(first, c.nrows());
            product(c, Onto::Replace, weight, part.x);
        }
    }
}

impl Block {
    /// y `[o, n]` ← the linear layer's products with `parts`, without its bias.
    pub(super) fn products<T: Element>(
        &self,
        parts: &[Part<'_, T>],
        n: usize,
        y: &mut [T],
    ) -> Result<()> {
        with_slice::<T, _>(&self.weight, |weight| {
            let product = Product {
                weight: MatRef::from_row_major_slice(weight, self.outputs(), self.inputs()),
                parts,
                n,
                task: rows_per_task(self.outputs(), self.inputs() * n),
            };
            let tasks = y.par_chunks_mut(product.task * n).enumerate();
            tasks.for_each(|(index, y)| product.compute(index * product.task, y));
            Ok(())
        })
    }

    fn run<T: Element>(
        &self,
        parts: &[Part<'_, T>],
        ranges: &[Range<usize>],
        mode: Mode,
        scratch: &Scratch<T>,
    ) -> Result<Activations<T>> {
        let n = ranges.last().map_or(0, |range| range.end);
        let mut output = scratch.take(self.outputs() * n);
        let normalized = with_slice::<T, _>(&self.weight, |weight| {
            let product = Product {
                weight: MatRef::from_row_major_slice(weight, self.outputs(), self.inputs()),
                parts,
                n: n.max(1),
                task: rows_per_task(self.outputs(), self.inputs() * n),
            };
            with_slice::<T, _>(&self.bias, |bias| match (&self.norm, mode) {
                (None, _) => {
                    self.plain(&product, bias, &mut output);
                    Ok(None)
                }
                (Some(norm), Mode::Train) => {
                    let mut normalized = scratch.take(output.len());
                    let affine = norm.affine(bias)?;
                    let places = (&mut *output, &mut *normalized);
                    let moments = self.normalize(&product, norm.eps, &affine, ranges, places);
                    let rows: Vec<usize> = ranges.iter().map(Range::len).collect();
                    norm.follow::<T>(&moments, &rows)?;
                    Ok(Some((normalized, moments)))
                }
                (Some(norm), Mode::Eval) => {
                    self.evaluate(&product, &norm.evaluation(bias)?, &mut output);
                    Ok(None)
                }
            })
        })?;
        Ok(Activations { output, normalized })
    }

    fn plain<T: Element>(&self, product: &Product<'_, T>, bias: &[T], y: &mut [T]) {
        let Product { n, task, .. } = *product;
        let tasks = y.par_chunks_mut(task * n).zip(bias.par_chunks(task));
        tasks.enumerate().for_each(|(index, (y, bias))| {
            product.compute(index * task, y);
            vectorized(BiasActivation {
                y,
                n,
                bias,
                activation: self.activation,
            });
        });
    }

    fn evaluate<T: Element>(&self, product: &Product<'_, T>, affine: &[Affine<T>], y: &mut [T]) {
        let Product { n, task, .. } = *product;
        let tasks = y.par_chunks_mut(task * n).zip(affine.par_chunks(task));
        tasks.enumerate().for_each(|(index, (y, affine))| {
            product.compute(index * task, y);
            vectorized(AffineActivation {
                y,
                n,
                affine,
                activation: self.activation,
            });
        });
    }

    fn normalize<T: Element>(
        &self,
        product: &Product<'_, T>,
        eps: f64,
        affine: &[Normalization<T>],
        ranges: &[Range<usize>],
        (y, normalized): (&mut [T], &mut [T]),
    ) -> Vec<Moments> {
        let Product { n, task, .. } = *product;
        let batches = ranges.len();
        let mut moments = vec![Moments::default(); affine.len() * batches];
        y.par_chunks_mut(task * n)
            .zip(normalized.par_chunks_mut(task * n))
            .zip(moments.par_chunks_mut(task * batches))
            .zip(affine.par_chunks(task))
            .enumerate()
            .for_each(|(index, (((y, normalized), moments), affine))| {
                product.compute(index * task, y);
                vectorized(Normalize {
                    y,
                    normalized,
                    moments,
                    features: affine,
                    ranges,
                    eps,
                    activation: self.activation,
                });
            });
        moments
    }
}

impl BatchNorm {
    fn affine<T: Element>(&self, linear_bias: &[T]) -> Result<Vec<Normalization<T>>> {
        with_slice::<T, _>(&self.weight, |weight| {
            with_slice::<T, _>(&self.bias, |bias| {
                let all = weight.iter().zip(bias).zip(linear_bias);
                let normalization = |((weight, bias), linear_bias): ((&T, &T), &T)| Normalization {
                    linear_bias: *linear_bias,
                    affine: Affine {
                        weight: *weight,
                        bias: *bias,
                    },
                };
                Ok(all.map(normalization).collect())
            })
        })
    }

    /// Everything behind the matrix product, with running statistics.
    fn evaluation<T: Element>(&self, linear_bias: &[T]) -> Result<Vec<Affine<T>>> {
        let normalizations = self.affine(linear_bias)?;
        with_slice::<T, _>(&self.running_mean, |mean| {
            with_slice::<T, _>(&self.running_variance, |variance| {
                let running = mean.iter().zip(variance).map(|(mean, variance)| Moments {
                    mean: mean.to_f64(),
                    variance: variance.to_f64(),
                });
                let pairs = normalizations.iter().zip(running);
                let fold = |(normalization, running)| evaluation(normalization, running, self.eps);
                Ok(pairs.map(fold).collect())
            })
        })
    }
}
