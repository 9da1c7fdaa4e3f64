//! Sequences of nearly one-hot vectors, which have a gradient: the Gumbel-softmax (Jang et al., 2017; Maddison et
//! al., 2017), with which RelGAN (Nie et al., 2019) trains a generator.

use super::batch::{TokenBatch, from_lines};
use super::generation::{Generation, Line, Stream, TokenSteps, masked};
use super::gradients::{Gradients, of_slopes};
use super::likelihood::forward;
use super::softmax::{Exponentiate, ThroughSoftmax};
use super::weights::Weights;
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::language::gumbel::Noise;
use crate::parallel::{for_each_part, map_parts};
use crate::scratch::Scratch;
use crate::vectors::vectorized;
use candle_core::Result;
use rand_chacha::ChaCha8Rng;

/// How soft sequences are drawn.
pub(crate) struct Softening<'a, T> {
    pub(crate) request: &'a Generation<'a>,
    /// The inverse temperature β of the softmax.
    pub(crate) beta: f64,
    /// `[vocabulary, width]`
    pub(crate) table: &'a [T],
    pub(crate) start: u32,
}

/// Soft sequences. Lines of sequences have a line for each step.
pub(crate) struct Soft<T> {
    /// The tokens that were fed back, `[n, steps]`.
    pub(crate) tokens: Vec<u32>,
    /// The largest probability of each, `[n, steps]`.
    pub(crate) largest: Vec<f64>,
    /// y `[lines · steps, vocabulary]`
    probabilities: Features<T>,
    /// y · table, `[lines · steps, width]`.
    pub(crate) embedded: Features<T>,
}

impl<T: Element> Softening<'_, T> {
    fn width(&self, weights: &Weights<'_, T>) -> usize {
        self.table.len() / weights.sizes.vocabulary
    }

    /// y = softmax(β · (α · logits + noise)) of each step, and the largest of them is the next step's input.
    pub(crate) fn draw(
        &self,
        weights: &Weights<'_, T>,
        stream: &Stream<'_>,
        scratch: &Scratch<T>,
    ) -> Soft<T> {
        let Generation { count, steps, .. } = *self.request;
        let (lanes, width) = (lanes::<T>(), self.width(weights));
        let lines = count.div_ceil(lanes) * steps;
        let features = |channels| Features::new(lines, vector(channels), scratch);
        let (mut probabilities, mut embedded) =
            (features(weights.sizes.vocabulary), features(width));
        let bias = masked(weights.output_bias, self.request.never);
        let weights = &Weights {
            output_bias: &bias,
            ..*weights
        };
        let columns = transposed(self.table, width);
        let parts = probabilities.groups_mut(steps);
        let parts = parts.into_iter().zip(embedded.groups_mut(steps)).collect();
        let drawn = map_parts(parts, |line, (probabilities, embedded)| {
            let sequences = line * lanes..count.min((line + 1) * lanes);
            let mut line = SoftLine {
                line: Line::new(weights, scratch),
                tokens: vec![self.start; lanes],
                streams: sequences.map(stream).collect(),
                ended: vec![false; lanes],
            };
            let steps = probabilities.into_iter().zip(embedded);
            let (mut tokens, mut largest) = (Vec::new(), Vec::new());
            for (y, x) in steps {
                largest.extend(line.advance(self.request, self.beta, y));
                line_product(&columns, y, x, false);
                tokens.extend_from_slice(&line.tokens);
            }
            (tokens, largest)
        });
        let (tokens, largest): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
        Soft {
            tokens: from_lines::<T, _>(&tokens.concat(), steps, count),
            largest: from_lines::<T, _>(&largest.concat(), steps, count),
            probabilities,
            embedded,
        }
    }

    /// The gradient of the generator's tensors from that with respect to the embedded sequences, in their order.
    /// The tokens that were fed back are constants.
    pub(crate) fn gradients(
        &self,
        weights: &Weights<'_, T>,
        soft: Soft<T>,
        by_embedded: &Features<T>,
        scratch: &Scratch<T>,
    ) -> Result<Gradients<T>> {
        let Generation { steps, alpha, .. } = *self.request;
        let batch = TokenBatch::new(&soft.tokens, steps)?;
        let pass = forward(weights, batch, self.start, scratch);
        let mut by_logits = soft.probabilities;
        let hidden = vector(weights.sizes.hidden);
        let mut by_hidden = Features::new(by_logits.lines(), hidden, scratch);
        let backwards = transposed(weights.output_weight, weights.sizes.hidden);
        let parts = by_logits.lines_mut().into_iter().zip(by_hidden.lines_mut());
        for_each_part(parts.collect(), |line, (y, by_hidden)| {
            let mut by_y = scratch.take(y.len());
            line_product(self.table, by_embedded.line(line), &mut by_y, false);
            vectorized(ThroughSoftmax {
                probabilities: &mut *y,
                slopes: &by_y,
                scale: T::from_f64(alpha * self.beta),
            });
            line_product(&backwards, y, by_hidden, false);
        });
        Ok(of_slopes(weights, pass, &by_logits, by_hidden, scratch))
    }
}

impl<T: Element> Soft<T> {
    /// Adds to the gradient of a table `[vocabulary, width]` what comes from these sequences. slopes: with respect to
    /// the embedded ones, `[width]` of each of their lines.
    pub(crate) fn add_by_table<'a>(
        &self,
        slopes: impl Fn(usize) -> &'a [T] + Sync,
        gradient: &mut [T],
        scratch: &Scratch<T>,
    ) {
        let width = self.embedded.size.channels;
        let turned = Turned::new(width, self.embedded.lines(), slopes, scratch);
        let mut more = vec![T::zero(); gradient.len()];
        weight_gradient(&self.probabilities, &turned, &mut more, scratch);
        let pairs = gradient.iter_mut().zip(more);
        pairs.for_each(|(sum, more)| *sum += more);
    }
}

pub(super) const fn vector(channels: usize) -> Size {
    Size {
        channels,
        pixels: 1,
    }
}

/// A line of sequences as far as they are drawn.
struct SoftLine<'a, T> {
    line: Line<'a, T>,
    /// Each lane's last token.
    tokens: Vec<u32>,
    /// Of the lanes that have a sequence.
    streams: Vec<ChaCha8Rng>,
    ended: Vec<bool>,
}

impl<T: Element> SoftLine<'_, T> {
    /// The next step's y `[vocabulary, lanes]`; returns the largest probability of each lane. A sequence that has
    /// ended goes on with its end, whose probability is 1.
    fn advance(&mut self, request: &Generation<'_>, beta: f64, y: &mut [T]) -> Vec<f64> {
        let lanes = lanes::<T>();
        self.line.advance(&self.tokens);
        let weights = self.line.weights;
        line_product(weights.output_weight, &self.line.state.hidden, y, false);
        let noise = Noise {
            bias: weights.output_bias,
            alpha: T::from_f64(request.alpha),
        };
        let tokens = noise.add(&mut self.streams, y);
        let softmax = vectorized(Exponentiate {
            logits: y,
            bias: None,
            alpha: T::from_f64(beta),
            targets: None,
        });
        let mut largest = softmax.into_probabilities();
        for lane in 0..lanes {
            match request.end {
                Some(end) if self.ended[lane] => {
                    y.iter_mut()
                        .skip(lane)
                        .step_by(lanes)
                        .for_each(|y| *y = T::zero());
                    y[end as usize * lanes + lane] = T::one();
                    largest[lane] = 1.0;
                }
                end => {
                    self.tokens[lane] = tokens[lane];
                    self.ended[lane] = Some(tokens[lane]) == end;
                }
            }
        }
        largest
    }
}
