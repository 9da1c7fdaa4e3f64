//! The gradient of a weighted log-likelihood with respect to a language model's tensors.

use super::batch::{TokenBatch, from_lines, to_lines};
use super::embedding::by_embedding;
use super::likelihood::{Forward, distributions, forward};
use super::lstm::LstmGradients;
use super::softmax::Slopes;
use super::weights::{WeightVars, Weights};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::ops::bias;
use crate::parallel::map_parts;
use crate::scratch::Scratch;
use crate::vectors::vectorized;
use candle_core::{Device, Result, Tensor, Var};

/// A gradient for each of the tensors.
pub(crate) struct Gradients<T> {
    embedding: Vec<T>,
    lstm: LstmGradients<T>,
    output_weight: Vec<T>,
    output_bias: Vec<T>,
}

impl<T: Element> Gradients<T> {
    /// Calls `visit` with each tensor and its gradient.
    pub(crate) fn pass_on(
        self,
        vars: &WeightVars,
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let mut pass_on = |var: &Var, gradient: Vec<T>| {
            visit(var, &Tensor::from_vec(gradient, var.shape(), &Device::Cpu)?)
        };
        pass_on(&vars.embedding, self.embedding)?;
        pass_on(&vars.weight_ih, self.lstm.weight_ih)?;
        pass_on(&vars.weight_hh, self.lstm.weight_hh)?;
        pass_on(&vars.bias_ih, self.lstm.bias.clone())?;
        pass_on(&vars.bias_hh, self.lstm.bias)?;
        pass_on(&vars.output_weight, self.output_weight)?;
        pass_on(&vars.output_bias, self.output_bias)
    }
}

/// −ln p of every token, `[n, steps]`, and the gradients of its sum with `token_weights`, `[n, steps]`.
pub(crate) fn gradients<T: Element>(
    weights: &Weights<'_, T>,
    batch: TokenBatch<'_>,
    token_weights: &[f64],
    start: u32,
    scratch: &Scratch<T>,
) -> (Vec<f64>, Gradients<T>) {
    let pass = forward(weights, batch, start, scratch);
    let steps = batch.steps();
    let token_weights = to_lines::<T, _>(token_weights, steps, 0.0);
    let token_weights: Vec<T> = token_weights.into_iter().map(T::from_f64).collect();
    let Output {
        nll,
        by_logits,
        by_hidden,
    } = Output::new(weights, &pass, &token_weights, scratch);
    let gradients = of_slopes(weights, pass, &by_logits, by_hidden, scratch);
    (from_lines::<T, _>(&nll, steps, batch.len()), gradients)
}

/// The gradients from those with respect to the logits `[lines · steps, vocabulary]` and, through these alone, to the
/// hidden states `[lines · steps, hidden]`.
pub(super) fn of_slopes<T: Element>(
    weights: &Weights<'_, T>,
    pass: Forward<T>,
    by_logits: &Features<T>,
    mut by_hidden: Features<T>,
    scratch: &Scratch<T>,
) -> Gradients<T> {
    let (sizes, lines) = (weights.sizes, by_hidden.lines());
    let steps = pass.steps;
    let mut output_weight = vec![T::zero(); sizes.vocabulary * sizes.hidden];
    let hidden = &pass.states.hidden;
    let turned = Turned::new(sizes.hidden, lines, |line| hidden.line(line), scratch);
    weight_gradient(by_logits, &turned, &mut output_weight, scratch);
    let output_bias = bias::gradient(by_logits, None);
    let lstm = weights
        .lstm
        .backward(&pass.x, pass.states, &mut by_hidden, steps, scratch);
    Gradients {
        embedding: by_embedding(
            weights.embedding.len(),
            sizes.embedding,
            &pass.inputs,
            lstm.by_input.values(),
        ),
        lstm,
        output_weight,
        output_bias,
    }
}

/// The last layer, forwards and back: a line's distributions stay in the cache from the one to the other.
struct Output<T> {
    /// `[lines, steps, lanes]`
    nll: Vec<f64>,
    /// `[lines · steps, vocabulary]`
    by_logits: Features<T>,
    /// `[lines · steps, hidden]`
    by_hidden: Features<T>,
}

impl<T: Element> Output<T> {
    fn new(
        weights: &Weights<'_, T>,
        pass: &Forward<T>,
        token_weights: &[T],
        scratch: &Scratch<T>,
    ) -> Self {
        let (lanes, sizes) = (lanes::<T>(), weights.sizes);
        let lines = pass.x.lines();
        let features = |channels| {
            let size = Size {
                channels,
                pixels: 1,
            };
            Features::new(lines, size, scratch)
        };
        let (mut by_logits, mut by_hidden) = (features(sizes.vocabulary), features(sizes.hidden));
        let backwards = transposed(weights.output_weight, sizes.hidden);
        let parts = by_logits.lines_mut().into_iter().zip(by_hidden.lines_mut());
        let nll = map_parts(parts.collect(), |line, (logits, by_hidden)| {
            let targets = &pass.targets[line * lanes..][..lanes];
            let hidden = pass.states.hidden.line(line);
            let softmax = distributions(weights, hidden, 1.0, Some(targets), logits);
            let nll: Vec<f64> = (0..lanes).map(|lane| softmax.nll(lane)).collect();
            vectorized(Slopes {
                softmax,
                targets,
                weights: &token_weights[line * lanes..][..lanes],
            });
            line_product(&backwards, logits, by_hidden, false);
            nll
        });
        Self {
            nll: nll.concat(),
            by_logits,
            by_hidden,
        }
    }
}
