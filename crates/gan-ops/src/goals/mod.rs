//! Language models that are guided by goals in a classifier's feature space (LeakGAN; Guo et al., 2017).

mod generation;
mod manager;
mod pass;
mod vectors;
mod weights;
mod worker;

use crate::TextClassifier;
use crate::element::{Element, for_dtype};
use crate::language::{Generation, Stream, TokenBatch, check_token};
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use gan_core::ParameterStore;
use pass::Pass;
use std::any::Any;
use weights::{Numbers, Sizes, Vars};

/// A language model of two LSTMs on the CPU, in f32 or f64. A classifier leaks what it makes of the tokens so far:
/// f_t are the features of the prefix of t tokens, filled up with the pad.
///
/// - The **Manager** reads f_0, …, f_t and sets a goal g_t of length 1 in the same space: the direction in which
///   the features should move over the next tokens.
/// - The **Worker** reads the tokens and makes of each step a matrix O_t `[vocabulary, actions]`. The probabilities
///   of the next token are softmax(α · O_t w), where w = ψ s / ‖ψ s‖ and s is the sum of the goals of the last
///   *finished* block of tokens; for the first block it is a learned vector. ψ has no bias.
///
/// The Manager's tensors have the names and shapes of PyTorch's `LSTM` and `Linear`: `lstm` and `goal`; the Worker's
/// are `embedding`, `lstm`, `output` (a linear layer to vocabulary · actions numbers), `goal_embedding.weight` (ψ) and
/// `first_goal`.
pub struct GoalLanguageModel {
    manager: ParameterStore,
    worker: ParameterStore,
    classifier: TextClassifier,
    vars: Vars,
    sizes: Sizes,
    settings: GoalSettings,
    scratch: (Scratch<f32>, Scratch<f64>),
}

/// What a model knows of its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoalSettings {
    /// The token before a sequence.
    pub start: u32,
    /// The token that fills up prefixes; the classifier must know it.
    pub pad: u32,
    /// c, the tokens over which a goal is to be reached and those of a block; 1 or more.
    pub duration: usize,
}

/// What a model makes of given sequences.
pub struct GoalPass<'a> {
    model: &'a GoalLanguageModel,
    /// A [`Pass`] of the parameters' type.
    pass: Box<dyn Any>,
    tokens: usize,
}

impl GoalLanguageModel {
    /// # Errors
    /// When a tensor is missing, shapes or types don't fit each other, or a setting is out of its range.
    pub fn new(
        manager: ParameterStore,
        worker: ParameterStore,
        classifier: TextClassifier,
        settings: GoalSettings,
    ) -> Result<Self> {
        let (vars, sizes) = Vars::new(&manager, &worker, &classifier)?;
        check_token(settings.start, sizes.vocabulary)?;
        check_token(settings.pad, classifier.vocabulary())?;
        if classifier.representations() != 1 {
            candle_core::bail!("features of one representation are leaked, not of several");
        }
        if settings.duration == 0 {
            candle_core::bail!("goals of 0 tokens, expected 1 or more");
        }
        Ok(Self {
            manager,
            worker,
            classifier,
            vars,
            sizes,
            settings,
            scratch: Default::default(),
        })
    }

    /// The tensors of the Manager.
    pub fn manager(&self) -> &ParameterStore {
        &self.manager
    }

    /// The tensors of the Worker.
    pub fn worker(&self) -> &ParameterStore {
        &self.worker
    }

    /// The classifier whose features are leaked.
    pub fn classifier(&self) -> &TextClassifier {
        &self.classifier
    }

    /// What was set.
    pub fn settings(&self) -> GoalSettings {
        self.settings
    }

