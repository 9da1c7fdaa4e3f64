//! The backward pass.

use super::columns::{Batches, matrices, size};
use super::forward::{Activations, Part, outputs, run};
use super::normalize::{FeatureGradients, batch_norm_backward, bias_activation_backward};
use super::{Block, Sequence};
use crate::Activation;
use crate::batch_norm::{Moments, inverse_std};
use crate::element::{Element, with_slice, with_slice_mut};
use crate::matmul::{Onto, product, rows};
use crate::parallel::{Kernel, rows_per_task, vectorized};
use crate::scratch::Buffer;
use candle_core::{Device, Result, Tensor, Var};
use faer::MatRef;
use gan_core::{Mode, Recorded, Tape};
use rayon::prelude::*;
use std::ops::Range;

pub(super) fn record<T: Element>(sequence: &Sequence, batches: &[&Tensor]) -> Result<Recorded> {
    let inputs = Batches::new(batches.iter().copied())?;
    let activations = run::<T>(sequence, &inputs, Mode::Train, true)?;
    Ok(Recorded {
        outputs: outputs(&activations, sequence.outputs(), &inputs.ranges())?,
        tape: Box::new(SequenceTape {
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
}

/// The gradients at one block over some batches.
struct Delta<T> {
    /// By the linear layer's products, `[o, m]`.
    products: Buffer<T>,
    /// By the block's vectors, `[o]`.
    vectors: Vec<FeatureGradients<T>>,
    /// The number of columns, at least 1.
    columns: usize,
}

impl<T: Element> Tape for SequenceTape<T> {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let Some(input) = self.inputs.tensors().get(batch) else {
            candle_core::bail!("batch {batch} of {} was asked for", self.ranges.len());
        };
        let batches = batch..batch + 1;
        let mut delta = self.last_delta(batches.clone(), std::slice::from_ref(output_gradient))?;
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
            .with_gradient(|buffer| self.show_all(output_gradients, buffer, show))
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

    /// The gradients at the last block, from those by its output, `[n, o]` for each batch.
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

    /// Goes all the way back and shows every block's parameters.
    fn show_all(
        &self,
        output_gradients: &[Tensor],
        buffer: &Var,
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let batches = 0..self.ranges.len();
        let mut delta = self.last_delta(batches.clone(), output_gradients)?;
        for index in (1..self.blocks().len()).rev() {
            let block = &self.blocks()[index];
            // Before the parameters are shown: they may change then.
            let previous = self.previous_delta(index, &delta, batches.clone())?;
            let x = &self.activations[index - 1].output;
            let x = MatRef::from_row_major_slice(x, block.inputs(), delta.columns);
            let columns = 0..delta.columns;
            block.show_gradients(&delta, &[Part { x, columns }], buffer, show)?;
            delta = previous;
        }
        let held = self.inputs.hold();
        let inputs = matrices::<T>(&held)?.into_iter().zip(&self.ranges);
        let parts = inputs.map(|(x, columns)| Part {
            x,
            columns: columns.clone(),
        });
        let parts: Vec<Part<'_, T>> = parts.collect();
        self.blocks()[0].show_gradients(&delta, &parts, buffer, show)
    }
}

impl Block {
    /// Shows this block's parameters with their gradients; parts: the block's input.
    fn show_gradients<T: Element>(
        &self,
        delta: &Delta<T>,
        parts: &[Part<'_, T>],
        buffer: &Var,
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let (outputs, inputs) = (self.outputs(), self.inputs());
        let products = MatRef::from_row_major_slice(&delta.products, outputs, delta.columns);
        with_slice_mut::<T, _>(buffer, |gradient| {
            let task = rows_per_task(outputs, inputs * delta.columns);
            let gradient = &mut gradient[..outputs * inputs];
            let tasks = gradient.par_chunks_mut(task * inputs).enumerate();
            tasks.for_each(|(index, gradient)| {
                let products = products.subrows(index * task, gradient.len() / inputs);
                let mut onto = Onto::Replace;
                for Part { x, columns } in parts {
                    let products = products.subcols(columns.start, columns.len());
                    product(rows(gradient, inputs), onto, products, x.transpose());
                    onto = Onto::Add;
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

    /// The two matrices whose product is the gradient by this block's input, `[i, m]`.
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

/// What lies between a block's products and its output.
struct Pointwise<'a, T> {
    activation: Activation,
    /// `[o, n]`
    output: &'a [T],
    norm: Option<Normalized<'a, T>>,
    ranges: &'a [Range<usize>],
    /// The batches to go back through; their columns stand side by side in the gradients.
    batches: Range<usize>,
}

/// What the way back through batch normalization needs.
struct Normalized<'a, T> {
    /// `[o, n]`
    values: &'a [T],
    /// By feature, then batch.
    moments: &'a [Moments],
    /// γ, `[o]`
    weight: Vec<T>,
    eps: f64,
}

impl<T: Element> Pointwise<'_, T> {
    /// Turns gradients by outputs into gradients by products, for features from `first` on.
    fn backward(&self, first: usize, gradients: &mut [T], vectors: &mut [FeatureGradients<T>]) {
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
