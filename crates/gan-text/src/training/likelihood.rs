//! Maximum likelihood: the training before the adversarial one, and its control.

use super::TextTrainConfig;
use super::batches::{EpochBatches, TextCorpus};
use super::method::{Method, PartKind, TextPart, TextState};
use crate::{GeneratorConfig, TextGenerator, text_generator};
use candle_core::DType;
use gan_core::{ParameterStore, Seed, Weights};
use gan_ops::LanguageModel;
use gan_train::{Optimizer, TrainError};

/// Steps of maximum likelihood over a corpus, in batches of an epoch's own order.
pub struct MaximumLikelihood {
    pub(super) optimizer: Optimizer,
    batches: EpochBatches,
}

impl MaximumLikelihood {
    /// # Errors
    /// When the optimizer's memory cannot be allocated.
    pub fn new(
        model: &LanguageModel,
        lr: f64,
        batch_size: usize,
        seed: Seed,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            optimizer: Optimizer::adam(model.parameters(), lr, [0.9, 0.999])?,
            batches: EpochBatches::new(batch_size, seed),
        })
    }

    /// The steps of an epoch.
    pub fn steps_per_epoch(&self, corpus: &TextCorpus) -> u64 {
        self.batches.per_epoch(corpus)
    }

    /// Step `step`, from 0: one update with the next batch. Returns its mean −ln p a token, before the update.
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn step(
        &mut self,
        model: &LanguageModel,
        corpus: &TextCorpus,
        step: u64,
    ) -> Result<f64, TrainError> {
        let padded = self.batches.batch(corpus, step);
        let weights = padded.shares();
        let mut nll = Vec::new();
        let not_finite = self.optimizer.descend(1.0, None, |visit| {
            nll = model.nll_gradients(padded.batch()?, &weights, visit)?;
            Ok(())
        })?;
        finite("generator's", step, not_finite)?;
        Ok(padded.mean(&nll))
    }
}

const GENERATOR: &str = "generator.";
const OPTIMIZER: &str = "likelihood_optimizer.";
const DISCRIMINATOR: &str = "discriminator.";
const DISCRIMINATOR_OPTIMIZER: &str = "discriminator_optimizer.";

/// A generator and its steps of maximum likelihood, before an adversary or without one.
pub(super) struct Pretraining {
    pub(super) generator: LanguageModel,
    likelihood: MaximumLikelihood,
    pub(super) steps: u64,
}

impl Pretraining {
    pub(super) fn new(
        corpus: &TextCorpus,
        model: &GeneratorConfig,
        train: &TextTrainConfig,
        dtype: DType,
    ) -> Result<Self, TrainError> {
        let (vocabulary, start) = (corpus.vocabulary, corpus.start);
        let generator = text_generator(model, vocabulary, start, train.seed, dtype)?;
        let likelihood =
            MaximumLikelihood::new(&generator, train.lr, train.batch_size, train.seed)?;
        Ok(Self {
            generator,
            steps: train
                .epochs
                .saturating_mul(likelihood.steps_per_epoch(corpus)),
            likelihood,
        })
    }

    /// The number of the adversarial step that follows `state`, from 0; none if all `steps` are done.
    pub(super) fn adversarial_step(&self, state: TextState, steps: u64) -> Option<u64> {
        let step = state.step - self.steps;
        (step < steps).then_some(step)
    }

    /// Adds the generator, and the discriminator beside it with both players' optimizers; `name` is that of the
    /// generator's.
    pub(super) fn save_both(
        &self,
        discriminator: &ParameterStore,
        discriminator_optimizer: &Optimizer,
        (name, optimizer): (&str, &Optimizer),
        weights: &mut Weights,
    ) -> Result<(), TrainError> {
        self.save(weights)?;
        weights.insert_all(DISCRIMINATOR, discriminator)?;
        discriminator_optimizer.save(DISCRIMINATOR_OPTIMIZER, weights)?;
        optimizer.save(name, weights)
    }

    /// Reads what [`save_both`](Self::save_both) added, as it was at `state`.
    pub(super) fn restore_both(
        &mut self,
        discriminator: &ParameterStore,
        discriminator_optimizer: &mut Optimizer,
        (name, optimizer): (&str, &mut Optimizer),
        (weights, state, origin): (&Weights, TextState, &str),
    ) -> Result<(), TrainError> {
        self.restore(weights, state, origin)?;
        weights.load_into(DISCRIMINATOR, discriminator, origin)?;
        let updates = state.discriminator_updates;
        discriminator_optimizer.restore(DISCRIMINATOR_OPTIMIZER, weights, updates, origin)?;
        let steps = state.step.saturating_sub(self.steps);
        optimizer.restore(name, weights, steps, origin)
    }
}

impl Method for Pretraining {
    fn generator(&self) -> &dyn TextGenerator {
        &self.generator
    }

    fn advance(
        &mut self,
        corpus: &TextCorpus,
        state: &mut TextState,
    ) -> Result<Option<TextPart>, TrainError> {
        let number = state.step;
        if number >= self.steps {
            return Ok(None);
        }
        let nll = self.likelihood.step(&self.generator, corpus, number)?;
        Ok(Some(
            state.step_done(PartKind::Likelihood, vec![("nll", nll)]),
        ))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        weights.insert_all(GENERATOR, self.generator.parameters())?;
        self.likelihood.optimizer.save(OPTIMIZER, weights)
    }

    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError> {
        weights.load_into(GENERATOR, self.generator.parameters(), origin)?;
        let optimizer = &mut self.likelihood.optimizer;
        optimizer.restore(OPTIMIZER, weights, state.step.min(self.steps), origin)
    }
}

/// Refuses what is not finite.
pub(super) fn finite(whose: &str, step: u64, tensor: Option<String>) -> Result<(), TrainError> {
    match tensor {
        Some(tensor) => Err(TrainError::NonFinite {
            step,
            tensor: format!("{whose} {tensor}"),
        }),
        None => Ok(()),
    }
}
