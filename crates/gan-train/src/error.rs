//! What can stop a training run.

use crate::ConfigError;
use gan_core::WeightsError;

/// Why a run could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A checkpoint could not be read, written or used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file is no checkpoint of this program, or one of a later format.
    #[error("{origin}: {found}, expected {expected}")]
    Checkpoint {
        /// The file.
        origin: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// The prior and the generator disagree.
    #[error("the prior draws {prior} components, the generator takes {generator}")]
    LatentDim {
        /// The prior's width.
        prior: usize,
        /// The generator's width.
        generator: usize,
    },
    /// A gradient penalty was asked for where it cannot be had.
    #[error(
        "train.{key} is set, but this discriminator's gradients cannot be differentiated again: \
         a gradient penalty needs one that is piecewise linear, without batch normalization or \
         dropout, on the CPU"
    )]
    NoSecondDerivatives {
        /// The configuration key.
        key: &'static str,
    },
    /// Training has diverged.
    #[error(
        "step {step}: the {tensor} is not finite, the first tensor to be so; training has diverged, \
         try a smaller learning rate"
    )]
    NonFinite {
        /// The step, from 0.
        step: u64,
        /// Which tensor, as `generator's model.0.weight`.
        tensor: String,
    },
    /// An observer failed.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}
