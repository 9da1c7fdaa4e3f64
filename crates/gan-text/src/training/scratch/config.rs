//! The settings of a GAN from scratch.

use crate::GeneratorConfig;
use crate::models::MOST_OF_A_SIZE;
use gan_core::{OutOfRange, Range, check_ranges};
use serde::{Deserialize, Serialize};

/// A GAN of short texts that needs no maximum likelihood. The defaults are for names, letter by letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScratchConfig {
    /// Steps, each an update of both players.
    pub steps: u64,
    /// The generator's learning rate at the first step. Both rates fall evenly to a twentieth.
    pub lr: f64,
    /// The discriminator's.
    pub discriminator_lr: f64,
    /// Numbers that stand for a token in the discriminator.
    pub embedding: usize,
    /// The discriminator's LSTM cells.
    pub hidden: usize,
    /// The steps after which the averaged generator, which draws, has forgotten half.
    pub average_half_life: f64,
}

impl Default for ScratchConfig {
    fn default() -> Self {
        Self {
            steps: 3000,
            lr: 0.01,
            discriminator_lr: 0.01,
            embedding: 32,
            hidden: 64,
            average_half_life: 60.0,
        }
    }
}

impl ScratchConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let positive = |such_as| Range::Positive { such_as };
        check_ranges(&[
            ("adversary.lr", self.lr.into(), positive("0.01")),
            (
                "adversary.discriminator_lr",
                self.discriminator_lr.into(),
                positive("0.01"),
            ),
            (
                "adversary.embedding",
                self.embedding.into(),
                Range::OneTo(MOST_OF_A_SIZE),
            ),
            (
                "adversary.hidden",
                self.hidden.into(),
                Range::OneTo(MOST_OF_A_SIZE),
            ),
            (
                "adversary.average_half_life",
                self.average_half_life.into(),
                positive("60"),
            ),
        ])
    }

    /// The discriminator's sizes and first weights.
    pub(super) fn discriminator(&self) -> GeneratorConfig {
        GeneratorConfig {
            embedding: self.embedding,
            hidden: self.hidden,
            ..GeneratorConfig::default()
        }
    }

    /// What the learning rates are multiplied by at the step of this number, from 0.
    pub(super) fn lr_factor(&self, step: u64) -> f64 {
        1.0 - 0.95 * step as f64 / self.steps as f64
    }
}
