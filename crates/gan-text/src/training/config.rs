//! The settings of a text generator's training.

use super::{LeakganConfig, RelganConfig, ScratchConfig, SeqganConfig};
use crate::models::MOST_OF_A_SIZE;
use gan_core::{OutOfRange, Range, Seed, check_ranges};
use serde::{Deserialize, Serialize};

/// What all ways to train share, and maximum likelihood, which most begin with. The defaults are SeqGAN's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextTrainConfig {
    /// Determines every random number of the run.
    pub seed: Seed,
    /// Sequences of a generator's step; of a discriminator's update as many real and as many generated.
    pub batch_size: usize,
    /// Passes over the training texts by maximum likelihood.
    pub epochs: u64,
    /// The learning rate of maximum likelihood.
    pub lr: f64,
    /// The generator's steps after which the run ends, in whatever phase; none if all phases are done.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub steps: Option<u64>,
}

/// What follows maximum likelihood, or stands in its place. Each method has keys of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum AdversaryConfig {
    /// Nothing.
    None(NoAdversary),
    /// A discriminator's probabilities as rewards (Yu et al., 2017).
    Seqgan(SeqganConfig),
    /// Goals in the feature space of a discriminator (Guo et al., 2017).
    Leakgan(LeakganConfig),
    /// A relativistic discriminator's gradient through soft tokens (Nie et al., 2019).
    Relgan(RelganConfig),
    /// A relativistic discriminator's logits of all tokens after each prefix, without maximum likelihood before
    /// (after de Masson d'Autume et al., 2019).
    Scratch(ScratchConfig),
}

/// No adversary has no keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoAdversary {}

impl Default for AdversaryConfig {
    fn default() -> Self {
        Self::None(NoAdversary {})
    }
}

impl Default for TextTrainConfig {
    fn default() -> Self {
        Self {
            seed: Seed(0),
            batch_size: 64,
            epochs: 120,
            lr: 0.01,
            steps: None,
        }
    }
}

impl TextTrainConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let such_as = "0.01";
        check_ranges(&[
            (
                "train.batch_size",
                self.batch_size.into(),
                Range::OneTo(MOST_OF_A_SIZE),
            ),
            ("train.lr", self.lr.into(), Range::Positive { such_as }),
            ("train.steps", self.steps.into(), Range::AtLeastOne),
        ])
    }
}

impl AdversaryConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::None(_) => Ok(()),
            Self::Seqgan(config) => config.validate(),
            Self::Leakgan(config) => config.validate(),
            Self::Relgan(config) => config.validate(),
            Self::Scratch(config) => config.validate(),
        }
    }

    /// The method's name, as it is in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None(_) => "none",
            Self::Seqgan(_) => "seqgan",
            Self::Leakgan(_) => "leakgan",
            Self::Relgan(_) => "relgan",
            Self::Scratch(_) => "scratch",
        }
    }

    /// The generator's steps after maximum likelihood.
    pub fn steps(&self) -> u64 {
        match self {
            Self::None(_) => 0,
            Self::Seqgan(config) => config.steps,
            Self::Relgan(config) => config.steps,
            Self::Leakgan(config) => config.steps,
            Self::Scratch(config) => config.steps,
        }
    }
}
