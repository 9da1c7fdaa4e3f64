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
        let Some(step) = self.pretraining.adversarial_step(*state, self.config.steps) else {
            return Ok(None);
        };
        let Self {
            pretraining,
            discriminator,
            training,
            policy,
            config,
        } = self;
        let generator = &pretraining.generator;
        if state.rounds < config.rounds_before(step) {
            let (epochs, round) = (config.discriminator_epochs, state.rounds);
            let done = training.round(discriminator, generator, corpus, epochs, round)?;
            let updates = training.optimizer.steps();
            return Ok(Some(state.round_done(updates, done.figures())));
        }
        let done = policy.step(generator, discriminator, corpus, step)?;
        let figures = vec![
            ("generator_loss", done.loss),
            ("reward", done.reward),
            ("reward_std", done.reward_std),
        ];
        Ok(Some(state.step_done(PartKind::Adversarial, figures)))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        self.pretraining.save_both(
            self.discriminator.parameters(),
            &self.training.optimizer,
            (POLICY_OPTIMIZER, &self.policy.optimizer),
            weights,
        )
    }

    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError> {
        self.pretraining.restore_both(
            self.discriminator.parameters(),
            &mut self.training.optimizer,
            (POLICY_OPTIMIZER, &mut self.policy.optimizer),
            (weights, state, origin),
        )
    }
}
