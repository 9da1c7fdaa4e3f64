//! LeakGAN (Guo et al., 2017, arXiv 1709.08624): a generator whose Manager reads the discriminator's features and sets
//! goals in their space, and whose Worker is rewarded for reaching them.
//!
//! This is the method of the paper. The program that its authors published differs in three places:
//!
//! - There, the Worker's reward is one number for all sequences and tokens, because its cosine distance is a mean over
//!   the batch. Here, each token has the intrinsic reward r_t = 1/c Σ cos(f_t − f_{t−i}, g_{t−i}), i = 1, …, c.
//! - There, rewards are rescaled by ranks that were never sorted. Here, rank 1 is the best of the batch at that time.
//! - There, the discriminator is given new real sequences of the oracle in each round, which no data set has. Here,
//!   it has those of the corpus.
//!
//! As in the program, the goals of a whole block of c tokens guide the next block (the paper adds up the last c goals),
//! and Q of the goal g_t is estimated once its c tokens are there, from continuations of x_1, …, x_{t+c}. The
//! discriminator's score reaches the Worker through the goals alone. The inverse temperature is 1 unless it is set.

mod config;
mod rescaling;
mod schedule;

pub use config::LeakganConfig;

use super::batches::{EpochBatches, Padded};
use super::likelihood::finite;
use super::method::{Method, PartKind, TextPart, TextState};
use super::rollouts::Rollouts;
use super::{DiscriminatorTraining, TextCorpus, TextTrainConfig};
use crate::models::goals;
use crate::{GeneratorConfig, TextGenerator, goal_generator};
use candle_core::DType;
use gan_core::{OutOfRange, Purpose, Seed, Weights};
use gan_ops::{Generation, GoalLanguageModel};
use gan_train::{Optimizer, TrainError};
use schedule::{Next, Schedule};

/// The largest norm of the gradients of an adversarial step.
const CLIP: f64 = 5.0;

const DISCRIMINATOR_OPTIMIZER: &str = "discriminator_optimizer.";
const LIKELIHOOD_OPTIMIZER: &str = "likelihood_optimizer.";
const POLICY_OPTIMIZER: &str = "policy_optimizer.";
const MANAGER_OPTIMIZER: &str = "manager_optimizer.";

/// A generator with its discriminator, and their optimizers: the Worker has one for either kind of step.
pub(super) struct Leakgan {
    generator: GoalLanguageModel,
    training: DiscriminatorTraining,
    likelihood: Optimizer,
    policy: Optimizer,
    manager: Optimizer,
    batches: EpochBatches,
    schedule: Schedule,
    batch_size: usize,
    seed: Seed,
}

impl Leakgan {
    pub(super) fn new(
        corpus: &TextCorpus,
        model: &GeneratorConfig,
        config: LeakganConfig,
        train: &TextTrainConfig,
        dtype: DType,
    ) -> Result<Self, TrainError> {
        let discriminator = config.discriminator();
        discriminator.check_fits(corpus.steps)?;
        if config.goal_duration > corpus.steps {
            return Err(TrainError::from(OutOfRange {
                key: "adversary.goal_duration",
                found: config.goal_duration.to_string(),
                expected: format!(
                    "at most the {} tokens of the longest text, its end included",
                    corpus.steps
                ),
            }));
        }
        let (seed, batch_size) = (train.seed, train.batch_size);
        let tokens = (corpus.vocabulary, corpus.start, corpus.end);
        let sizes = config.goals();
        let generator = goal_generator(model, sizes, &discriminator, tokens, seed, dtype)?;
        let lr = config.discriminator_lr;
        let training = DiscriminatorTraining::new(generator.classifier(), lr, batch_size, seed)?
            .plain(config.round_texts, config.alpha);
        let adam = |parameters, lr| Optimizer::adam(parameters, lr, [0.9, 0.999]);
        let batches = EpochBatches::new(batch_size, seed);
        Ok(Self {
            training,
            likelihood: adam(generator.worker(), train.lr)?,
            policy: adam(generator.worker(), config.lr)?,
            manager: adam(generator.manager(), config.lr)?,
            generator,
            schedule: Schedule {
                pretraining_steps: train.epochs.saturating_mul(batches.per_epoch(corpus)),
                config,
            },
            batches,
            batch_size,
            seed,
        })
    }

    /// Maximum likelihood of a batch for the Worker; the Manager learns to say where real sequences go.
    fn likelihood_step(
        &mut self,
        corpus: &TextCorpus,
        number: u64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let padded = self.batches.batch(corpus, number);
        let pass = self.generator.record(padded.batch()?)?;
        let goals = self.goal_shares(&padded);
        let not_finite = self
            .manager
            .descend(1.0, None, |visit| pass.manager_gradients(&goals, visit))?;
        finite("Manager's", number, not_finite)?;
        let (shares, mut nll) = (padded.shares(), Vec::new());
        let not_finite = self.likelihood.descend(1.0, None, |visit| {
            nll = pass.worker_gradients(&shares, 1.0, visit)?;
            Ok(())
        })?;
        finite("Worker's", number, not_finite)?;
        Ok(vec![
            ("nll", padded.mean(&nll)),
            ("goal_cosine", dot(&pass.directions()?, &goals)),
        ])
    }

