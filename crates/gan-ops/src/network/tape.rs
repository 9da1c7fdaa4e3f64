//! The tape of a network: gradients with respect to inputs and parameters.

use super::Network;
use super::backward::{Deltas, Record, weigh};
use super::gradient_buffers::GradientBuffers;
use super::stage::{Stage, StageMap};
use super::weight::Estimate;
use crate::element::{Element, with_slice_mut};
use crate::features::Features;
use crate::kernels::product::{Turned, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::weight_gradient::LinePair;
use crate::ops::batch_norm::NormGradients;
use crate::ops::bias;
use crate::scratch::Buffer;
use crate::transfer::{cut, join};
use candle_core::{Device, Result, Shape, Tensor, Var};
use gan_core::{Source, Tape};
use std::sync::OnceLock;

pub(super) struct NetworkTape<T> {
    pub(super) record: Record<T>,
    pub(super) network: Network,
    /// Of each batch as it was given: one-pixel examples are vectors or images.
    pub(super) input_shapes: Vec<Shape>,
    /// Of each stage's weight, if it is normalized.
    pub(super) estimates: Vec<Option<Estimate<T>>>,
    /// Whether an example's gradients are those of its logit times the gradient with respect to the logit:
    /// whether the network gives one number an example and is piecewise linear, without batch normalization.
    pub(super) scales: bool,
    /// The gradients of each example's own logit, of all batches, if that is so.
    pub(super) by_logits: OnceLock<Deltas<T>>,
}

/// What the weights' gradients are sums over.
struct Terms<'a, T> {
    deltas: &'a Deltas<T>,
    /// Factors of the examples, `[lines, lanes]`.
    weights: Option<Buffer<T>>,
    /// Of a gradient penalty.
    tangents: Option<Tangents<T>>,
}

/// The tangents at the input and at each stage's output, as far as they are known.
struct Tangents<T> {
    input: Features<T>,
    stages: Vec<Features<T>>,
}

impl<T> Tangents<T> {
    fn at(&self, source: Source) -> &Features<T> {
        match source {
            Source::Input => &self.input,
            Source::Stage(stage) => &self.stages[stage],
        }
    }
}

type Show<'a> = dyn FnMut(&Tensor, &Tensor) -> Result<()> + 'a;

impl<T: Element> Tape for NetworkTape<T> {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let record = &self.record;
        let lines = &record.pass.lines;
        if batch >= lines.batches() {
            candle_core::bail!("there is no batch {batch}, only {}", lines.batches());
        }
        let gradients = std::slice::from_ref(output_gradient);
        let by_output = self.by_output(batch..batch + 1, gradients)?;
        let first = lines.of(batch..batch + 1).start;
        let by_input = if self.scales {
            let mut by_input = record.by_input(self.by_logits()?, 0, batch)?;
            weigh(&mut by_input, by_output.values());
            by_input
        } else {
            let deltas = record.deltas(batch..batch + 1, by_output)?;
            record.by_input(&deltas, first, batch)?
        };
        let gradient = join(lines, batch, &by_input, first)?;
        gradient.reshape(&self.input_shapes[batch])
    }

    fn parameter_gradients(&self, output_gradients: &[Tensor], show: &mut Show<'_>) -> Result<()> {
        let batches = 0..self.record.pass.lines.batches();
        let by_output = self.by_output(batches.clone(), output_gradients)?;
        if self.scales {
            let mut terms = Terms {
                deltas: self.by_logits()?,
                weights: Some(by_output.into_values()),
                tangents: None,
            };
            return self.show_all(&mut terms, show);
        }
        let deltas = self.record.deltas(batches, by_output)?;
        let mut terms = Terms {
            deltas: &deltas,
            weights: None,
            tangents: None,
        };
        self.show_all(&mut terms, show)
    }

    fn penalized_parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        directions: &[Tensor],
        show: &mut Show<'_>,
    ) -> Result<()> {
        if !self.scales {
            candle_core::bail!(
                "a gradient penalty needs logits of a network without batch normalization whose \
                 activations are piecewise linear"
            );
        }
        let record = &self.record;
        let (lines, scratch) = (&record.pass.lines, &record.pass.scratch);
        let batches = 0..lines.batches();
        let by_output = self.by_output(batches.clone(), output_gradients)?;
        let directions = cut(lines, batches, directions, record.program.input, scratch)?;
        let mut terms = Terms {
            deltas: self.by_logits()?,
            weights: Some(by_output.into_values()),
            tangents: Some(Tangents {
                input: directions,
                stages: Vec::new(),
            }),
        };
        self.show_all(&mut terms, show)
    }
}

impl<T: Element> NetworkTape<T> {
    /// Gradients with respect to the outputs of some batches.
    fn by_output(
        &self,
        batches: std::ops::Range<usize>,
        gradients: &[Tensor],
    ) -> Result<Features<T>> {
        let record = &self.record;
        let (lines, scratch) = (&record.pass.lines, &record.pass.scratch);
        cut(lines, batches, gradients, record.program.output, scratch)
    }

    fn by_logits(&self) -> Result<&Deltas<T>> {
        if let Some(deltas) = self.by_logits.get() {
            return Ok(deltas);
        }
        let lines = &self.record.pass.lines;
        let ones = (0..lines.batches()).map(|batch| {
            let shape = (lines.examples(batch), 1);
            Tensor::ones(shape, T::DTYPE, &Device::Cpu)
        });
        let ones = ones.collect::<Result<Vec<_>>>()?;
        let by_output = self.by_output(0..lines.batches(), &ones)?;
        let deltas = self.record.deltas(0..lines.batches(), by_output)?;
        Ok(self.by_logits.get_or_init(|| deltas))
    }

