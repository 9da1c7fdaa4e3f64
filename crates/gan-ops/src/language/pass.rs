//! The logits of all tokens after each prefix, and the gradients of any function of them.

use super::LanguageModel;
use super::batch::{TokenBatch, from_lines, to_lines};
use super::gradients::{Gradients, of_slopes};
use super::likelihood::{Forward, forward};
use super::soft::vector;
use super::weights::Weights;
use crate::element::{Element, for_dtype};
use crate::features::Features;
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::parallel::{for_each_part, map_pieces};
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use std::any::Any;

/// A model's pass over a batch, whose gradients can be asked for.
pub struct LanguagePass<'a> {
    model: &'a LanguageModel,
    logits: Vec<f64>,
    /// A [`Forward`] of the parameters' type.
    pass: Box<dyn Any>,
}

impl LanguagePass<'_> {
    /// The logit of every token after each prefix of the sequences, from the empty one on, `[n, steps, vocabulary]`.
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// Calls `visit` with each parameter and the gradient of Σ slope · logit; slopes `[n, steps, vocabulary]`.
    ///
    /// # Errors
    /// When the number of slopes differs from that of logits.
    pub fn gradients(
        self,
        slopes: &[f64],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if slopes.len() != self.logits.len() {
            let (found, expected) = (slopes.len(), self.logits.len());
            candle_core::bail!("{found} slopes of {expected} logits");
        }
        for_dtype!(
            self.model.parameters.dtype(),
            "a language model",
            gradients_of(self, slopes, visit)
        )
    }
}

pub(super) fn record<'a, T: Element>(
    model: &'a LanguageModel,
    batch: TokenBatch<'_>,
) -> Result<LanguagePass<'a>> {
    let scratch = T::scratch(&model.scratch);
    let (logits, pass) = model.vars.with::<T, _>(model.sizes, |weights| {
        let pass = forward(weights, batch, model.start, scratch);
        Ok((logits(weights, &pass.states.hidden), pass))
    })?;
    let row = batch.steps() * model.sizes.vocabulary;
    Ok(LanguagePass {
        model,
        logits: from_lines::<T, _>(&logits, row, batch.len()),
        pass: Box::new(pass),
    })
}

/// `[lines, steps, vocabulary, lanes]`, of hidden states `[lines · steps, hidden]`.
fn logits<T: Element>(weights: &Weights<'_, T>, hidden: &Features<T>) -> Vec<f64> {
    let lanes = lanes::<T>();
    let lines = map_pieces(hidden.lines(), |line| {
        let biases = weights.output_bias.iter();
        let mut logits: Vec<T> = biases.flat_map(|bias| vec![*bias; lanes]).collect();
        line_product(weights.output_weight, hidden.line(line), &mut logits, true);
        logits.into_iter().map(T::to_f64).collect::<Vec<_>>()
    });
    lines.concat()
}

fn gradients_of<T: Element>(
    pass: LanguagePass<'_>,
    slopes: &[f64],
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let model = pass.model;
    let Ok(pass) = pass.pass.downcast::<Forward<T>>() else {
        candle_core::bail!("a pass of another type");
    };
    let scratch = T::scratch(&model.scratch);
    let slopes = to_lines::<T, _>(slopes, pass.steps * model.sizes.vocabulary, 0.0);
    // The numbers are no longer locked when the gradients are passed on, as they may be changed then.
    let gradients = model.vars.with::<T, _>(model.sizes, |weights| {
        Ok(backward(weights, *pass, &slopes, scratch))
    })?;
    gradients.pass_on(&model.vars, visit)
}

/// slopes `[lines, steps, vocabulary, lanes]`
fn backward<T: Element>(
    weights: &Weights<'_, T>,
    pass: Forward<T>,
    slopes: &[f64],
    scratch: &Scratch<T>,
) -> Gradients<T> {
    let features = |channels| Features::new(pass.x.lines(), vector(channels), scratch);
    let sizes = weights.sizes;
    let (mut by_logits, mut by_hidden) = (features(sizes.vocabulary), features(sizes.hidden));
    let backwards = transposed(weights.output_weight, sizes.hidden);
    let parts = by_logits.lines_mut().into_iter().zip(by_hidden.lines_mut());
    let parts = parts.zip(slopes.chunks_exact(sizes.vocabulary * lanes::<T>()));
    for_each_part(parts.collect(), |_, ((by_logits, by_hidden), slopes)| {
        let pairs = by_logits.iter_mut().zip(slopes);
        pairs.for_each(|(to, slope)| *to = T::from_f64(*slope));
        line_product(&backwards, by_logits, by_hidden, false);
    });
    of_slopes(weights, pass, &by_logits, by_hidden, scratch)
}
