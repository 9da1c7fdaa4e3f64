//! SeqGAN's schedule and sizes.

use super::Reward;
use crate::DiscriminatorConfig;
use crate::training::rollouts::MOST_ROLLOUTS;
use gan_core::{OutOfRange, Range, check_ranges};
use serde::{Deserialize, Serialize};

/// SeqGAN (Yu et al., 2017, arXiv 1609.05473). The defaults are its program's, with less of what takes long: there, the
/// discriminator is trained for 50 rounds before and for 5 after each step, on twelve widths with 1,720 filters, and a
/// token has 16 rollouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeqganConfig {
    /// Steps of the generator.
    pub steps: u64,
    /// Their learning rate.
    pub lr: f64,
    /// Continuations of each prefix, by whose mean a token is rewarded.
    pub rollouts: usize,
    /// What a token is rewarded for.
    pub reward: Reward,
    /// The discriminator's rounds before the first step. A round is fresh generated texts, as many as there are real ones.
    pub discriminator_rounds: u64,
    /// Its rounds after each step.
    pub rounds_per_step: u64,
    /// How often a round passes over its texts.
    pub discriminator_epochs: u64,
    /// The discriminator's learning rate.
    pub discriminator_lr: f64,
    /// Numbers that stand for a token in the discriminator.
    pub embedding: usize,
    /// The tokens that each of its convolutions sees at once.
    pub widths: Vec<usize>,
    /// The filters of each convolution.
    pub filters: Vec<usize>,
}

impl Default for SeqganConfig {
    fn default() -> Self {
        let DiscriminatorConfig {
            embedding,
            widths,
            filters,
        } = DiscriminatorConfig::default();
        Self {
            steps: 100,
            lr: 0.01,
            rollouts: 8,
            reward: Reward::Discriminator,
            discriminator_rounds: 5,
            rounds_per_step: 1,
            discriminator_epochs: 3,
            discriminator_lr: 1e-4,
            embedding,
            widths,
            filters,
        }
    }
}

impl SeqganConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let positive = |such_as| Range::Positive { such_as };
        check_ranges(&[
            ("adversary.lr", self.lr.into(), positive("0.01")),
            (
                "adversary.rollouts",
                self.rollouts.into(),
                Range::OneTo(MOST_ROLLOUTS),
            ),
            (
                "adversary.discriminator_epochs",
                self.discriminator_epochs.into(),
                Range::AtLeastOne,
            ),
            (
                "adversary.discriminator_lr",
                self.discriminator_lr.into(),
                positive("0.0001"),
            ),
        ])?;
        self.discriminator().validate()
    }

    /// The discriminator's sizes.
    pub fn discriminator(&self) -> DiscriminatorConfig {
        DiscriminatorConfig {
            embedding: self.embedding,
            widths: self.widths.clone(),
            filters: self.filters.clone(),
        }
    }

    /// The discriminator's rounds that belong before the adversarial step of this number, from 0.
    pub(super) fn rounds_before(&self, step: u64) -> u64 {
        match self.reward {
            Reward::Constant => 0,
            _ => self.discriminator_rounds + step * self.rounds_per_step,
        }
    }
}
