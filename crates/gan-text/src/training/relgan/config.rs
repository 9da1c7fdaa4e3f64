//! RelGAN's schedule and sizes.

use crate::{DiscriminatorConfig, RelganDiscriminatorConfig};
use gan_core::exact::{exp, ln};
use gan_core::{OutOfRange, Range, check_ranges};
use serde::{Deserialize, Serialize};

/// RelGAN (Nie et al., 2019). The defaults are its program's for real text, with less of what takes long: there, 5
/// updates of the discriminator before each of 3,000 steps, 64 representations and four widths of 300 filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelganConfig {
    /// Steps of the generator.
    pub steps: u64,
    /// Their learning rate.
    pub lr: f64,
    /// The discriminator's updates before each step.
    pub discriminator_steps: u64,
    /// Their learning rate.
    pub discriminator_lr: f64,
    /// The inverse temperature of the Gumbel-softmax at the end: it grows from 1 as `beta_max` to the share of the
    /// steps that are done. The larger, the nearer generated texts are to tokens, and the steeper their gradients.
    pub beta_max: f64,
    /// The share of the discriminator's features that a pass drops.
    pub dropout: f64,
    /// Numbers that stand for a token in the discriminator.
    pub embedding: usize,
    /// Representations, which share these numbers equally.
    pub representations: usize,
    /// The tokens that each of its convolutions sees at once.
    pub widths: Vec<usize>,
    /// The filters of each convolution.
    pub filters: Vec<usize>,
    /// Outputs of its layer before the last.
    pub hidden: usize,
}

impl Default for RelganConfig {
    fn default() -> Self {
        let RelganDiscriminatorConfig {
            convolutions,
            representations,
            hidden,
        } = RelganDiscriminatorConfig::default();
        Self {
            steps: 1500,
            lr: 1e-4,
            discriminator_steps: 1,
            discriminator_lr: 1e-4,
            beta_max: 100.0,
            dropout: 0.25,
            embedding: convolutions.embedding,
            representations,
            widths: convolutions.widths,
            filters: convolutions.filters,
            hidden,
        }
    }
}

impl RelganConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let positive = |such_as| Range::Positive { such_as };
        check_ranges(&[
            ("adversary.lr", self.lr.into(), positive("0.0001")),
            (
                "adversary.discriminator_lr",
                self.discriminator_lr.into(),
                positive("0.0001"),
            ),
            (
                "adversary.discriminator_steps",
                self.discriminator_steps.into(),
                Range::OneTo(1000),
            ),
            ("adversary.beta_max", self.beta_max.into(), positive("100")),
            (
                "adversary.dropout",
                self.dropout.into(),
                Range::ZeroToBelowOne,
            ),
        ])?;
        self.discriminator().validate()
    }

    /// The discriminator's sizes.
    pub fn discriminator(&self) -> RelganDiscriminatorConfig {
        RelganDiscriminatorConfig {
            convolutions: DiscriminatorConfig {
                embedding: self.embedding,
                widths: self.widths.clone(),
                filters: self.filters.clone(),
            },
            representations: self.representations,
            hidden: self.hidden,
        }
    }

    /// The inverse temperature of the step of this number, from 0.
    pub(super) fn beta(&self, step: u64) -> f64 {
        exp(ln(self.beta_max) * step as f64 / self.steps as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_grows_by_the_same_factor_each_step() {
        let config = RelganConfig {
            steps: 4,
            beta_max: 16.0,
            ..RelganConfig::default()
        };
        for (step, expected) in [1.0, 2.0, 4.0, 8.0, 16.0].into_iter().enumerate() {
            assert!((config.beta(step as u64) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn values_out_of_range_are_named_by_their_key() {
        let said = |config: RelganConfig| config.validate().unwrap_err().to_string();
        let default = RelganConfig::default;
        default().validate().unwrap();
        let beta_max = 0.0;
        let none = RelganConfig {
            beta_max,
            ..default()
        };
        assert!(said(none).contains("adversary.beta_max is 0"));
        let representations = 5;
        let parts = RelganConfig {
            representations,
            ..default()
        };
        assert!(said(parts).contains("adversary.representations is 5"));
    }
}
