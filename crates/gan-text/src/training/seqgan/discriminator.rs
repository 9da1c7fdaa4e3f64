//! The discriminator's rounds: fresh generated sequences against real ones.

use crate::TextGenerator;
use crate::training::batches::{Padded, TextCorpus, shuffled};
use crate::training::likelihood::finite;
use crate::training::logistic::{sigmoid, softplus};
use candle_core::Tensor;
use gan_core::{Purpose, Seed};
use gan_ops::{FeatureDropout, Generation, TextClassifier, TokenBatch};
use gan_train::{Optimizer, TrainError};

/// How a discriminator is trained. SeqGAN's are a learning rate of 10⁻⁴, a dropout of ¼ and a weight decay of 0.2.
pub struct DiscriminatorTraining {
    pub(in crate::training) optimizer: Optimizer,
    /// Real sequences of an update, and as many generated ones.
    batch_size: usize,
    dropout: f64,
    /// λ of ½ λ ‖w‖² of the last layer.
    output_decay: f64,
    /// The inverse temperature of generated sequences.
    alpha: f64,
    /// The most generated sequences of a round.
    most: usize,
    seed: Seed,
}

/// What a round of training came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiscriminatorRound {
    /// The mean binary cross-entropy of its updates.
    pub loss: f64,
    /// The share of sequences that were told apart, before each update.
    pub accuracy: f64,
}

impl DiscriminatorRound {
    /// Its figures by name.
    pub(in crate::training) fn figures(self) -> Vec<(&'static str, f64)> {
        vec![
            ("discriminator_loss", self.loss),
            ("discriminator_accuracy", self.accuracy),
        ]
    }
}

impl DiscriminatorTraining {
    /// # Errors
    /// When the optimizer's memory cannot be allocated.
    pub fn new(
        discriminator: &TextClassifier,
        lr: f64,
        batch_size: usize,
        seed: Seed,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            optimizer: Optimizer::adam(discriminator.parameters(), lr, [0.9, 0.999])?,
            batch_size,
            dropout: 0.25,
            output_decay: 0.2,
            alpha: 1.0,
            most: usize::MAX,
            seed,
        })
    }

    /// The same without dropout and decay, against at most so many sequences of the inverse temperature `alpha`.
    pub(in crate::training) fn plain(self, most: usize, alpha: f64) -> Self {
        Self {
            dropout: 0.0,
            output_decay: 0.0,
            alpha,
            most,
            ..self
        }
    }

    /// Round `round`, from 0: draws sequences, and trains on them and on as many of the corpus for `epochs`.
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn round(
        &mut self,
        discriminator: &TextClassifier,
        generator: &dyn TextGenerator,
        corpus: &TextCorpus,
        epochs: u64,
        round: u64,
    ) -> Result<DiscriminatorRound, TrainError> {
        let all = corpus.sequences.len();
        let count = all.min(self.most);
        let (seed, first) = (self.seed, round * count as u64);
        let request = Generation {
            alpha: self.alpha,
            ..corpus.request(count)
        };
        let drawn = generator.generate(&request, &|k| {
            seed.rng(Purpose::Negatives, first + k as u64)
        })?;
        let numbers: Vec<usize> = (0..all).collect();
        let real = Padded::new(corpus, &corpus.sequences, &numbers);
        let real = real.batch()?.tokens();
        let mut sum = DiscriminatorRound::default();
        let mut batches = 0.0;
        for epoch in 0..epochs {
            let order = |count: usize, player: u64| {
                let index = 2 * (round * epochs + epoch) + player;
                shuffled(count, seed, Purpose::DiscriminatorOrder, index)
            };
            let (reals, fakes) = (order(all, 0), order(count, 1));
            let pairs = reals[..count]
                .chunks(self.batch_size)
                .zip(fakes.chunks(self.batch_size));
            for (reals, fakes) in pairs {
                let mut tokens = rows(real, corpus.steps, reals);
                tokens.extend(rows(&drawn, corpus.steps, fakes));
                let batch = TokenBatch::new(&tokens, corpus.steps)?;
                let update = self.update(discriminator, batch, reals.len())?;
                sum.loss += update.loss;
                sum.accuracy += update.accuracy;
                batches += 1.0;
            }
        }
        Ok(DiscriminatorRound {
            loss: sum.loss / batches,
            accuracy: sum.accuracy / batches,
        })
    }

    /// One update; the first `real` sequences are real.
    fn update(
        &mut self,
        discriminator: &TextClassifier,
        batch: TokenBatch<'_>,
        real: usize,
    ) -> Result<DiscriminatorRound, TrainError> {
        let update = self.optimizer.steps();
        let mut rng = self.seed.rng(Purpose::Dropout, update);
        let dropout = (self.dropout > 0.0).then_some(FeatureDropout {
            share: self.dropout,
            rng: &mut rng,
        });
        let pass = discriminator.record(batch, dropout)?;
        let n = batch.len() as f64;
        let (mut loss, mut right, mut slopes) = (0.0, 0.0, Vec::with_capacity(batch.len()));
        for (number, logit) in pass.logits().iter().enumerate() {
            // The logit of the right answer.
            let sign = if number < real { 1.0 } else { -1.0 };
            loss += softplus(-sign * logit) / n;
            right += f64::from(u8::from(sign * logit > 0.0)) / n;
            slopes.push(-sign * sigmoid(-sign * logit) / n);
        }
        let output = discriminator.parameters().all().into_iter();
        let output: Vec<_> = output.filter(|p| p.name.starts_with("output.")).collect();
        let decay = self.output_decay;
        let not_finite = self.optimizer.descend(1.0, None, |visit| {
            pass.gradients(
                &slopes,
                &mut |parameter: &Tensor, gradient: &Tensor| match output
                    .iter()
                    .any(|p| p.var.id() == parameter.id())
                {
                    true => visit(parameter, &(gradient + (parameter * decay)?)?),
                    false => visit(parameter, gradient),
                },
            )
        })?;
        finite("discriminator's", update, not_finite)?;
        Ok(DiscriminatorRound {
            loss,
            accuracy: right,
        })
    }
}

/// Some sequences of `[n, steps]`.
fn rows(tokens: &[u32], steps: usize, numbers: &[usize]) -> Vec<u32> {
    let row = |number: &usize| tokens[number * steps..][..steps].iter().copied();
    numbers.iter().flat_map(row).collect()
}
