//! The backward pass.

use super::columns::{Batches, matrices, size};
use super::forward::{Activations, Part, outputs, run};
use super::normalize::FeatureGradients;
use super::pointwise::{Normalized, Pointwise};
use super::{Block, Sequence};
use crate::element::{Element, with_slice, with_slice_mut};
use crate::matmul::{Onto, product, rows};
use crate::parallel::rows_per_task;
use crate::scratch::Buffer;
use candle_core::{Device, Result, Tensor, Var};
use faer::MatRef;
use gan_core::{Mode, Recorded, Tape};
use rayon::prelude::*;
use std::ops::Range;

/// readout: the factors of each batch's outputs in its logits, if the outputs are to be logits.
pub(super) fn record<T: Element>(
    sequence: &Sequence,
    batches: &[&Tensor],
    readout: Option<&[Tensor]>,
) -> Result<Recorded> {
    let inputs = Batches::new(batches.iter().copied())?;
    let activations = run::<T>(sequence, &inputs, Mode::Train, true)?;
    let mut outputs = outputs(&activations, sequence.outputs(), &inputs.ranges())?;
    if let Some(readout) = readout {
        if readout.len() != outputs.len() {
            let (found, expected) = (readout.len(), outputs.len());
            candle_core::bail!("{found} readouts of {expected} batches")
        }
        for (output, readout) in outputs.iter_mut().zip(readout) {
            *output = output.mul(readout)?.sum(1)?;
        }
    }
    Ok(Recorded {
        outputs,
        tape: Box::new(SequenceTape {
            readout: readout.map(<[Tensor]>::to_vec),
            sequence: sequence.clone(),
            ranges: inputs.ranges(),
            inputs,
            activations,
        }),
    })
}

struct SequenceTape<T> {
    sequence: Sequence,
    inputs: Batches,
    /// The columns of each batch in the activations.
    ranges: Vec<Range<usize>>,
    activations: Vec<Activations<T>>,
    /// `[n, o]` of each batch, where the outputs are logits.
    readout: Option<Vec<Tensor>>,
}

/// The gradients at one block over some batches.
struct Delta<T> {
    /// With respect to the linear layer's products, `[o, m]`.
    products: Buffer<T>,
    /// With respect to the block's vectors, `[o]`.
    vectors: Vec<FeatureGradients<T>>,
    /// The number of columns, at least 1.
    columns: usize,
}

impl<T: Element> Tape for SequenceTape<T> {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let Some(input) = self.inputs.tensors().get(batch) else {
            candle_core::bail!("there is no batch {batch}, only {}", self.ranges.len());
        };
        let batches = batch..batch + 1;
        let by_outputs = self.by_outputs(batches.clone(), std::slice::from_ref(output_gradient))?;
        let mut delta = self.last_delta(batches.clone(), &by_outputs)?;
        for index in (1..self.blocks().len()).rev() {
            delta = self.previous_delta(index, &delta, batches.clone())?;
        }
        let block = &self.blocks()[0];
        let (n, task) = (delta.columns, delta.task(block.inputs(), block.outputs()));
        let mut gradient = vec![T::default(); input.elem_count()];
        with_slice::<T, _>(&block.weight, |weight| {
            let (weight, delta) = block.transposed(weight, &delta);
            let tasks = gradient.par_chunks_mut(task * n).enumerate();
            tasks.for_each(|(index, gradient)| {
                let weight = weight.subrows(index * task, gradient.len() / n);
                product(rows(gradient, n), Onto::Replace, weight, delta);
            });
            Ok(())
        })?;
        examples_first(gradient, input.dims())
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        self.sequence
            .with_gradient(|buffer| self.show_all(output_gradients, None, buffer, show))
    }

    fn penalized_parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        directions: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if self.readout.is_none() || !self.sequence.has_second_derivatives() {
            candle_core::bail!(
                "a gradient penalty needs logits of a sequence without batch normalization whose \
                 activations are piecewise linear"
            );
        }
        let found: Vec<_> = directions.iter().map(|t| size(t.layout())).collect();
        let inputs = self.inputs.tensors().iter();
        let expected: Vec<_> = inputs.map(|t| size(t.layout())).collect();
        if found != expected {
            candle_core::bail!("directions of shapes {found:?} at inputs of {expected:?}");
        }
        let directions = Batches::new(directions)?;
        self.sequence.with_gradient(|buffer| {
            self.show_all(output_gradients, Some(&directions), buffer, show)
        })
    }
}

