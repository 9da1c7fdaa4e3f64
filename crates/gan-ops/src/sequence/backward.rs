//! The backward pass.

use super::columns::{size, with_columns};
use super::forward::{Activations, output, run};
use super::normalize::{
    FeatureGradients, Moments, batch_norm_backward, bias_activation_backward, inverse_std,
};
use super::{Block, Sequence};
use crate::Activation;
use crate::element::{Element, with_slice, with_slice_mut};
use crate::matmul::product;
use crate::parallel::{rows_per_task, vectorized};
use crate::scratch::Buffer;
use candle_core::{Device, Result, Tensor, Var};
use faer::MatRef;
use gan_core::{Accumulation, Gradients, Mode, Recorded, Tape};
use rayon::prelude::*;

pub(super) fn record<T: Element>(sequence: &Sequence, x: &Tensor) -> Result<Recorded> {
    let activations = run::<T>(sequence, x, Mode::Train, true)?;
    let examples = size(x.layout()).0;
    let Some(last) = activations.last() else {
        candle_core::bail!("a sequence without blocks");
    };
    Ok(Recorded {
        output: output(last, examples)?,
        tape: Box::new(SequenceTape {
            sequence: sequence.clone(),
            input: x.detach(),
            activations,
            examples,
        }),
    })
}

struct SequenceTape<T> {
    sequence: Sequence,
    /// `[n, …]`
    input: Tensor,
    activations: Vec<Activations<T>>,
    examples: usize,
}

/// The gradients at one block: by its linear layer's products, `[o, n]`, and by its vectors, `[o]`.
struct Delta<T> {
    products: Buffer<T>,
    vectors: Vec<FeatureGradients<T>>,
}

impl<T: Element> Tape for SequenceTape<T> {
    fn input_gradient(&self, output_gradient: &Tensor) -> Result<Tensor> {
        let mut delta = self.last_delta(output_gradient)?;
        for index in (1..self.blocks().len()).rev() {
            delta = self.previous_delta(index, &delta)?;
        }
        let block = &self.blocks()[0];
        let n = self.examples.max(1);
        let mut gradient = vec![T::default(); block.inputs() * self.examples];
        with_slice::<T, _>(&block.weight, |weight| {
            let (weight, delta) = factors(block, weight, &delta, self.examples);
            let task = rows_per_task(block.inputs(), block.outputs() * n);
            let tasks = gradient.par_chunks_mut(task * n).enumerate();
            tasks.for_each(|(index, gradient)| {
                let weight = weight.subrows(index * task, gradient.len() / n);
                product(gradient, Accumulation::Replace, weight, delta);
            });
            Ok(())
        })?;
        let mut by_feature = self.input.dims()[1..].to_vec();
        by_feature.push(self.examples);
        let last = by_feature.len() - 1;
        let examples_first: Vec<usize> = std::iter::once(last).chain(0..last).collect();
        Tensor::from_vec(gradient, by_feature, &Device::Cpu)?.permute(examples_first)
    }

    fn parameter_gradients(
        &self,
        output_gradient: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let mut delta = self.last_delta(output_gradient)?;
        for index in (1..self.blocks().len()).rev() {
            let block = &self.blocks()[index];
            let x = &self.activations[index - 1].output;
            let x = MatRef::from_row_major_slice(x, block.inputs(), self.examples);
            block.add_gradients(&delta, x, gradients)?;
            delta = self.previous_delta(index, &delta)?;
        }
        with_columns(&self.input, |x| {
            self.blocks()[0].add_gradients(&delta, x, gradients)
        })
    }
}

impl<T: Element> SequenceTape<T> {
    fn blocks(&self) -> &[Block] {
        &self.sequence.inner.blocks
    }

    fn new_delta(&self, features: usize) -> Delta<T> {
        let scratch = T::scratch(&self.sequence.inner.scratch);
        Delta {
            products: scratch.take(features * self.examples),
            vectors: vec![FeatureGradients::default(); features],
        }
    }

    /// The gradients at the last block, from those by its output `[n, o]`.
    fn last_delta(&self, output_gradient: &Tensor) -> Result<Delta<T>> {
        let index = self.blocks().len() - 1;
        let (features, n) = (self.blocks()[index].outputs(), self.examples);
        if size(output_gradient.layout()) != (n, features) {
            let found = output_gradient.dims();
            candle_core::bail!(
                "a gradient of shape {found:?} by an output of shape [{n}, {features}]"
            );
        }
        let mut delta = self.new_delta(features);
        let pointwise = Pointwise::new(&self.blocks()[index], &self.activations[index], n)?;
        with_columns::<T, _>(output_gradient, |gradient| {
            delta.for_each_task(n, 1, |first, products, vectors| {
                for (feature, row) in products.chunks_exact_mut(n).enumerate() {
                    let from = gradient.row(first + feature);
                    row.iter_mut().zip(from.iter()).for_each(|(to, from)| *to = *from);
                }
                pointwise.backward(first, products, vectors);
            });
            Ok(())
        })?;
        Ok(delta)
    }

    /// The gradients at the block before block `index`, from those at block `index`.
    fn previous_delta(&self, index: usize, delta: &Delta<T>) -> Result<Delta<T>> {
        let (block, n) = (&self.blocks()[index], self.examples);
        let mut previous = self.new_delta(block.inputs());
        let pointwise = Pointwise::new(&self.blocks()[index - 1], &self.activations[index - 1], n)?;
        with_slice::<T, _>(&block.weight, |weight| {
            let (weight, delta) = factors(block, weight, delta, n);
            previous.for_each_task(n, block.outputs(), |first, products, vectors| {
                let weight = weight.subrows(first, vectors.len());
                product(products, Accumulation::Replace, weight, delta);
                pointwise.backward(first, products, vectors);
            });
            Ok(())
        })?;
        Ok(previous)
    }
}

