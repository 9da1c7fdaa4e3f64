//! Maximum likelihood: the training before the adversarial one, and its control.

use super::batches::{Padded, TextCorpus, shuffled};
use gan_core::{Purpose, Seed};
use gan_ops::LanguageModel;
use gan_train::{Adam, TrainError};

/// Steps of maximum likelihood over a corpus, in batches of an epoch's own order.
pub struct MaximumLikelihood {
    pub(super) optimizer: Adam,
    batch_size: usize,
    seed: Seed,
    /// The epoch whose order it is.
    order: (u64, Vec<usize>),
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
            optimizer: Adam::new(model.parameters(), lr, [0.9, 0.999])?,
            batch_size,
            seed,
            order: (0, Vec::new()),
        })
    }

    /// The steps of an epoch.
    pub fn steps_per_epoch(&self, corpus: &TextCorpus) -> u64 {
        corpus.sequences.len().div_ceil(self.batch_size) as u64
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
        let per_epoch = self.steps_per_epoch(corpus).max(1);
        let (epoch, number) = (step / per_epoch, (step % per_epoch) as usize);
        if self.order.0 != epoch || self.order.1.len() != corpus.sequences.len() {
            let order = shuffled(corpus.sequences.len(), self.seed, Purpose::Shuffle, epoch);
            self.order = (epoch, order);
        }
        let numbers = self.order.1.chunks(self.batch_size).nth(number);
        let padded = Padded::new(corpus, &corpus.sequences, numbers.unwrap_or_default());
        let count = padded.count();
        let weights: Vec<f64> = padded
            .weights()
            .iter()
            .map(|weight| weight / count)
            .collect();
        let mut nll = Vec::new();
        let not_finite = self.optimizer.descend(1.0, None, |visit| {
            nll = model.nll_gradients(padded.batch()?, &weights, visit)?;
            Ok(())
        })?;
        finite("generator's", step, not_finite)?;
        Ok(padded.mean(&nll))
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
