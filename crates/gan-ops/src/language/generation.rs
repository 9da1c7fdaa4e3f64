//! Sequences drawn from a language model.

use super::batch::{TokenBatch, check_token, from_lines, to_lines};
use super::cell::{Advance, GATES};
use super::embedding::embed;
use super::likelihood::distributions;
use super::weights::Weights;
use crate::element::Element;
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::parallel::map_pieces;
use crate::scratch::{Buffer, Scratch};
use crate::vectors::vectorized;
use candle_core::Result;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A sequence's own stream of random numbers.
pub type Stream<'a> = dyn Fn(usize) -> ChaCha8Rng + Sync + 'a;

/// Which sequences to draw.
#[derive(Clone, Copy, Debug)]
pub struct Generation<'a> {
    /// The number of sequences.
    pub count: usize,
    /// The tokens of each.
    pub steps: usize,
    /// What each begins with; none if they begin with what is drawn.
    pub prefixes: Option<TokenBatch<'a>>,
    /// The inverse temperature, by which logits are multiplied; above 0.
    pub alpha: f64,
    /// Tokens that are never drawn.
    pub never: &'a [u32],
    /// The token that ends a sequence: it fills the rest.
    pub end: Option<u32>,
}

impl Generation<'_> {
    pub(crate) fn check(&self, vocabulary: usize) -> Result<()> {
        let mut largest = self.never.iter().copied().chain(self.end).max();
        if let Some(prefixes) = self.prefixes {
            if prefixes.len() != self.count || prefixes.steps() > self.steps {
                let (n, steps) = (prefixes.len(), prefixes.steps());
                let (count, most) = (self.count, self.steps);
                candle_core::bail!(
                    "{n} prefixes of {steps} tokens for {count} sequences of {most}"
                );
            }
            largest = largest.max(Some(prefixes.largest()));
        }
        if let Some(token) = largest {
            check_token(token, vocabulary)?;
        }
        if (0..vocabulary as u32).all(|token| self.never.contains(&token)) {
            candle_core::bail!("none of the vocabulary of {vocabulary} may be drawn")
        }
        Ok(())
    }
}

/// `[count, steps]`
pub(crate) fn generate<T: Element>(
    weights: &Weights<'_, T>,
    request: &Generation<'_>,
    start: u32,
    stream: &Stream<'_>,
    scratch: &Scratch<T>,
) -> Vec<u32> {
    let lanes = lanes::<T>();
    let prefixes = request.prefixes.map(|prefixes| {
        let steps = prefixes.steps();
        (steps, to_lines::<T, _>(prefixes.tokens(), steps, start))
    });
    let bias = allowed(weights, request.never);
    let weights = &Weights {
        output_bias: &bias,
        ..*weights
    };
    let lines = map_pieces(request.count.div_ceil(lanes), |line| {
        let sequences = line * lanes..request.count.min((line + 1) * lanes);
        let prefix = match &prefixes {
            Some((steps, tokens)) => &tokens[line * steps * lanes..][..steps * lanes],
            None => &[],
        };
        Line::new(weights, start, scratch).draw(prefix, request, sequences.map(stream).collect())
    });
    from_lines::<T, _>(&lines.concat(), request.steps, request.count)
}

/// The logits' bias with which some tokens are never drawn: a logit far below all others has the probability 0.
pub(super) fn allowed<T: Element>(weights: &Weights<'_, T>, never: &[u32]) -> Vec<T> {
    let mut bias = weights.output_bias.to_vec();
    for token in never {
        bias[*token as usize] = T::from_f64(-1e30);
    }
    bias
}

/// A line of sequences as far as they are drawn.
pub(super) struct Line<'a, T> {
    pub(super) weights: &'a Weights<'a, T>,
    /// Each lane's last token.
    pub(super) tokens: Vec<u32>,
    first: bool,
    x: Buffer<T>,
    gates: Buffer<T>,
    /// `[hidden, lanes]`
    pub(super) hidden: Buffer<T>,
    cell: Buffer<T>,
    cell_before: Buffer<T>,
    logits: Buffer<T>,
}

impl<'a, T: Element> Line<'a, T> {
    pub(super) fn new(weights: &'a Weights<'a, T>, start: u32, scratch: &Scratch<T>) -> Self {
        let lanes = lanes::<T>();
        let take = |channels| scratch.take(channels * lanes);
        let hidden = weights.sizes.hidden;
        let mut line = Self {
            weights,
            tokens: vec![start; lanes],
            first: true,
            x: take(weights.sizes.embedding),
            gates: take(GATES * hidden),
            hidden: take(hidden),
            cell: take(hidden),
            cell_before: take(hidden),
            logits: take(weights.sizes.vocabulary),
        };
        line.cell.fill(T::zero());
        line
    }

    /// `[steps, lanes]`
    fn draw(
        mut self,
        prefix: &[u32],
        request: &Generation<'_>,
        mut streams: Vec<ChaCha8Rng>,
    ) -> Vec<u32> {
        let lanes = lanes::<T>();
        let mut drawn = Vec::with_capacity(request.steps * lanes);
        let mut given = prefix.chunks_exact(lanes);
        let mut ended = vec![false; streams.len()];
        for _ in 0..request.steps {
            if let Some(end) = request.end
                && ended.iter().all(|ended| *ended)
            {
                drawn.resize(request.steps * lanes, end);
                break;
            }
            self.advance();
            if let Some(given) = given.next() {
                self.tokens.copy_from_slice(given);
            } else {
                let logits = &mut self.logits;
                let softmax =
                    distributions(self.weights, &self.hidden, request.alpha, None, logits);
                for (lane, stream) in streams.iter_mut().enumerate() {
                    if !ended[lane] {
                        self.tokens[lane] = softmax.draw(lane, stream.random());
                    }
                }
            }
            for (ended, token) in ended.iter_mut().zip(&self.tokens) {
                *ended |= Some(*token) == request.end;
            }
            drawn.extend_from_slice(&self.tokens);
        }
        drawn
    }

    /// The next state, from the last tokens.
    pub(super) fn advance(&mut self) {
        let lstm = &self.weights.lstm;
        let width = self.weights.sizes.embedding;
        embed(self.weights.embedding, width, &self.tokens, &mut self.x);
        line_product(lstm.weight_ih, &self.x, &mut self.gates, false);
        let before = (!self.first).then_some(&self.hidden[..]);
        lstm.add_to_gates(before, &mut self.gates);
        self.first = false;
        std::mem::swap(&mut self.cell, &mut self.cell_before);
        vectorized(Advance {
            gates: &mut self.gates,
            cell_before: &self.cell_before,
            cell: &mut self.cell,
            hidden: &mut self.hidden,
        });
    }
}