/// A tensor of `shape` `[n, …]` on memory in the order `[…, n]`.
fn examples_first<T: Element>(values: Vec<T>, shape: &[usize]) -> Result<Tensor> {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.rotate_right(1);
    let mut by_feature = shape.to_vec();
    by_feature.rotate_left(1);
    Tensor::from_vec(values, by_feature, &Device::Cpu)?.permute(order)
}

impl<T: Element> SequenceTape<T> {
    fn blocks(&self) -> &[Block] {
        &self.sequence.inner.blocks
    }

    fn new_delta(&self, features: usize, batches: Range<usize>) -> Delta<T> {
        let columns: usize = self.ranges[batches].iter().map(Range::len).sum();
        let scratch = T::scratch(&self.sequence.inner.scratch);
        Delta {
            products: scratch.take(features * columns),
            vectors: vec![FeatureGradients::default(); features],
            columns: columns.max(1),
        }
    }

    /// The gradients at the last block, from those with respect to its output, `[n, o]` for each batch.
    fn last_delta(&self, batches: Range<usize>, gradients: &[Tensor]) -> Result<Delta<T>> {
        let index = self.blocks().len() - 1;
        let features = self.blocks()[index].outputs();
        let expected: Vec<_> = self.ranges[batches.clone()]
            .iter()
            .map(|r| (r.len(), features))
            .collect();
        let found: Vec<_> = gradients
            .iter()
            .map(|gradient| size(gradient.layout()))
            .collect();
        if found != expected {
            candle_core::bail!("gradients of shapes {found:?} by outputs of shapes {expected:?}");
        }
        let mut delta = self.new_delta(features, batches.clone());
        let pointwise = self.pointwise(index, batches)?;
        let gradients = Batches::new(gradients)?;
        let (held, ranges) = (gradients.hold(), gradients.ranges());
        let columns = matrices::<T>(&held)?;
        delta.for_each_task(1, |first, products, vectors, n| {
            for (feature, row) in products.chunks_exact_mut(n).enumerate() {
                for (gradient, range) in columns.iter().zip(&ranges) {
                    let from = gradient.row(first + feature);
                    let to = row[range.clone()].iter_mut();
                    to.zip(from.iter()).for_each(|(to, from)| *to = *from);
                }
            }
            pointwise.backward(first, products, vectors);
        });
        Ok(delta)
    }

    /// The gradients at the block before block `index`, from those at block `index`.
    fn previous_delta(
        &self,
        index: usize,
        delta: &Delta<T>,
        batches: Range<usize>,
    ) -> Result<Delta<T>> {
        let block = &self.blocks()[index];
        let mut previous = self.new_delta(block.inputs(), batches.clone());
        let pointwise = self.pointwise(index - 1, batches)?;
        with_slice::<T, _>(&block.weight, |weight| {
            let (weight, delta) = block.transposed(weight, delta);
            previous.for_each_task(block.outputs(), |first, products, vectors, n| {
                let weight = weight.subrows(first, vectors.len());
                product(rows(products, n), Onto::Replace, weight, delta);
                pointwise.backward(first, products, vectors);
            });
            Ok(())
        })?;
        Ok(previous)
    }

