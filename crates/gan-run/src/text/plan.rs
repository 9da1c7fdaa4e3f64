//! Turns a configuration of text into data and a trainer that fit each other.

use super::{TextRunConfig, TextSet};
use crate::{Configuration, Event, Events, RunError};
use gan_text::{TextTrainer, Tokenizer};
use gan_train::TrainError;

/// A configuration that was checked against its data, and these.
pub struct TextPlan {
    pub(crate) config: TextRunConfig,
    pub(crate) set: TextSet,
    /// SHA-256 of the data.
    pub(crate) sha256: String,
    pub(crate) steps: u64,
    pub(crate) pretraining_steps: u64,
}

impl TextPlan {
    /// Reads the data and checks that the configuration fits. tokenizer: that of a run that is resumed.
    ///
    /// # Errors
    /// When a value is out of its range, the data cannot be read, or the two do not fit.
    pub fn new(
        config: TextRunConfig,
        tokenizer: Option<Tokenizer>,
        events: &mut dyn Events,
    ) -> Result<Self, RunError> {
        config.validate()?;
        config.to_toml()?;
        let set = config.data.open(tokenizer)?;
        if let Some(report) = &set.report {
            events.event(Event::TextRead(report));
        }
        let mut plan = Self {
            sha256: set.sha256(),
            config,
            set,
            steps: 0,
            pretraining_steps: 0,
        };
        let trainer = plan.trainer().map_err(too_large)?;
        (plan.steps, plan.pretraining_steps) = (trainer.steps(), trainer.pretraining_steps());
        Ok(plan)
    }

    /// The configuration.
    pub fn config(&self) -> &TextRunConfig {
        &self.config
    }

    /// The data.
    pub fn set(&self) -> &TextSet {
        &self.set
    }

    /// The generator's steps in all phases.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The networks at step 0.
    ///
    /// # Errors
    /// When they cannot be built or do not fit the data.
    pub fn trainer(&self) -> Result<TextTrainer, RunError> {
        let TextRunConfig {
            model,
            train,
            adversary,
            ..
        } = &self.config;
        let corpus = self.set.corpus.clone();
        Ok(TextTrainer::new(corpus, model, train, adversary)?)
    }

    /// SHA-256 of what the ids stand for.
    pub(crate) fn tokenizer_sha256(&self) -> Option<String> {
        self.set.tokenizer.as_ref().map(Tokenizer::hash)
    }
}

/// Networks that cannot be built are too large: the sizes are at fault, not the work.
fn too_large(error: RunError) -> RunError {
    match error {
        RunError::Train(TrainError::Tensor(error)) => RunError::Refused(format!(
            "the networks cannot be built: {error}; expected smaller sizes in `model` or `adversary`"
        )),
        error => error,
    }
}