    /// Step `number` among the adversarial ones: draws a batch; the Manager's goals are rewarded by what the
    /// discriminator expects after them, the Worker's tokens by how well they follow the goals.
    fn adversarial_step(
        &mut self,
        corpus: &TextCorpus,
        number: u64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let (n, seed, alpha) = (self.batch_size, self.seed, self.schedule.config.alpha);
        let first = number * n as u64;
        let request = Generation {
            alpha,
            ..corpus.request(n)
        };
        let drawn = self.generator.generate(&request, &|k| {
            seed.rng(Purpose::PolicySample, first + k as u64)
        })?;
        let drawn = Padded::drawn(corpus, drawn);
        let mut expected = self.expectations(corpus, &drawn, number)?;
        let columns = expected.len() / n;
        let whole = expected.iter().skip(columns - 1).step_by(columns);
        let reward = whole.sum::<f64>() / n as f64;
        rescaling::rescale(&mut expected, columns, self.schedule.config.rescaling);

        let pass = self.generator.record(drawn.batch()?)?;
        let goals = self.goal_shares(&drawn);
        let weights = product(&expected, &goals);
        let not_finite = self.manager.descend(1.0, Some(CLIP), |visit| {
            pass.manager_gradients(&weights, visit)
        })?;
        finite("Manager's", number, not_finite)?;
        let (intrinsic, shares) = (pass.intrinsic_rewards()?, drawn.shares());
        let weights = product(&intrinsic, &shares);
        let mut nll = Vec::new();
        let not_finite = self.policy.descend(1.0, Some(CLIP), |visit| {
            nll = pass.worker_gradients(&weights, alpha, visit)?;
            Ok(())
        })?;
        finite("Worker's", number, not_finite)?;
        Ok(vec![
            ("generator_loss", dot(&nll, &weights)),
            ("reward", reward),
            ("intrinsic_reward", dot(&intrinsic, &shares)),
            ("goal_cosine", dot(&pass.directions()?, &goals)),
        ])
    }

    /// Q of each goal that lasts within its sequence, `[n, steps + 1 − c]`.
    fn expectations(
        &self,
        corpus: &TextCorpus,
        drawn: &Padded,
        number: u64,
    ) -> candle_core::Result<Vec<f64>> {
        let config = &self.schedule.config;
        let (batch, duration) = (drawn.batch()?, config.goal_duration);
        let columns = corpus.steps + 1 - duration;
        let rollouts = Rollouts {
            generator: &self.generator,
            discriminator: self.generator.classifier(),
            corpus,
            copies: config.rollouts,
            alpha: config.alpha,
        };
        let mut all = vec![0.0; batch.len() * columns];
        for column in 0..columns {
            let count = (batch.len() * config.rollouts) as u64;
            let first = (number * columns as u64 + column as u64) * count;
            let values = rollouts.values(batch, duration + column, &|k| {
                self.seed.rng(Purpose::LeakganRollout, first + k as u64)
            })?;
            let places = all.iter_mut().skip(column).step_by(columns);
            places.zip(values).for_each(|(to, value)| *to = value);
        }
        Ok(all)
    }

    /// The share of each goal in a mean over those whose c tokens all count, `[n, steps + 1 − c]`.
    fn goal_shares(&self, padded: &Padded) -> Vec<f64> {
        let duration = self.schedule.config.goal_duration;
        let sequences = padded.weights().chunks(padded.steps());
        let last = sequences.flat_map(|weights| weights[duration - 1..].iter().copied());
        let last: Vec<f64> = last.collect();
        let count = last.iter().sum::<f64>().max(1.0);
        last.into_iter().map(|weight| weight / count).collect()
    }
}

impl Method for Leakgan {
    fn generator(&self) -> &dyn TextGenerator {
        &self.generator
    }

    fn advance(
        &mut self,
        corpus: &TextCorpus,
        state: &mut TextState,
    ) -> Result<Option<TextPart>, TrainError> {
        let Some(next) = self.schedule.next(*state) else {
            return Ok(None);
        };
        Ok(Some(match next {
            Next::Round => {
                let (generator, round) = (&self.generator, state.rounds);
                let (classifier, epochs) = (
                    generator.classifier(),
                    self.schedule.config.discriminator_epochs,
                );
                let done = self
                    .training
                    .round(classifier, generator, corpus, epochs, round)?;
                state.round_done(self.training.optimizer.steps(), done.figures())
            }
            Next::Likelihood(number) => {
                let figures = self.likelihood_step(corpus, number)?;
                state.step_done(PartKind::Likelihood, figures)
            }
            Next::Adversarial(number) => {
                let figures = self.adversarial_step(corpus, number)?;
                state.step_done(PartKind::Adversarial, figures)
            }
        }))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        TextGenerator::save(&self.generator, weights)?;
        let training = &self.training.optimizer;
        training.save(DISCRIMINATOR_OPTIMIZER, weights)?;
        self.likelihood.save(LIKELIHOOD_OPTIMIZER, weights)?;
        self.policy.save(POLICY_OPTIMIZER, weights)?;
        self.manager.save(MANAGER_OPTIMIZER, weights)
    }

    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError> {
        goals::load(&self.generator, weights, origin)?;
        let (adversarial, likelihood) = self.schedule.done(state.step);
        let optimizers = [
            (
                &mut self.training.optimizer,
                DISCRIMINATOR_OPTIMIZER,
                state.discriminator_updates,
            ),
            (&mut self.likelihood, LIKELIHOOD_OPTIMIZER, likelihood),
            (&mut self.policy, POLICY_OPTIMIZER, adversarial),
            (&mut self.manager, MANAGER_OPTIMIZER, state.step),
        ];
        for (optimizer, prefix, steps) in optimizers {
            optimizer.restore(prefix, weights, steps, origin)?;
        }
        Ok(())
    }
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
