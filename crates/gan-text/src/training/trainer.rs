//! A text generator's training, one part after another.

use super::{
    DiscriminatorRound, DiscriminatorTraining, MaximumLikelihood, PolicyGradient, PolicyStep,
    TextCorpus, TextTrainConfig,
};
use gan_core::Seed;
use gan_ops::{LanguageModel, TextClassifier};
use gan_train::TrainError;
use serde::{Deserialize, Serialize};

/// A generator, its discriminator if it has adversarial steps, and the run's progress.
///
/// All random numbers of a part are functions of the seed and of the numbers of steps and rounds that are done, so a
/// run resumes exactly from a checkpoint between two parts.
pub struct TextTrainer {
    pub(super) generator: LanguageModel,
    pub(super) likelihood: MaximumLikelihood,
    pub(super) adversary: Option<Adversary>,
    pub(super) state: TextState,
    corpus: TextCorpus,
    config: TextTrainConfig,
}

/// What adversarial steps need.
pub(super) struct Adversary {
    pub(super) discriminator: TextClassifier,
    pub(super) training: DiscriminatorTraining,
    pub(super) policy: PolicyGradient,
}

/// A run's progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextState {
    /// The generator's steps, of all phases.
    pub step: u64,
    /// The discriminator's rounds.
    pub rounds: u64,
}

/// A part of the training that was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TextPart {
    /// A step of maximum likelihood, with its mean −ln p a token.
    Likelihood {
        /// The generator's step, from 0.
        step: u64,
        /// In nats, before the update.
        nll: f64,
    },
    /// A round of the discriminator.
    Round {
        /// Its number, from 0.
        round: u64,
        /// What it came to.
        figures: DiscriminatorRound,
    },
    /// An adversarial step.
    Policy {
        /// The generator's step, from 0.
        step: u64,
        /// What it came to.
        figures: PolicyStep,
    },
}

impl TextTrainer {
    /// A trainer at step 0.
    ///
    /// # Errors
    /// When a value of `config` is out of range, or an optimizer's memory cannot be allocated.
    pub fn new(
        generator: LanguageModel,
        discriminator: impl FnOnce() -> candle_core::Result<TextClassifier>,
        corpus: TextCorpus,
        config: TextTrainConfig,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let (seed, batch) = (config.seed, config.batch_size);
        let adversary = (config.policy_steps > 0).then(|| {
            let discriminator = discriminator()?;
            let (rollouts, reward) = (config.rollouts, config.reward);
            let lr = config.policy_lr;
            candle_core::Result::Ok(Adversary {
                training: DiscriminatorTraining::new(
                    &discriminator,
                    config.discriminator_lr,
                    batch,
                    seed,
                )?,
                policy: PolicyGradient::new(&generator, lr, batch, rollouts, reward, seed)?,
                discriminator,
            })
        });
        Ok(Self {
            likelihood: MaximumLikelihood::new(&generator, config.likelihood_lr, batch, seed)?,
            adversary: adversary.transpose()?,
            state: TextState::default(),
            generator,
            corpus,
            config,
        })
    }

    /// Does the next part of the training; none if all is done.
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn advance(&mut self) -> Result<Option<TextPart>, TrainError> {
        let TextState { step, rounds } = self.state;
        if step < self.config.likelihood_steps {
            let nll = self.likelihood.step(&self.generator, &self.corpus, step)?;
            self.state.step += 1;
            return Ok(Some(TextPart::Likelihood { step, nll }));
        }
        let policy_step = step - self.config.likelihood_steps;
        let Some(adversary) = &mut self.adversary else {
            return Ok(None);
        };
        let Adversary {
            discriminator,
            training,
            policy,
        } = adversary;
        if policy_step >= self.config.policy_steps {
            return Ok(None);
        }
        if rounds < self.config.rounds_before(policy_step) {
            let epochs = self.config.discriminator_epochs;
            let figures =
                training.round(discriminator, &self.generator, &self.corpus, epochs, rounds)?;
            self.state.rounds += 1;
            return Ok(Some(TextPart::Round {
                round: rounds,
                figures,
            }));
        }
        let figures = policy.step(&self.generator, discriminator, &self.corpus, policy_step)?;
        self.state.step += 1;
        Ok(Some(TextPart::Policy { step, figures }))
    }

    /// The generator with its current weights.
    pub fn generator(&self) -> &LanguageModel {
        &self.generator
    }

    /// The discriminator, of a run with adversarial steps.
    pub fn discriminator(&self) -> Option<&TextClassifier> {
        self.adversary
            .as_ref()
            .map(|adversary| &adversary.discriminator)
    }

    /// The run's progress.
    pub fn state(&self) -> TextState {
        self.state
    }

    /// The steps of maximum likelihood, done or not.
    pub(super) fn likelihood_steps(&self) -> u64 {
        self.config.likelihood_steps
    }

    /// The run's seed.
    pub fn seed(&self) -> Seed {
        self.config.seed
    }
}
