//! The numbers of a training run, and their ranges.

use crate::{Minimax, NonSaturating};
use gan_core::{AdversarialLoss, Seed};
use serde::{Deserialize, Serialize};

/// The adversarial losses, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// −ln D(G(z)) for the generator.
    #[default]
    NonSaturating,
    /// ln(1 − D(G(z))) for the generator.
    Minimax,
}

impl LossKind {
    /// The loss of that name.
    pub fn build(self) -> Box<dyn AdversarialLoss> {
        match self {
            Self::NonSaturating => Box::new(NonSaturating),
            Self::Minimax => Box::new(Minimax),
        }
    }
}

/// Which player moves first in a step. Both see the images made at its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// As the tutorial's code: the discriminator learns from images of a generator that has moved since.
    #[default]
    GeneratorFirst,
    /// As Algorithm 1 of the 2014 paper: the generator learns from a discriminator that has just moved.
    DiscriminatorFirst,
}

/// The recipe of a run. The defaults are the tutorial's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the data set; at least 1.
    pub epochs: u64,
    /// Stop after this many steps, if that is before the last epoch's end; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Images a step; at least 1, and at least 2 where the generator has batch normalization.
    pub batch_size: usize,
    /// Adam's learning rate for both players; positive.
    pub lr: f64,
    /// Adam's decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// Adam's decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// The adversarial loss.
    pub loss: LossKind,
    /// Which player moves first.
    pub update_order: UpdateOrder,
    /// Where every random number comes from.
    pub seed: Seed,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 200,
            steps: None,
            batch_size: 128,
            lr: 2e-4,
            beta1: 0.5,
            beta2: 0.999,
            loss: LossKind::default(),
            update_order: UpdateOrder::default(),
            seed: Seed(0),
        }
    }
}

/// A value out of its range.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("train.{key} is {found}, expected {expected}")]
pub struct ConfigError {
    /// The configuration key.
    pub key: &'static str,
    /// Its value.
    pub found: String,
    /// Its range.
    pub expected: &'static str,
}

impl TrainConfig {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// Names the first key that is not, its value and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |ok: bool, key, found: String, expected| {
            let error = ConfigError {
                key,
                found,
                expected,
            };
            if ok { Ok(()) } else { Err(error) }
        };
        let at_least_one = "a whole number of at least 1";
        check(
            self.epochs >= 1,
            "epochs",
            self.epochs.to_string(),
            at_least_one,
        )?;
        let steps = self.steps.unwrap_or(1);
        check(steps >= 1, "steps", steps.to_string(), at_least_one)?;
        let batch_size = self.batch_size;
        check(
            batch_size >= 1,
            "batch_size",
            batch_size.to_string(),
            at_least_one,
        )?;
        let positive = self.lr > 0.0 && self.lr.is_finite();
        check(
            positive,
            "lr",
            self.lr.to_string(),
            "a positive number, as 0.0002",
        )?;
        for (key, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            let within = (0.0..1.0).contains(&beta);
            check(within, key, beta.to_string(), "a number from 0 to below 1")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        type Spoil = fn(&mut TrainConfig);
        let cases: [(&str, Spoil); 9] = [
            ("epochs", |c| c.epochs = 0),
            ("steps", |c| c.steps = Some(0)),
            ("batch_size", |c| c.batch_size = 0),
            ("lr", |c| c.lr = -1e-3),
            ("lr", |c| c.lr = 0.0),
            ("lr", |c| c.lr = f64::NAN),
            ("lr", |c| c.lr = f64::INFINITY),
            ("beta1", |c| c.beta1 = 1.0),
            ("beta2", |c| c.beta2 = -0.1),
        ];
        assert_eq!(TrainConfig::default().validate(), Ok(()));
        for (key, spoil) in cases {
            let mut config = TrainConfig::default();
            spoil(&mut config);
            assert_eq!(config.validate().map_err(|e| e.key), Err(key));
        }
    }
}