/// The two matrices whose product is the gradient by a block's input, `[i, n]`.
fn factors<'a, T: Element>(
    block: &Block,
    weight: &'a [T],
    delta: &'a Delta<T>,
    examples: usize,
) -> (MatRef<'a, T>, MatRef<'a, T>) {
    let weight = MatRef::from_row_major_slice(weight, block.outputs(), block.inputs());
    let delta = MatRef::from_row_major_slice(&delta.products, block.outputs(), examples);
    (weight.transpose(), delta)
}

impl<T: Element> Delta<T> {
    /// Calls `compute` on some features' rows at a time: the first one's number, their rows and
    /// their vectors' gradients. `work` is the number of multiplications an element takes.
    fn for_each_task(
        &mut self,
        examples: usize,
        work: usize,
        compute: impl Fn(usize, &mut [T], &mut [FeatureGradients<T>]) + Sync,
    ) {
        let n = examples.max(1);
        let task = rows_per_task(self.vectors.len(), work * n);
        let rows = self.products.par_chunks_mut(task * n);
        rows.zip(self.vectors.par_chunks_mut(task))
            .enumerate()
            .for_each(|(index, (products, vectors))| compute(index * task, products, vectors));
    }
}

/// What lies between a block's products and its output.
struct Pointwise<'a, T> {
    activation: Activation,
    /// `[o, n]`
    output: &'a [T],
    norm: Option<Normalized<'a, T>>,
    examples: usize,
}

/// What the way back through batch normalization needs.
struct Normalized<'a, T> {
    /// `[o, n]`
    values: &'a [T],
    /// γ and 1/σ, `[o]`
    scales: Vec<(T, f64)>,
}

impl<'a, T: Element> Pointwise<'a, T> {
    fn new(block: &Block, activations: &'a Activations<T>, examples: usize) -> Result<Self> {
        let norm = match (&block.norm, &activations.normalized) {
            (Some(norm), Some((values, moments))) => {
                let scales = with_slice::<T, _>(&norm.weight, |weight| {
                    let pairs = weight.iter().zip(moments);
                    let scale = |(weight, moments): (&T, &Moments)| {
                        (*weight, inverse_std(moments.variance, norm.eps))
                    };
                    Ok(pairs.map(scale).collect())
                })?;
                Some(Normalized { values, scales })
            }
            _ => None,
        };
        Ok(Self {
            activation: block.activation,
            output: &activations.output,
            norm,
            examples,
        })
    }

    /// Turns gradients by outputs into gradients by products, for features from `first` on.
    fn backward(&self, first: usize, gradient: &mut [T], vectors: &mut [FeatureGradients<T>]) {
        let n = self.examples.max(1);
        let range = first * n..first * n + gradient.len();
        let rows = gradient.chunks_exact_mut(n).zip(vectors);
        let rows = rows.zip(self.output[range.clone()].chunks_exact(n));
        vectorized(|| match &self.norm {
            None => {
                for ((gradient, vectors), output) in rows {
                    *vectors = bias_activation_backward(gradient, output, self.activation);
                }
            }
            Some(norm) => {
                let scales = &norm.scales[first..];
                let more = norm.values[range].chunks_exact(n).zip(scales);
                for (((gradient, vectors), output), (normalized, scales)) in rows.zip(more) {
                    *vectors = batch_norm_backward(
                        gradient,
                        output,
                        normalized,
                        *scales,
                        self.activation,
                    );
                }
            }
        });
    }
}

impl Block {
    /// Adds the gradients by this block's parameters; x: a column an example.
    fn add_gradients<T: Element>(
        &self,
        delta: &Delta<T>,
        x: MatRef<'_, T>,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let (inputs, n) = (x.nrows(), x.ncols());
        let (buffer, accumulation) = gradients.buffer(&self.weight)?;
        with_slice_mut::<T, _>(&buffer, |gradient| {
            let products = MatRef::from_row_major_slice(&delta.products, self.outputs(), n);
            let task = self.task(inputs, n);
            let tasks = gradient.par_chunks_mut(task * inputs).enumerate();
            tasks.for_each(|(index, gradient)| {
                let products = products.subrows(index * task, gradient.len() / inputs);
                product(gradient, accumulation, products, x.transpose());
            });
            Ok(())
        })?;
        delta.add(gradients, &self.bias, |vectors| vectors.bias)?;
        if let Some(norm) = &self.norm {
            delta.add(gradients, &norm.weight, |vectors| vectors.norm_weight)?;
            delta.add(gradients, &norm.bias, |vectors| vectors.norm_bias)?;
        }
        Ok(())
    }
}

impl<T: Element> Delta<T> {
    fn add(
        &self,
        gradients: &mut Gradients,
        parameter: &Var,
        gradient: impl Fn(&FeatureGradients<T>) -> T,
    ) -> Result<()> {
        let (buffer, accumulation) = gradients.buffer(parameter)?;
        with_slice_mut::<T, _>(&buffer, |sums| {
            for (sum, vectors) in sums.iter_mut().zip(&self.vectors) {
                match accumulation {
                    Accumulation::Replace => *sum = gradient(vectors),
                    Accumulation::Add => *sum += gradient(vectors),
                }
            }
            Ok(())
        })
    }
}
