//! The forward pass.

use super::columns::{size, with_columns};
use super::normalize::{
    Affine, Moments, affine_activation, batch_norm, bias_activation, evaluation,
};
use super::{BatchNorm, Block, Sequence};
use crate::element::{Element, with_slice, with_slice_mut};
use crate::matmul::product;
use crate::parallel::{rows_per_task, vectorized};
use crate::scratch::{Buffer, Scratch};
use candle_core::{Device, Result, Tensor};
use faer::MatRef;
use gan_core::{Accumulation, Mode};
use rayon::prelude::*;

/// What the backward pass needs of a block's forward pass, by feature.
pub(super) struct Activations<T> {
    /// `[o, n]`
    pub(super) output: Buffer<T>,
    /// The values before γ and β, `[o, n]`, and their moments, `[o]`; of blocks with batch
    /// normalization in training mode.
    pub(super) normalized: Option<(Buffer<T>, Vec<Moments>)>,
}

pub(super) fn infer<T: Element>(sequence: &Sequence, x: &Tensor, mode: Mode) -> Result<Tensor> {
    let mut activations = run::<T>(sequence, x, mode, false)?;
    match activations.pop() {
        Some(last) => output(&last, size(x.layout()).0),
        None => candle_core::bail!("a sequence without blocks"),
    }
}

/// A view `[n, o]` on a copy of the activations.
pub(super) fn output<T: Element>(last: &Activations<T>, examples: usize) -> Result<Tensor> {
    let features = last.output.len().checked_div(examples).unwrap_or(0);
    Tensor::from_slice(&last.output, (features, examples), &Device::Cpu)?.t()
}

/// The activations of every block, or of the last alone.
pub(super) fn run<T: Element>(
    sequence: &Sequence,
    x: &Tensor,
    mode: Mode,
    keep_all: bool,
) -> Result<Vec<Activations<T>>> {
    let blocks = &sequence.inner.blocks;
    let scratch = T::scratch(&sequence.inner.scratch);
    let (examples, features) = size(x.layout());
    if features != blocks[0].inputs() {
        let (found, expected) = (x.dims(), blocks[0].inputs());
        candle_core::bail!("a sequence of {expected} inputs was given a tensor of shape {found:?}");
    }
    let batch_norm = blocks.iter().any(|block| block.norm.is_some());
    if mode == Mode::Train && batch_norm && examples < 2 {
        candle_core::bail!(
            "batch normalization in training mode got {examples} row, needs at least 2"
        );
    }
    let mut done: Vec<Activations<T>> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let next = match done.last() {
            None => with_columns(x, |x| block.run(x, mode, scratch))?,
            Some(previous) => {
                let features = block.inputs();
                let x = MatRef::from_row_major_slice(&previous.output, features, examples);
                block.run(x, mode, scratch)?
            }
        };
        if !keep_all {
            done.clear();
        }
        done.push(next);
    }
    Ok(done)
}

impl Block {
    /// x: a column an example.
    fn run<T: Element>(
        &self,
        x: MatRef<'_, T>,
        mode: Mode,
        scratch: &Scratch<T>,
    ) -> Result<Activations<T>> {
        let mut output = scratch.take(self.outputs() * x.ncols());
        let normalized = with_slice::<T, _>(&self.weight, |weight| {
            let weight = MatRef::from_row_major_slice(weight, self.outputs(), x.nrows());
            with_slice::<T, _>(&self.bias, |bias| match (&self.norm, mode) {
                (None, _) => {
                    self.plain(weight, bias, x, &mut output);
                    Ok(None)
                }
                (Some(norm), Mode::Train) => {
                    let mut normalized = scratch.take(output.len());
                    let affine = norm.affine()?;
                    let linear = (weight, bias);
                    let moments =
                        self.normalize(norm, linear, &affine, x, (&mut output, &mut normalized));
                    norm.follow::<T>(&moments, x.ncols())?;
                    Ok(Some((normalized, moments)))
                }
                (Some(norm), Mode::Eval) => {
                    let affine = norm.evaluation(bias)?;
                    self.evaluate(weight, &affine, x, &mut output);
                    Ok(None)
                }
            })
        })?;
        Ok(Activations { output, normalized })
    }

    /// How many features a thread takes.
    pub(super) fn task(&self, inputs: usize, examples: usize) -> usize {
        rows_per_task(self.outputs(), inputs * examples)
    }

