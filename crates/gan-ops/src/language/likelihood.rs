//! How likely a language model finds sequences.

use super::batch::{TokenBatch, from_lines, to_lines};
use super::embedding::embed;
use super::lstm::States;
use super::softmax::{Exponentiate, Softmax};
use super::weights::Weights;
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::parallel::{for_each_part, map_pieces};
use crate::scratch::Scratch;
use crate::vectors::vectorized;

/// Lines of sequences that are scored together: their states take some megabytes.
const LINES: usize = 16;

/// What a model made of a batch: the input of the cells and their states, `[lines · steps, …]`.
pub(crate) struct Forward<T> {
    pub(crate) steps: usize,
    pub(crate) x: Features<T>,
    pub(crate) states: States<T>,
    /// `[lines, steps, lanes]`: tokens that come in, and those that are to come out.
    pub(crate) inputs: Vec<u32>,
    pub(crate) targets: Vec<u32>,
}

/// The states over a batch.
pub(crate) fn forward<T: Element>(
    weights: &Weights<'_, T>,
    batch: TokenBatch<'_>,
    start: u32,
    scratch: &Scratch<T>,
) -> Forward<T> {
    let (lanes, steps) = (lanes::<T>(), batch.steps());
    let targets = to_lines::<T, _>(batch.tokens(), steps, start);
    let mut inputs = vec![start; targets.len()];
    let lines = inputs.chunks_exact_mut(steps * lanes);
    for (inputs, targets) in lines.zip(targets.chunks_exact(steps * lanes)) {
        inputs[lanes..].copy_from_slice(&targets[..(steps - 1) * lanes]);
    }
    let size = Size {
        channels: weights.sizes.embedding,
        pixels: 1,
    };
    let mut x = Features::new(batch.lines::<T>() * steps, size, scratch);
    let parts = x.lines_mut().into_iter().zip(inputs.chunks_exact(lanes));
    for_each_part(parts.collect(), |_, (x, tokens)| {
        embed(weights.embedding, weights.sizes.embedding, tokens, x);
    });
    let states = weights.lstm.forward(&x, steps, scratch);
    Forward {
        steps,
        x,
        states,
        inputs,
        targets,
    }
}

/// A line's distributions, from hidden states `[hidden, lanes]`.
pub(crate) fn distributions<'a, T: Element>(
    weights: &Weights<'_, T>,
    hidden: &[T],
    alpha: f64,
    targets: Option<&[u32]>,
    logits: &'a mut [T],
) -> Softmax<'a, T> {
    line_product(weights.output_weight, hidden, logits, false);
    vectorized(Exponentiate {
        logits,
        bias: Some(weights.output_bias),
        alpha: T::from_f64(alpha),
        targets,
    })
}

/// −ln p of every token, `[n, steps]`.
pub(crate) fn nll<T: Element>(
    weights: &Weights<'_, T>,
    batch: TokenBatch<'_>,
    start: u32,
    alpha: f64,
    scratch: &Scratch<T>,
) -> Vec<f64> {
    let (lanes, steps) = (lanes::<T>(), batch.steps());
    let some = batch.tokens().chunks(LINES * lanes * steps);
    let nlls = some.map(|tokens| {
        let (n, batch) = (tokens.len() / steps, batch.with_tokens(tokens));
        let pass = forward(weights, batch, start, scratch);
        let lines = map_pieces(pass.x.lines(), |line| {
            let mut logits = scratch.take(weights.sizes.vocabulary * lanes);
            let targets = &pass.targets[line * lanes..][..lanes];
            let hidden = pass.states.hidden.line(line);
            let softmax = distributions(weights, hidden, alpha, Some(targets), &mut logits);
            (0..lanes).map(|lane| softmax.nll(lane)).collect::<Vec<_>>()
        });
        from_lines::<T, _>(&lines.concat(), steps, n)
    });
    nlls.collect::<Vec<_>>().concat()
}

/// The hidden states, `[n, steps, hidden]`.
pub(crate) fn states<T: Element>(
    weights: &Weights<'_, T>,
    batch: TokenBatch<'_>,
    start: u32,
    scratch: &Scratch<T>,
) -> Vec<f64> {
    let (lanes, steps) = (lanes::<T>(), batch.steps());
    let mut states = Vec::with_capacity(batch.tokens().len() * weights.sizes.hidden);
    for tokens in batch.tokens().chunks(LINES * lanes * steps) {
        let pass = forward(weights, batch.with_tokens(tokens), start, scratch);
        for sequence in 0..tokens.len() / steps {
            let (line, lane) = (sequence / lanes, sequence % lanes);
            for step in 0..steps {
                let hidden = pass.states.hidden.line(line * steps + step);
                let values = hidden[lane..].iter().step_by(lanes);
                states.extend(values.map(|value| value.to_f64()));
            }
        }
    }
    states
}