    /// Calls `show` with every parameter and its gradient.
    ///
    /// In a piecewise linear network the derivative of Σ logits along a tangent at the input is the
    /// network's linear part at each example applied to it, and its gradient with respect to a stage's weight
    /// is the one with respect to the products times the tangent at the stage's input.
    fn show_all(&self, terms: &mut Terms<'_, T>, show: &mut Show<'_>) -> Result<()> {
        let buffers = self.network.gradient_buffers();
        for (index, stage) in self.record.program.stages.iter().enumerate() {
            // Before the parameters are visited: they may change then.
            let next = match &terms.tangents {
                Some(tangents) => {
                    let shortcut = stage.shortcut.map(|source| tangents.at(source));
                    let input = tangents.at(stage.input);
                    Some(self.record.tangent(index, input, shortcut)?)
                }
                None => None,
            };
            self.show_weight(index, terms, buffers, show)?;
            self.show_vectors(stage, index, terms, show)?;
            if let (Some(tangents), Some(next)) = (&mut terms.tangents, next) {
                tangents.stages.push(next);
            }
        }
        Ok(())
    }

    fn show_weight(
        &self,
        index: usize,
        terms: &Terms<'_, T>,
        buffers: &GradientBuffers,
        show: &mut Show<'_>,
    ) -> Result<()> {
        let stage = &self.record.program.stages[index];
        let Some(weight) = stage.map.weight() else {
            return Ok(());
        };
        let count = weight.trained.elem_count();
        buffers.with(|buffer| {
            with_slice_mut::<T, _>(buffer, |gradient| {
                let gradient = &mut gradient[..count];
                self.weight_gradient(index, terms, gradient);
                match &self.estimates[index] {
                    Some(estimate) => weight.to_trained(estimate, gradient),
                    None => Ok(()),
                }
            })?;
            let gradient = buffer.narrow(0, 0, count)?;
            show(&weight.trained, &gradient.reshape(weight.trained.shape())?)
        })
    }

    /// gradient ← that of a stage's weight.
    fn weight_gradient(&self, index: usize, terms: &Terms<'_, T>, gradient: &mut [T]) {
        let stage = &self.record.program.stages[index];
        let products = &terms.deltas.products[index];
        let (lines, scratch) = (products.lines(), &self.record.pass.scratch);
        let input = |line| self.term_input(stage, terms, line);
        match &stage.map {
            StageMap::Linear(_) => {
                let inputs = stage.input_size.channels;
                let turned = Turned::new(inputs, lines, input, scratch);
                weight_gradient(products, &turned, gradient, scratch);
            }
            StageMap::Shrinking(_, sliding) => {
                let pair = |line| LinePair {
                    small: products.line(line),
                    large: input(line),
                };
                let by_weight = sliding.weight_gradient();
                by_weight.of_lines(lines, pair, gradient, scratch);
            }
            StageMap::Enlarging(_, sliding) => {
                let pair = |line| LinePair {
                    small: input(line),
                    large: products.line(line),
                };
                let by_weight = sliding.weight_gradient();
                by_weight.of_lines(lines, pair, gradient, scratch);
            }
            _ => {}
        }
    }

    /// What the gradients of a line's products are multiplied with: the stage's input, each example times
    /// its factor, and the tangent there.
    fn term_input<'a>(
        &'a self,
        stage: &Stage,
        terms: &'a Terms<'_, T>,
        line: usize,
    ) -> Input<'a, T> {
        let values = self.record.output_of(stage.input).line(line);
        let Some(weights) = &terms.weights else {
            return Input::Same(values);
        };
        let weights = &weights[line * lanes::<T>()..][..lanes::<T>()];
        let mut weighted = self.record.pass.scratch.take(values.len());
        let rows = weighted.chunks_exact_mut(lanes::<T>());
        for (to, from) in rows.zip(values.chunks_exact(lanes::<T>())) {
            for ((to, from), weight) in to.iter_mut().zip(from).zip(weights) {
                *to = *from * *weight;
            }
        }
        if let Some(tangents) = &terms.tangents {
            let tangent = tangents.at(stage.input).line(line);
            let pairs = weighted.iter_mut().zip(tangent);
            pairs.for_each(|(input, tangent)| *input += *tangent);
        }
        Input::Weighted(weighted)
    }

    fn show_vectors(
        &self,
        stage: &Stage,
        index: usize,
        terms: &Terms<'_, T>,
        show: &mut Show<'_>,
    ) -> Result<()> {
        let mut vector = |var: &Var, values: Vec<T>| {
            show(var, &Tensor::from_vec(values, var.shape(), &Device::Cpu)?)
        };
        if let Some(bias) = &stage.bias {
            // A bias before the normalization only shifts the mean, which is subtracted.
            let gradient = match stage.norm {
                Some(_) => vec![T::zero(); stage.size.channels],
                None => {
                    let products = &terms.deltas.products[index];
                    bias::gradient(products, terms.weights.as_deref())
                }
            };
            vector(bias, gradient)?;
        }
        if let Some(norm) = &stage.norm {
            let of = |get: fn(&NormGradients) -> f64| -> Vec<T> {
                let all = terms.deltas.norms[index].iter();
                all.map(|gradients| T::from_f64(get(gradients))).collect()
            };
            vector(&norm.weight, of(|gradients| gradients.weight))?;
            vector(&norm.bias, of(|gradients| gradients.bias))?;
        }
        Ok(())
    }
}

/// A line of a stage's input.
enum Input<'a, T> {
    Same(&'a [T]),
    Weighted(Buffer<T>),
}

impl<T> AsRef<[T]> for Input<'_, T> {
    fn as_ref(&self) -> &[T] {
        match self {
            Self::Same(values) => values,
            Self::Weighted(values) => values,
        }
    }
}
