//! A language model's soft sequences, whose gradient can be asked for.

use super::batch::{from_lines, to_lines};
use super::soft::{Soft, Softening, vector};
use super::{Generation, LanguageModel, Stream};
use crate::element::{Element, for_dtype, with_slice};
use crate::features::Features;
use crate::kernels::tile::lanes;
use crate::scratch::Scratch;
use candle_core::{Device, Result, Tensor};
use std::any::Any;

/// Sequences of probabilities y `[n, steps, vocabulary]`, of which everyone sees y · table alone.
pub struct SoftPass<'a> {
    model: &'a LanguageModel,
    request: Generation<'a>,
    beta: f64,
    table: Tensor,
    tokens: Vec<u32>,
    largest: Vec<f64>,
    /// A [`Soft`] of the parameters' type.
    soft: Box<dyn Any>,
}

impl LanguageModel {
    /// Draws sequences that have a gradient: y = softmax(β · (α · logits + Gumbel noise)), where the largest number's
    /// token is the next step's input. The tokens are distributed as those of [`generate`](Self::generate); sequence k
    /// takes its noise from `stream(k)` alone. After its end, a sequence is the end for certain.
    ///
    /// table `[vocabulary, width]`: the rows by which a discriminator embeds tokens, and sums of which, with the
    /// probabilities as weights, it sees here.
    ///
    /// # Errors
    /// When a token of the request is not in the vocabulary, there are prefixes, which have no gradient, or the table
    /// is not of this vocabulary and type.
    pub fn soften<'a>(
        &'a self,
        request: Generation<'a>,
        beta: f64,
        table: &Tensor,
        stream: &Stream<'_>,
    ) -> Result<SoftPass<'a>> {
        request.check(self.sizes.vocabulary)?;
        if request.prefixes.is_some() {
            candle_core::bail!("soft sequences begin with what is drawn, not with prefixes");
        }
        let (rows, width) = table.dims2()?;
        if rows != self.vocabulary() || width == 0 || table.dtype() != self.parameters.dtype() {
            let (found, of) = (table.dims(), table.dtype());
            let (vocabulary, dtype) = (self.vocabulary(), self.parameters.dtype());
            candle_core::bail!(
                "a table of shape {found:?} of {of:?}, expected {vocabulary} rows of {dtype:?}"
            );
        }
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            soften_by(self, request, beta, table, stream)
        )
    }
}

impl SoftPass<'_> {
    /// The number of sequences.
    pub fn count(&self) -> usize {
        self.request.count
    }

    /// The tokens of each sequence.
    pub fn steps(&self) -> usize {
        self.request.steps
    }

    /// The tokens that were drawn, `[n, steps]`.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// What is seen of the sequences, y · table: `[n, steps, width]`.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    pub fn embedded(&self) -> Result<Tensor> {
        for_dtype!(self.table.dtype(), "a language model", embedded_of(self))
    }

    /// The largest probability of each step, `[n, steps]`: near 1 where y is nearly one-hot.
    pub fn largest(&self) -> &[f64] {
        &self.largest
    }

    /// Calls `visit` with each parameter of the model and its gradient, given the gradient with respect to what is
    /// seen of the sequences, `[n, steps, width]`. Neither the model nor the table may have changed.
    ///
    /// # Errors
    /// When `by_embedded` has another shape or type.
    pub fn gradients(
        self,
        by_embedded: &Tensor,
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let expected = [self.count(), self.steps(), self.table.dim(1)?];
        let dtype = self.table.dtype();
        if by_embedded.dims() != expected || by_embedded.dtype() != dtype {
            let (found, of) = (by_embedded.dims(), by_embedded.dtype());
            candle_core::bail!(
                "a gradient of shape {found:?} of {of:?}, expected {expected:?} of {dtype:?}"
            );
        }
        for_dtype!(
            dtype,
            "a language model",
            gradients_of(self, &by_embedded.contiguous()?, visit)
        )
    }

    /// Whether this is the table.
    pub(crate) fn has_table(&self, table: &Tensor) -> bool {
        self.table.id() == table.id()
    }

    /// The sequences, of the parameters' type.
    pub(crate) fn soft<T: Element>(&self) -> Result<&Soft<T>> {
        match self.soft.downcast_ref() {
            Some(soft) => Ok(soft),
            None => candle_core::bail!("soft sequences of another type"),
        }
    }
}

fn soften_by<'a, T: Element>(
    model: &'a LanguageModel,
    request: Generation<'a>,
    beta: f64,
    table: &Tensor,
    stream: &Stream<'_>,
) -> Result<SoftPass<'a>> {
    let scratch = T::scratch(&model.scratch);
    let mut soft: Soft<T> = model.vars.with(model.sizes, |weights| {
        with_slice(table, |numbers| {
            let softening = Softening {
                request: &request,
                beta,
                table: numbers,
                start: model.start,
            };
            Ok(softening.draw(weights, stream, scratch))
        })
    })?;
    Ok(SoftPass {
        model,
        request,
        beta,
        table: table.clone(),
        tokens: soft.tokens.clone(),
        largest: std::mem::take(&mut soft.largest),
        soft: Box::new(soft),
    })
}

fn embedded_of<T: Element>(pass: &SoftPass<'_>) -> Result<Tensor> {
    let (n, steps, width) = (pass.count(), pass.steps(), pass.table.dim(1)?);
    let lines = pass.soft::<T>()?.embedded.values();
    let numbers = from_lines::<T, _>(lines, steps * width, n);
    Tensor::from_vec(numbers, (n, steps, width), &Device::Cpu)
}

fn gradients_of<T: Element>(
    pass: SoftPass<'_>,
    by_embedded: &Tensor,
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let (model, steps) = (pass.model, pass.steps());
    let scratch = T::scratch(&model.scratch);
    let Ok(soft) = pass.soft.downcast::<Soft<T>>() else {
        candle_core::bail!("soft sequences of another type");
    };
    let slopes = with_slice::<T, _>(by_embedded, |numbers| {
        Ok(in_lines(numbers, steps, by_embedded.dim(2)?, scratch))
    })?;
    let gradients = model.vars.with(model.sizes, |weights| {
        with_slice(&pass.table, |numbers| {
            let softening = Softening {
                request: &pass.request,
                beta: pass.beta,
                table: numbers,
                start: model.start,
            };
            softening.gradients(weights, *soft, &slopes, scratch)
        })
    })?;
    gradients.pass_on(&model.vars, visit)
}

/// Numbers `[n, steps, width]` as `[lines · steps, width]`; 0 where there is no sequence.
fn in_lines<T: Element>(
    numbers: &[T],
    steps: usize,
    width: usize,
    scratch: &Scratch<T>,
) -> Features<T> {
    let lines = to_lines::<T, _>(numbers, steps * width, T::zero());
    let line = width * lanes::<T>();
    let mut features = Features::new(lines.len() / line, vector(width), scratch);
    let pairs = features.lines_mut().into_iter();
    pairs
        .zip(lines.chunks_exact(line))
        .for_each(|(to, from)| to.copy_from_slice(from));
    features
}
