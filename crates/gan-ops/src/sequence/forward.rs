//! The forward pass.

use super::columns::{Batches, matrices};
use super::normalize::{BiasActivation, Normalize};
use super::{Block, Sequence};
use crate::affine::{Affine, AffineActivation};
use crate::batch_norm::{Moments, Normalization};
use crate::element::{Element, with_slice};
use crate::matmul::{Onto, product, rows};
use crate::parallel::{rows_per_task, vectorized};
use crate::scratch::{Buffer, Scratch};
use crate::transpose::transpose;
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
    transpose(&last.output, n, &mut examples, features);
    Tensor::from_vec(examples, (n, features), &Device::Cpu)
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
                affine,
                shortcut: None,
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
