//! SeqGAN's update of the generator (Yu et al., 2017, arXiv 1609.05473): policy gradients with Monte Carlo rollouts.

use super::reward::Reward;
use crate::training::batches::{Padded, TextCorpus};
use crate::training::likelihood::finite;
use crate::training::rollouts::Rollouts;
use gan_core::{Purpose, Seed};
use gan_ops::{LanguageModel, TextClassifier};
use gan_train::{Optimizer, TrainError};

/// The largest norm of the gradients.
const CLIP: f64 = 5.0;

/// The generator's adversarial updates, with an optimizer of their own.
pub struct PolicyGradient {
    pub(super) optimizer: Optimizer,
    batch_size: usize,
    /// Continuations of each prefix, whose rewards are averaged.
    rollouts: usize,
    reward: Reward,
    seed: Seed,
}

/// What an update came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyStep {
    /// Σ reward · (−ln p) a sequence.
    pub loss: f64,
    /// The mean reward of the tokens that count, as the discriminator gave it.
    pub reward: f64,
    /// Its standard deviation over the batch's whole sequences.
    pub reward_std: f64,
}

impl PolicyGradient {
    /// # Errors
    /// When the optimizer's memory cannot be allocated.
    pub fn new(
        generator: &LanguageModel,
        lr: f64,
        batch_size: usize,
        rollouts: usize,
        reward: Reward,
        seed: Seed,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            optimizer: Optimizer::adam(generator.parameters(), lr, [0.9, 0.999])?,
            batch_size,
            rollouts,
            reward,
            seed,
        })
    }

    /// Step `step`, from 0: draws a batch, rewards each token by the discriminator's probability of what it may
    /// become, and follows the policy gradient, summed over the batch as in SeqGAN's program.
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn step(
        &mut self,
        generator: &LanguageModel,
        discriminator: &TextClassifier,
        corpus: &TextCorpus,
        step: u64,
    ) -> Result<PolicyStep, TrainError> {
        let (n, seed) = (self.batch_size, self.seed);
        let first = step * n as u64;
        let request = corpus.request(n);
        let drawn = generator.generate(&request, &|k| {
            seed.rng(Purpose::PolicySample, first + k as u64)
        })?;
        let drawn = Padded::drawn(corpus, drawn);
        let mut rewards = match self.reward {
            Reward::Constant => vec![1.0; n * corpus.steps],
            _ => self.rewards(generator, discriminator, corpus, &drawn, step)?,
        };
        let reward = drawn.mean(&rewards);
        let whole: Vec<f64> = rewards
            .chunks(corpus.steps)
            .map(|all| all[corpus.steps - 1])
            .collect();
        self.reward.apply(&mut rewards, corpus.steps, seed, step);
        let weights = rewards
            .iter()
            .zip(drawn.weights())
            .map(|(reward, weight)| reward * weight);
        let weights: Vec<f64> = weights.collect();
        let mut nll = Vec::new();
        let not_finite = self.optimizer.descend(1.0, Some(CLIP), |visit| {
            nll = generator.nll_gradients(drawn.batch()?, &weights, visit)?;
            Ok(())
        })?;
        finite("generator's", step, not_finite)?;
        let loss: f64 = nll
            .iter()
            .zip(&weights)
            .map(|(nll, weight)| nll * weight)
            .sum();
        Ok(PolicyStep {
            loss: loss / n as f64,
            reward,
            reward_std: standard_deviation(&whole),
        })
    }

    /// Q of each token, `[n, steps]`: the mean probability of its prefix's continuations, of the last token that
    /// of the sequence itself.
    fn rewards(
        &self,
        generator: &LanguageModel,
        discriminator: &TextClassifier,
        corpus: &TextCorpus,
        drawn: &Padded,
        step: u64,
    ) -> candle_core::Result<Vec<f64>> {
        let (steps, batch) = (corpus.steps, drawn.batch()?);
        let (copies, alpha) = (self.rollouts, 1.0);
        let rollouts = Rollouts {
            generator,
            discriminator,
            corpus,
            copies,
            alpha,
        };
        let mut rewards = vec![0.0; batch.tokens().len()];
        for time in 0..steps {
            let first = (step * steps as u64 + time as u64) * (batch.len() * copies) as u64;
            let values = rollouts.values(batch, time + 1, &|k| {
                self.seed.rng(Purpose::Rollout, first + k as u64)
            })?;
            let column = rewards.iter_mut().skip(time).step_by(steps);
            column.zip(values).for_each(|(to, value)| *to = value);
        }
        Ok(rewards)
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / n)
        .sqrt()
}
