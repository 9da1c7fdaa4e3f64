//! SeqGAN (Yu et al., 2017, arXiv 1609.05473): maximum likelihood, then a discriminator's probabilities as rewards.

mod config;
mod discriminator;
mod policy;
mod reward;

pub use config::SeqganConfig;
pub use discriminator::{DiscriminatorRound, DiscriminatorTraining};
pub use policy::{PolicyGradient, PolicyStep};
pub use reward::Reward;

use super::likelihood::Pretraining;
use super::method::{Method, PartKind, TextPart, TextState};
use super::{TextCorpus, TextTrainConfig};
use crate::{TextGenerator, text_discriminator};
use candle_core::DType;
use gan_core::Weights;
use gan_ops::TextClassifier;
use gan_train::TrainError;

const DISCRIMINATOR: &str = "discriminator.";
const DISCRIMINATOR_OPTIMIZER: &str = "discriminator_optimizer.";
const POLICY_OPTIMIZER: &str = "policy_optimizer.";

/// A generator and its discriminator.
pub(super) struct Seqgan {
    pretraining: Pretraining,
    discriminator: TextClassifier,
    training: DiscriminatorTraining,
    policy: PolicyGradient,
    config: SeqganConfig,
}

impl Seqgan {
    pub(super) fn new(
        pretraining: Pretraining,
        config: SeqganConfig,
        corpus: &TextCorpus,
        train: &TextTrainConfig,
        dtype: DType,
    ) -> Result<Self, TrainError> {
        let sizes = config.discriminator();
        sizes.check_fits(corpus.steps)?;
        let (seed, batch) = (train.seed, train.batch_size);
        let discriminator = text_discriminator(&sizes, corpus.vocabulary, seed, dtype)?;
        let (lr, rollouts, reward) = (config.lr, config.rollouts, config.reward);
        Ok(Self {
            training: DiscriminatorTraining::new(
                &discriminator,
                config.discriminator_lr,
                batch,
                seed,
            )?,
            policy: PolicyGradient::new(&pretraining.generator, lr, batch, rollouts, reward, seed)?,
            pretraining,
            discriminator,
            config,
        })
    }
}

impl Method for Seqgan {
    fn generator(&self) -> &dyn TextGenerator {
        &self.pretraining.generator
    }

    fn advance(
        &mut self,
        corpus: &TextCorpus,
        state: &mut TextState,
    ) -> Result<Option<TextPart>, TrainError> {
        if let Some(part) = self.pretraining.advance(corpus, state)? {
            return Ok(Some(part));
        }
        let Self {
            discriminator,
            training,
            policy,
            config,
            ..
        } = self;
        let generator = &self.pretraining.generator;
        let step = state.step - self.pretraining.steps;
        if step >= config.steps {
            return Ok(None);
        }
        if state.rounds < config.rounds_before(step) {
            let (epochs, round) = (config.discriminator_epochs, state.rounds);
            let done = training.round(discriminator, generator, corpus, epochs, round)?;
            state.rounds += 1;
            state.discriminator_updates = training.optimizer.steps();
            return Ok(Some(TextPart {
                kind: PartKind::Round,
                number: round,
                figures: done.figures(),
            }));
        }
        let done = policy.step(generator, discriminator, corpus, step)?;
        let number = state.step;
        state.step += 1;
        Ok(Some(TextPart {
            kind: PartKind::Adversarial,
            number,
            figures: vec![
                ("generator_loss", done.loss),
                ("reward", done.reward),
                ("reward_std", done.reward_std),
            ],
        }))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        self.pretraining.save(weights)?;
        weights.insert_all(DISCRIMINATOR, self.discriminator.parameters())?;
        let training = &self.training.optimizer;
        training.save(DISCRIMINATOR_OPTIMIZER, weights)?;
        self.policy.optimizer.save(POLICY_OPTIMIZER, weights)
    }

    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError> {
        self.pretraining.restore(weights, state, origin)?;
        weights.load_into(DISCRIMINATOR, self.discriminator.parameters(), origin)?;
        let updates = state.discriminator_updates;
        let training = &mut self.training.optimizer;
        training.restore(DISCRIMINATOR_OPTIMIZER, weights, updates, origin)?;
        let steps = state.step.saturating_sub(self.pretraining.steps);
        let policy = &mut self.policy.optimizer;
        policy.restore(POLICY_OPTIMIZER, weights, steps, origin)
    }
}