    fn pointwise(&self, index: usize, batches: Range<usize>) -> Result<Pointwise<'_, T>> {
        let (block, activations) = (&self.blocks()[index], &self.activations[index]);
        let norm = match (&block.norm, &activations.normalized) {
            (Some(norm), Some((values, moments))) => {
                let weight = with_slice::<T, _>(&norm.weight, |weight| Ok(weight.to_vec()))?;
                Some(Normalized {
                    values,
                    moments,
                    weight,
                    eps: norm.eps,
                })
            }
            _ => None,
        };
        Ok(Pointwise {
            activation: block.activation,
            output: &activations.output,
            norm,
            ranges: &self.ranges,
            batches,
        })
    }

    /// Gradients with respect to the blocks' outputs from those with respect to the recorded outputs.
    fn by_outputs(&self, batches: Range<usize>, gradients: &[Tensor]) -> Result<Vec<Tensor>> {
        let Some(readout) = &self.readout else {
            return Ok(gradients.to_vec());
        };
        if gradients.len() != batches.len() {
            let (found, expected) = (gradients.len(), batches.len());
            candle_core::bail!("{found} output gradients were given, expected {expected}");
        }
        let pairs = readout[batches].iter().zip(gradients);
        pairs
            .map(|(readout, slopes)| readout.broadcast_mul(&slopes.unsqueeze(1)?))
            .collect()
    }

    /// The tangents at the outputs of all blocks but the last, `[o, n]` of all batches, from those at
    /// the inputs: the derivative of what the blocks compute along the directions.
    fn tangents(&self, directions: &Batches) -> Result<Vec<Buffer<T>>> {
        let scratch = T::scratch(&self.sequence.inner.scratch);
        let held = directions.hold();
        let columns = matrices::<T>(&held)?.into_iter().zip(&self.ranges);
        let first: Vec<Part<'_, T>> = columns
            .map(|(x, columns)| Part {
                x,
                columns: columns.clone(),
            })
            .collect();
        let n = self.ranges.last().map_or(1, |range| range.end);
        let mut tangents: Vec<Buffer<T>> = Vec::new();
        let blocks = self.blocks();
        for (block, activations) in blocks[..blocks.len() - 1].iter().zip(&self.activations) {
            let mut next = scratch.take(block.outputs() * n);
            let linear = |parts: &[Part<'_, T>], next: &mut [T]| block.products(parts, n, next);
            match tangents.last() {
                None => linear(&first, &mut next)?,
                Some(x) => {
                    let x = MatRef::from_row_major_slice(x, block.inputs(), n);
                    linear(&[Part { x, columns: 0..n }], &mut next)?;
                }
            }
            block
                .activation
                .backpropagate(&activations.output, &mut next);
            tangents.push(next);
        }
        Ok(tangents)
    }

    /// The whole backward pass: calls `show` with every block's parameters. Along `directions`, tangents at
    /// the input, the derivative of the logits' sum is part of the objective; its gradient with respect to a
    /// weight is the one with respect to the block's products times the tangent at its input, for blocks
    /// that are piecewise linear.
    fn show_all(
        &self,
        output_gradients: &[Tensor],
        directions: Option<&Batches>,
        buffer: &Var,
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let batches = 0..self.ranges.len();
        let by_outputs = self.by_outputs(batches.clone(), output_gradients)?;
        let mut delta = self.last_delta(batches.clone(), &by_outputs)?;
        // Before the parameters are visited: they may change then.
        let tangents = directions.map(|d| self.tangents(d)).transpose()?;
        let mut of_logits = match (&tangents, &self.readout) {
            (Some(_), Some(readout)) => Some(self.last_delta(batches.clone(), readout)?),
            _ => None,
        };
        for index in (1..self.blocks().len()).rev() {
            let block = &self.blocks()[index];
            let columns = 0..delta.columns;
            let part = |x| Part {
                x: MatRef::from_row_major_slice(x, block.inputs(), columns.end),
                columns: columns.clone(),
            };
            let previous = self.previous_delta(index, &delta, batches.clone())?;
            let mut previous_of_logits = None;
            let mut terms = vec![Term {
                products: &delta.products,
                parts: vec![part(&self.activations[index - 1].output)],
            }];
            if let (Some(of_logits), Some(tangents)) = (&of_logits, &tangents) {
                previous_of_logits =
                    Some(self.previous_delta(index, of_logits, batches.clone())?);
                terms.push(Term {
                    products: &of_logits.products,
                    parts: vec![part(&tangents[index - 1])],
                });
            }
            block.show_gradients(&delta, &terms, buffer, show)?;
            delta = previous;
            of_logits = previous_of_logits;
        }
        let held = self.inputs.hold();
        let mut terms = vec![Term {
            products: &delta.products,
            parts: self.parts(matrices::<T>(&held)?),
        }];
        let held = directions.map(Batches::hold).unwrap_or_default();
        if let Some(of_logits) = &of_logits {
            terms.push(Term {
                products: &of_logits.products,
                parts: self.parts(matrices::<T>(&held)?),
            });
        }
        self.blocks()[0].show_gradients(&delta, &terms, buffer, show)
    }

    /// One part a batch.
    fn parts<'a>(&self, columns: Vec<MatRef<'a, T>>) -> Vec<Part<'a, T>> {
        let all = columns.into_iter().zip(&self.ranges);
        let part = |(x, columns): (MatRef<'a, T>, &Range<usize>)| Part {
            x,
            columns: columns.clone(),
        };
        all.map(part).collect()
    }
}