    /// The number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.sizes.vocabulary
    }

    /// A pass over sequences.
    ///
    /// # Errors
    /// When a token is not in the vocabulary, or sequences are shorter than the widest convolution.
    pub fn record(&self, batch: TokenBatch<'_>) -> Result<GoalPass<'_>> {
        self.check(batch)?;
        let pass = for_dtype!(
            self.worker.dtype(),
            "a language model with goals",
            record_of(self, batch)
        )?;
        Ok(GoalPass {
            model: self,
            pass,
            tokens: batch.tokens().len(),
        })
    }

    /// −ln p of every token given those before it, `[n, steps]`, where the logits are multiplied by `alpha`, the
    /// inverse temperature, above 0.
    ///
    /// # Errors
    /// Those of [`record`](Self::record).
    pub fn nll(&self, batch: TokenBatch<'_>, alpha: f64) -> Result<Vec<f64>> {
        self.check(batch)?;
        for_dtype!(
            self.worker.dtype(),
            "a language model with goals",
            nll_of(self, batch, alpha)
        )
    }

    /// Draws sequences, `[count, steps]`, as [`LanguageModel::generate`](crate::LanguageModel::generate) does.
    ///
    /// # Errors
    /// When a token of the request is not in the vocabulary, it has prefixes of another number, or sequences are
    /// shorter than the widest convolution.
    pub fn generate(&self, request: &Generation<'_>, stream: &Stream<'_>) -> Result<Vec<u32>> {
        request.check(self.sizes.vocabulary)?;
        self.classifier
            .check(TokenBatch::new(&[], request.steps)?)?;
        for_dtype!(
            self.worker.dtype(),
            "a language model with goals",
            generate_by(self, request, stream)
        )
    }

    fn check(&self, batch: TokenBatch<'_>) -> Result<()> {
        check_token(batch.largest(), self.sizes.vocabulary)?;
        self.classifier.check(batch)
    }

    /// Calls `read` with all numbers, which are locked for reading meanwhile.
    fn with<T: Element, R>(&self, read: impl FnOnce(&Numbers<'_, T>) -> Result<R>) -> Result<R> {
        self.classifier
            .with::<T, _>(|classifier| self.vars.with(self.sizes, self.settings, classifier, read))
    }
}

impl GoalPass<'_> {
    /// cos(f_{t+c} − f_t, g_t) of every goal that lasts within the sequence, `[n, steps + 1 − c]`.
    ///
    /// # Errors
    /// When the pass is of another type than the model.
    pub fn directions(&self) -> Result<Vec<f64>> {
        for_dtype!(
            self.model.worker.dtype(),
            "a pass with goals",
            directions_of(self)
        )
    }

    /// What the goals say of each token, `[n, steps]`: r_t = 1/c Σ cos(f_t − f_{t−i}, g_{t−i}) over i = 1, …, c,
    /// without those before the beginning.
    ///
    /// # Errors
    /// When the pass is of another type than the model.
    pub fn intrinsic_rewards(&self) -> Result<Vec<f64>> {
        for_dtype!(
            self.model.worker.dtype(),
            "a pass with goals",
            rewards_of(self)
        )
    }

    /// Calls `visit` with each of the Manager's parameters and the gradient of Σ weight · (−direction), with
    /// weights as [`directions`](Self::directions).
    ///
    /// # Errors
    /// When the number of weights differs from that of directions.
    pub fn manager_gradients(
        &self,
        weights: &[f64],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        for_dtype!(
            self.model.worker.dtype(),
            "a pass with goals",
            manager_of(self, weights, visit)
        )
    }

    /// Calls `visit` with each of the Worker's parameters and the gradient of Σ weight · (−ln p) over all tokens at
    /// the inverse temperature `alpha`, with the goals held fixed; weights `[n, steps]`. Returns −ln p of every
    /// token, `[n, steps]`.
    ///
    /// # Errors
    /// When the number of weights differs from that of tokens.
    pub fn worker_gradients(
        &self,
        weights: &[f64],
        alpha: f64,
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<Vec<f64>> {
        if weights.len() != self.tokens {
            let (found, expected) = (weights.len(), self.tokens);
            candle_core::bail!("{found} weights of {expected} tokens");
        }
        for_dtype!(
            self.model.worker.dtype(),
            "a pass with goals",
            worker_of(self, weights, alpha, visit)
        )
    }

    fn typed<T: Element>(&self) -> Result<&Pass<T>> {
        match self.pass.downcast_ref() {
            Some(pass) => Ok(pass),
            None => candle_core::bail!("a pass of another type"),
        }
    }
}

fn record_of<T: Element>(model: &GoalLanguageModel, batch: TokenBatch<'_>) -> Result<Box<dyn Any>> {
    let scratch = T::scratch(&model.scratch);
    model.with::<T, _>(|numbers| {
        let pass: Box<dyn Any> = Box::new(Pass::new(numbers, batch, scratch));
        Ok(pass)
    })
}

fn nll_of<T: Element>(
    model: &GoalLanguageModel,
    batch: TokenBatch<'_>,
    alpha: f64,
) -> Result<Vec<f64>> {
    let scratch = T::scratch(&model.scratch);
    model.with::<T, _>(|numbers| Ok(worker::nll(numbers, batch, alpha, scratch)))
}

fn generate_by<T: Element>(
    model: &GoalLanguageModel,
    request: &Generation<'_>,
    stream: &Stream<'_>,
) -> Result<Vec<u32>> {
    let scratch = T::scratch(&model.scratch);
    model.with::<T, _>(|numbers| Ok(generation::generate(numbers, request, stream, scratch)))
}

fn directions_of<T: Element>(pass: &GoalPass<'_>) -> Result<Vec<f64>> {
    Ok(pass.typed::<T>()?.directions(pass.model.settings.duration))
}

fn rewards_of<T: Element>(pass: &GoalPass<'_>) -> Result<Vec<f64>> {
    Ok(pass
        .typed::<T>()?
        .intrinsic_rewards(pass.model.settings.duration))
}

fn manager_of<T: Element>(
    pass: &GoalPass<'_>,
    weights: &[f64],
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let (model, typed) = (pass.model, pass.typed::<T>()?);
    let expected = typed.n * (typed.steps + 1).saturating_sub(model.settings.duration);
    if weights.len() != expected {
        candle_core::bail!("{} weights of {expected} directions", weights.len());
    }
    let scratch = T::scratch(&model.scratch);
    let gradients =
        model.with::<T, _>(|numbers| Ok(manager::gradients(numbers, typed, weights, scratch)))?;
    model.vars.pass_on_manager(gradients, visit)
}

fn worker_of<T: Element>(
    pass: &GoalPass<'_>,
    weights: &[f64],
    alpha: f64,
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<Vec<f64>> {
    let (model, typed) = (pass.model, pass.typed::<T>()?);
    let scratch = T::scratch(&model.scratch);
    let (nll, gradients) = model
        .with::<T, _>(|numbers| Ok(worker::gradients(numbers, typed, weights, alpha, scratch)))?;
    model.vars.pass_on_worker(gradients, visit)?;
    Ok(nll)
}