    fn plain<T: Element>(&self, weight: MatRef<'_, T>, bias: &[T], x: MatRef<'_, T>, y: &mut [T]) {
        let (n, task) = (x.ncols().max(1), self.task(x.nrows(), x.ncols()));
        let tasks = y.par_chunks_mut(task * n).zip(bias.par_chunks(task));
        tasks.enumerate().for_each(|(index, (y, bias))| {
            let weight = weight.subrows(index * task, bias.len());
            product(y, Accumulation::Replace, weight, x);
            vectorized(|| {
                for (y, bias) in y.chunks_exact_mut(n).zip(bias) {
                    bias_activation(y, *bias, self.activation);
                }
            });
        });
    }

    fn evaluate<T: Element>(
        &self,
        weight: MatRef<'_, T>,
        affine: &[Affine<T>],
        x: MatRef<'_, T>,
        y: &mut [T],
    ) {
        let (n, task) = (x.ncols().max(1), self.task(x.nrows(), x.ncols()));
        let tasks = y.par_chunks_mut(task * n).zip(affine.par_chunks(task));
        tasks.enumerate().for_each(|(index, (y, affine))| {
            let weight = weight.subrows(index * task, affine.len());
            product(y, Accumulation::Replace, weight, x);
            vectorized(|| {
                for (y, affine) in y.chunks_exact_mut(n).zip(affine) {
                    affine_activation(y, *affine, self.activation);
                }
            });
        });
    }

    fn normalize<T: Element>(
        &self,
        norm: &BatchNorm,
        (weight, bias): (MatRef<'_, T>, &[T]),
        affine: &[Affine<T>],
        x: MatRef<'_, T>,
        (y, normalized): (&mut [T], &mut [T]),
    ) -> Vec<Moments> {
        let (n, task) = (x.ncols().max(1), self.task(x.nrows(), x.ncols()));
        let mut moments = vec![Moments::default(); bias.len()];
        y.par_chunks_mut(task * n)
            .zip(normalized.par_chunks_mut(task * n))
            .zip(moments.par_chunks_mut(task))
            .enumerate()
            .for_each(|(index, ((y, normalized), moments))| {
                let first = index * task;
                let weight = weight.subrows(first, moments.len());
                product(y, Accumulation::Replace, weight, x);
                vectorized(|| {
                    let rows = y.chunks_exact_mut(n).zip(normalized.chunks_exact_mut(n));
                    for (feature, (y, normalized)) in rows.enumerate() {
                        let (shift, affine) = (bias[first + feature], affine[first + feature]);
                        moments[feature] =
                            batch_norm(y, normalized, shift, affine, norm.eps, self.activation);
                    }
                });
            });
        moments
    }
}

impl BatchNorm {
    fn affine<T: Element>(&self) -> Result<Vec<Affine<T>>> {
        with_slice::<T, _>(&self.weight, |weight| {
            with_slice::<T, _>(&self.bias, |bias| {
                let pairs = weight.iter().zip(bias);
                let affine = |(weight, bias): (&T, &T)| Affine {
                    weight: *weight,
                    bias: *bias,
                };
                Ok(pairs.map(affine).collect())
            })
        })
    }

    /// Everything behind the matrix product, with running statistics.
    fn evaluation<T: Element>(&self, linear_bias: &[T]) -> Result<Vec<Affine<T>>> {
        let affine = self.affine::<T>()?;
        with_slice::<T, _>(&self.running_mean, |mean| {
            with_slice::<T, _>(&self.running_variance, |variance| {
                let running = mean.iter().zip(variance);
                let all = affine.iter().zip(linear_bias).zip(running);
                let fold = |((affine, bias), (mean, variance)): ((&Affine<T>, &T), (&T, &T))| {
                    let running = Moments {
                        mean: mean.to_f64(),
                        variance: variance.to_f64(),
                    };
                    evaluation(running, self.eps, *bias, *affine)
                };
                Ok(all.map(fold).collect())
            })
        })
    }

    /// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
    fn follow<T: Element>(&self, batch: &[Moments], rows: usize) -> Result<()> {
        let unbiased = rows as f64 / (rows as f64 - 1.0);
        let toward = |old: &mut T, new: f64| {
            let kept = *old * T::from_f64(1.0 - self.momentum);
            *old = kept + T::from_f64(new * self.momentum);
        };
        with_slice_mut::<T, _>(&self.running_mean, |means| {
            let pairs = means.iter_mut().zip(batch);
            pairs.for_each(|(running, batch)| toward(running, batch.mean));
            Ok(())
        })?;
        with_slice_mut::<T, _>(&self.running_variance, |variances| {
            let pairs = variances.iter_mut().zip(batch);
            pairs.for_each(|(running, batch)| toward(running, batch.variance * unbiased));
            Ok(())
        })
    }
}
