//! Language models: an embedding, a layer of LSTM cells and a distribution over the vocabulary for each step.

mod batch;
mod cell;
mod embedding;
mod generation;
mod gradients;
mod gumbel;
mod likelihood;
mod lstm;
mod pass;
mod soft;
mod soft_pass;
mod softmax;
mod state;
mod weights;

use crate::element::{Element, for_dtype};
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use gan_core::ParameterStore;
use weights::{Sizes, WeightVars};

pub use batch::TokenBatch;
pub(crate) use batch::{check_token, from_lines, to_lines};
pub(crate) use cell::GATES;
pub(crate) use embedding::{by_embedding, embed};
pub use generation::{Generation, Stream};
pub(crate) use generation::{TokenSteps, draw, masked};
pub(crate) use lstm::{Lstm, States};
pub use pass::LanguagePass;
use pass::record;
pub(crate) use soft::Soft;
pub use soft_pass::SoftPass;
pub(crate) use softmax::{Exponentiate, Slopes, Softmax};
pub(crate) use state::LineState;

/// A language model with one layer of LSTM cells, on the CPU, in f32 or f64.
///
/// Its tensors have the names and shapes of PyTorch's `Embedding`, `LSTM` and `Linear`, under `embedding`,
/// `lstm` and `output`. The state begins at 0, and the token before a sequence is the start token.
pub struct LanguageModel {
    parameters: ParameterStore,
    vars: WeightVars,
    sizes: Sizes,
    start: u32,
    scratch: (Scratch<f32>, Scratch<f64>),
}

impl LanguageModel {
    /// # Errors
    /// When a tensor is missing, shapes don't fit each other, or `start` is not in the vocabulary.
    pub fn new(parameters: ParameterStore, start: u32) -> Result<Self> {
        let (vars, sizes) = WeightVars::new(&parameters)?;
        let model = Self {
            parameters,
            vars,
            sizes,
            start,
            scratch: Default::default(),
        };
        check_token(start, model.vocabulary())?;
        Ok(model)
    }

    /// The tensors.
    pub fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    /// The number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.sizes.vocabulary
    }

    /// −ln p of every token given those before it, `[n, steps]`, where the logits are multiplied by `alpha`, the
    /// inverse temperature, above 0.
    ///
    /// # Errors
    /// When a token is not in the vocabulary.
    pub fn nll(&self, batch: TokenBatch<'_>, alpha: f64) -> Result<Vec<f64>> {
        check_token(batch.largest(), self.vocabulary())?;
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            nll_of(self, batch, alpha)
        )
    }

    /// The cells' outputs at each step, `[n, steps, hidden]`: those of step t have seen the start token and the
    /// first t tokens.
    ///
    /// # Errors
    /// When a token is not in the vocabulary.
    pub fn states(&self, batch: TokenBatch<'_>) -> Result<Vec<f64>> {
        check_token(batch.largest(), self.vocabulary())?;
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            states_of(self, batch)
        )
    }

    /// Calls `visit` with each parameter and the gradient of Σ weight · (−ln p) over all tokens; weights
    /// `[n, steps]`. Returns −ln p of every token, `[n, steps]`.
    ///
    /// With equal weights this is maximum likelihood; with rewards it is the policy gradient of the samples
    /// (REINFORCE; Williams, 1992).
    ///
    /// # Errors
    /// When a token is not in the vocabulary, or the number of weights differs from that of tokens.
    pub fn nll_gradients(
        &self,
        batch: TokenBatch<'_>,
        weights: &[f64],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<Vec<f64>> {
        check_token(batch.largest(), self.vocabulary())?;
        if weights.len() != batch.tokens().len() {
            let (found, expected) = (weights.len(), batch.tokens().len());
            candle_core::bail!("{found} weights of {expected} tokens");
        }
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            gradients_of(self, batch, weights, visit)
        )
    }

    /// A pass over sequences, for an objective of the logits of all tokens.
    ///
    /// # Errors
    /// When a token is not in the vocabulary.
    pub fn record(&self, batch: TokenBatch<'_>) -> Result<LanguagePass<'_>> {
        check_token(batch.largest(), self.vocabulary())?;
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            record(self, batch)
        )
    }

    /// Draws sequences, `[count, steps]`. Sequence k consists of draws from `stream(k)` alone, one for each token
    /// that is drawn, so its tokens depend neither on the others nor on threads.
    ///
    /// # Errors
    /// When a token of the request is not in the vocabulary, or it has prefixes of another number.
    pub fn generate(&self, request: &Generation<'_>, stream: &Stream<'_>) -> Result<Vec<u32>> {
        request.check(self.sizes.vocabulary)?;
        for_dtype!(
            self.parameters.dtype(),
            "a language model",
            generate_by(self, request, stream)
        )
    }
}

fn nll_of<T: Element>(
    model: &LanguageModel,
    batch: TokenBatch<'_>,
    alpha: f64,
) -> Result<Vec<f64>> {
    let scratch = T::scratch(&model.scratch);
    model.vars.with::<T, _>(model.sizes, |weights| {
        Ok(likelihood::nll(weights, batch, model.start, alpha, scratch))
    })
}

fn states_of<T: Element>(model: &LanguageModel, batch: TokenBatch<'_>) -> Result<Vec<f64>> {
    let scratch = T::scratch(&model.scratch);
    model.vars.with::<T, _>(model.sizes, |weights| {
        Ok(likelihood::states(weights, batch, model.start, scratch))
    })
}

fn gradients_of<T: Element>(
    model: &LanguageModel,
    batch: TokenBatch<'_>,
    weights: &[f64],
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<Vec<f64>> {
    let scratch = T::scratch(&model.scratch);
    // The numbers are no longer locked when the gradients are passed on, as they may be changed then.
    let (nll, gradients) = model.vars.with::<T, _>(model.sizes, |numbers| {
        Ok(gradients::gradients(
            numbers,
            batch,
            weights,
            model.start,
            scratch,
        ))
    })?;
    gradients.pass_on(&model.vars, visit)?;
    Ok(nll)
}

fn generate_by<T: Element>(
    model: &LanguageModel,
    request: &Generation<'_>,
    stream: &Stream<'_>,
) -> Result<Vec<u32>> {
    let scratch = T::scratch(&model.scratch);
    model.vars.with::<T, _>(model.sizes, |weights| {
        Ok(generation::generate(
            weights,
            request,
            model.start,
            stream,
            scratch,
        ))
    })
}