/// Products of gradients and inputs whose sum is a weight's gradient.
struct Term<'a, T> {
    /// `[o, n]`
    products: &'a [T],
    /// The inputs that they belong to.
    parts: Vec<Part<'a, T>>,
}

impl Block {
    /// Calls `show` with this block's parameters and their gradients: the vectors' are in `delta`, the
    /// weight's is the sum of `terms`.
    fn show_gradients<T: Element>(
        &self,
        delta: &Delta<T>,
        terms: &[Term<'_, T>],
        buffer: &Var,
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let (outputs, inputs) = (self.outputs(), self.inputs());
        with_slice_mut::<T, _>(buffer, |gradient| {
            let task = rows_per_task(outputs, inputs * delta.columns);
            let gradient = &mut gradient[..outputs * inputs];
            let tasks = gradient.par_chunks_mut(task * inputs).enumerate();
            tasks.for_each(|(index, gradient)| {
                let mut onto = Onto::Replace;
                for Term { products, parts } in terms {
                    let products = MatRef::from_row_major_slice(products, outputs, delta.columns);
                    let products = products.subrows(index * task, gradient.len() / inputs);
                    for Part { x, columns } in parts {
                        let products = products.subcols(columns.start, columns.len());
                        product(rows(gradient, inputs), onto, products, x.transpose());
                        onto = Onto::Add;
                    }
                }
            });
            Ok(())
        })?;
        let of_weight = buffer.narrow(0, 0, outputs * inputs)?;
        show(&self.weight, &of_weight.reshape((outputs, inputs))?)?;
        let mut vector = |parameter: &Var, gradient: fn(&FeatureGradients<T>) -> T| {
            let values: Vec<T> = delta.vectors.iter().map(gradient).collect();
            show(parameter, &Tensor::from_vec(values, outputs, &Device::Cpu)?)
        };
        vector(&self.bias, |of| of.bias)?;
        if let Some(norm) = &self.norm {
            vector(&norm.weight, |of| of.norm_weight)?;
            vector(&norm.bias, |of| of.norm_bias)?;
        }
        Ok(())
    }

    /// The two matrices whose product is the gradient with respect to this block's input, `[i, m]`.
    fn transposed<'a, T: Element>(
        &self,
        weight: &'a [T],
        delta: &'a Delta<T>,
    ) -> (MatRef<'a, T>, MatRef<'a, T>) {
        let weight = MatRef::from_row_major_slice(weight, self.outputs(), self.inputs());
        let delta = MatRef::from_row_major_slice(&delta.products, self.outputs(), delta.columns);
        (weight.transpose(), delta)
    }
}

impl<T: Element> Delta<T> {
    /// How many of `features` rows a thread takes; `work`: multiplications an element.
    fn task(&self, features: usize, work: usize) -> usize {
        rows_per_task(features, work * self.columns)
    }

    /// Calls `compute` for some features at a time with the first one's number, their rows, their
    /// vectors' gradients and the rows' length.
    fn for_each_task(
        &mut self,
        work: usize,
        compute: impl Fn(usize, &mut [T], &mut [FeatureGradients<T>], usize) + Sync,
    ) {
        let (n, task) = (self.columns, self.task(self.vectors.len(), work));
        let rows = self.products.par_chunks_mut(task * n);
        let tasks = rows.zip(self.vectors.par_chunks_mut(task)).enumerate();
        tasks.for_each(|(index, (rows, vectors))| compute(index * task, rows, vectors, n));
    }
}
