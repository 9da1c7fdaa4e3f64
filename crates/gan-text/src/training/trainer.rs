//! A text generator's training, one part after another.

use super::leakgan::Leakgan;
use super::likelihood::Pretraining;
use super::method::{Method, TextPart, TextState};
use super::relgan::Relgan;
use super::scratch::Scratch;
use super::seqgan::Seqgan;
use super::{AdversaryConfig, TextCorpus, TextTrainConfig};
use crate::{GeneratorConfig, TextGenerator};
use candle_core::DType;
use gan_core::Seed;
use gan_train::TrainError;

/// A generator in training, on the CPU in f32.
pub struct TextTrainer {
    pub(super) method: Box<dyn Method>,
    pub(super) state: TextState,
    corpus: TextCorpus,
    seed: Seed,
    pretraining_steps: u64,
    steps: u64,
}

impl TextTrainer {
    /// A trainer at step 0.
    ///
    /// # Errors
    /// When a value is out of its range or does not fit the corpus, or memory cannot be allocated.
    pub fn new(
        corpus: TextCorpus,
        model: &GeneratorConfig,
        train: &TextTrainConfig,
        adversary: &AdversaryConfig,
    ) -> Result<Self, TrainError> {
        train.validate()?;
        adversary.validate()?;
        model.validate()?;
        let likelihood = Pretraining::new(&corpus, model, train, DType::F32)?;
        let pretraining_steps = likelihood.steps;
        let all = pretraining_steps.saturating_add(adversary.steps());
        let method: Box<dyn Method> = match adversary {
            AdversaryConfig::None(_) => Box::new(likelihood),
            AdversaryConfig::Seqgan(config) => Box::new(Seqgan::new(
                likelihood,
                config.clone(),
                &corpus,
                train,
                DType::F32,
            )?),
            AdversaryConfig::Relgan(config) => Box::new(Relgan::new(
                likelihood,
                config.clone(),
                &corpus,
                train,
                DType::F32,
            )?),
            AdversaryConfig::Leakgan(config) => Box::new(Leakgan::new(
                &corpus,
                model,
                config.clone(),
                train,
                DType::F32,
            )?),
            AdversaryConfig::Scratch(config) => Box::new(Scratch::new(
                likelihood,
                model,
                config.clone(),
                &corpus,
                train,
                DType::F32,
            )?),
        };
        Ok(Self {
            method,
            state: TextState::default(),
            corpus,
            seed: train.seed,
            pretraining_steps,
            steps: train.steps.map_or(all, |steps| steps.min(all)),
        })
    }

    /// Does the next part of the training; none if all is done.
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn advance(&mut self) -> Result<Option<TextPart>, TrainError> {
        if self.state.step >= self.steps {
            return Ok(None);
        }
        self.method.advance(&self.corpus, &mut self.state)
    }

    /// The generator with its current weights.
    pub fn generator(&self) -> &dyn TextGenerator {
        self.method.generator()
    }

    /// What it is trained on.
    pub fn corpus(&self) -> &TextCorpus {
        &self.corpus
    }

    /// The run's progress.
    pub fn state(&self) -> TextState {
        self.state
    }

    /// The generator's steps in all phases.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The generator's steps before the first adversarial one; 0 if it begins with these.
    pub fn pretraining_steps(&self) -> u64 {
        self.pretraining_steps
    }

    /// The run's seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }
}
