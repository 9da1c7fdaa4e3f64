//! RelGAN (Nie et al., 2019): maximum likelihood, then a discriminator that says which of a real and a generated text
//! is the real one, and whose gradient reaches the generator through soft tokens.

mod config;
mod update;

pub use config::RelganConfig;

use super::likelihood::Pretraining;
use super::method::{Method, PartKind, TextPart, TextState};
use super::{TextCorpus, TextTrainConfig};
use crate::{TextGenerator, relgan_discriminator};
use candle_core::DType;
use gan_core::Weights;
use gan_ops::TextClassifier;
use gan_train::{Optimizer, TrainError};
use update::{Batch, Compared};

const GENERATOR_OPTIMIZER: &str = "adversarial_optimizer.";

/// A generator and its discriminator.
pub(super) struct Relgan {
    pretraining: Pretraining,
    discriminator: TextClassifier,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    config: RelganConfig,
    train: TextTrainConfig,
}

impl Relgan {
    pub(super) fn new(
        pretraining: Pretraining,
        config: RelganConfig,
        corpus: &TextCorpus,
        train: &TextTrainConfig,
        dtype: DType,
    ) -> Result<Self, TrainError> {
        let sizes = config.discriminator();
        sizes.convolutions.check_fits(corpus.steps)?;
        let discriminator = relgan_discriminator(&sizes, corpus.vocabulary, train.seed, dtype)?;
        let adam = |parameters, lr| Optimizer::adam(parameters, lr, [0.9, 0.999]);
        let generator = pretraining.generator.parameters();
        Ok(Self {
            generator_optimizer: adam(generator, config.lr)?,
            discriminator_optimizer: adam(discriminator.parameters(), config.discriminator_lr)?,
            pretraining,
            discriminator,
            config,
            train: train.clone(),
        })
    }

    /// What the update of this number, from 0, over both players, compares.
    fn batch<'a>(&self, corpus: &'a TextCorpus, step: u64, update: u64) -> Batch<'a> {
        Batch {
            corpus,
            size: self.train.batch_size,
            seed: self.train.seed,
            beta: self.config.beta(step),
            dropout: self.config.dropout,
            update,
        }
    }

    /// Adversarial step `step`, from 0: the discriminator's updates, then the generator's.
    fn step(
        &mut self,
        corpus: &TextCorpus,
        step: u64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let updates = self.config.discriminator_steps;
        let mut sums = Compared::default();
        for number in 0..updates {
            let batch = self.batch(corpus, step, step * (updates + 1) + number);
            let (generator, discriminator) = (&self.pretraining.generator, &self.discriminator);
            let optimizer = &mut self.discriminator_optimizer;
            sums.add(batch.teach_discriminator(generator, discriminator, optimizer)?);
        }
        let batch = self.batch(corpus, step, step * (updates + 1) + updates);
        let (generator, discriminator) = (&self.pretraining.generator, &self.discriminator);
        let optimizer = &mut self.generator_optimizer;
        let last = batch.teach_generator(generator, discriminator, optimizer)?;
        let share = 1.0 / updates as f64;
        Ok(vec![
            ("generator_loss", last.loss),
            ("discriminator_loss", share * sums.loss),
            ("discriminator_accuracy", share * sums.accuracy),
            ("logit_gap", share * sums.gap),
            ("beta", batch.beta),
            ("largest_probability", last.largest),
        ])
    }
}

impl Method for Relgan {
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
        let figures = self.step(corpus, step)?;
        state.discriminator_updates = self.discriminator_optimizer.steps();
        Ok(Some(state.step_done(PartKind::Adversarial, figures)))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        self.pretraining.save_both(
            self.discriminator.parameters(),
            &self.discriminator_optimizer,
            (GENERATOR_OPTIMIZER, &self.generator_optimizer),
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
            &mut self.discriminator_optimizer,
            (GENERATOR_OPTIMIZER, &mut self.generator_optimizer),
            (weights, state, origin),
        )
    }
}
