//! The phases of a text generator's training, and their settings.

use super::Reward;
use gan_core::{OutOfRange, Range, Seed, check_ranges};
use serde::{Deserialize, Serialize};

/// Maximum likelihood, then adversarial steps. The defaults are SeqGAN's, with less of what takes long: its
/// discriminator is trained for 50 rounds before and for 5 after each step, and it has 16 rollouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextTrainConfig {
    /// Determines every random number of the run.
    pub seed: Seed,
    /// Sequences of a generator's step; of a discriminator's update as many real and as many generated.
    pub batch_size: usize,
    /// Steps of maximum likelihood.
    pub likelihood_steps: u64,
    /// Their learning rate.
    pub likelihood_lr: f64,
    /// Rounds of the discriminator before the first adversarial step.
    pub discriminator_rounds: u64,
    /// Rounds of the discriminator after each adversarial step.
    pub rounds_per_step: u64,
    /// How often a round passes over its sequences.
    pub discriminator_epochs: u64,
    /// The discriminator's learning rate.
    pub discriminator_lr: f64,
    /// Adversarial steps of the generator.
    pub policy_steps: u64,
    /// Their learning rate.
    pub policy_lr: f64,
    /// Continuations of each prefix, by whose mean a token is rewarded.
    pub rollouts: usize,
    /// What a token is rewarded for.
    pub reward: Reward,
}

impl Default for TextTrainConfig {
    fn default() -> Self {
        Self {
            seed: Seed(0),
            batch_size: 64,
            likelihood_steps: 10_000,
            likelihood_lr: 0.01,
            discriminator_rounds: 5,
            rounds_per_step: 1,
            discriminator_epochs: 3,
            discriminator_lr: 1e-4,
            policy_steps: 100,
            policy_lr: 0.01,
            rollouts: 8,
            reward: Reward::Discriminator,
        }
    }
}

impl TextTrainConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        check_ranges(&[
            (
                "train.batch_size",
                self.batch_size.into(),
                Range::AtLeastOne,
            ),
            (
                "train.likelihood_lr",
                self.likelihood_lr.into(),
                Range::Positive { such_as: "0.01" },
            ),
            (
                "train.discriminator_epochs",
                self.discriminator_epochs.into(),
                Range::AtLeastOne,
            ),
            (
                "train.discriminator_lr",
                self.discriminator_lr.into(),
                Range::Positive { such_as: "0.0001" },
            ),
            (
                "train.policy_lr",
                self.policy_lr.into(),
                Range::Positive { such_as: "0.01" },
            ),
            ("train.rollouts", self.rollouts.into(), Range::AtLeastOne),
        ])
    }

    /// The generator's steps in all phases.
    pub fn steps(&self) -> u64 {
        self.likelihood_steps.saturating_add(self.policy_steps)
    }

    /// The discriminator's rounds that belong before the adversarial step of this number, from 0.
    pub(super) fn rounds_before(&self, policy_step: u64) -> u64 {
        match self.reward {
            Reward::Constant => 0,
            _ => self.discriminator_rounds + policy_step * self.rounds_per_step,
        }
    }
}
