//! What can stop a training run.

use gan_core::{ErrorClass, OutOfRange, WeightsError};

/// Why a run could not start, continue or resume.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The configuration is out of range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A checkpoint could not be read, written or used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file is not a checkpoint of this program, or is one of another format.
    #[error("{origin}: {found}, expected {expected}")]
    Checkpoint {
        /// The file.
        origin: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The prior's and the generator's latent dimensions differ.
    #[error("the prior has {prior} components, the generator expects {generator}")]
    LatentDim {
        /// The prior's latent dimension.
        prior: usize,
        /// The generator's latent dimension.
        generator: usize,
    },
    /// A gradient penalty was requested, but the discriminator cannot be differentiated twice.
    #[error(
        "train.{key} is set, but this discriminator cannot be differentiated twice: a gradient penalty \
         needs one that is piecewise linear, without batch normalization, on the CPU"
    )]
    NoSecondDerivatives {
        /// The configuration key.
        key: &'static str,
    },
    /// Training has diverged.
    #[error(
        "step {step}: the {tensor} is the first tensor that is not finite; training has diverged, try a \
         smaller learning rate"
    )]
    NonFinite {
        /// The step, from 0.
        step: u64,
        /// The tensor, such as `generator's model.0.weight`.
        tensor: String,
    },
    /// Another engine than the CPU failed.
    #[error(transparent)]
    Engine(Box<dyn std::error::Error + Send + Sync>),
    /// An observer failed.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}

impl TrainError {
    /// Whether the configuration or a checkpoint is at fault, or the training.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Tensor(_) | Self::NonFinite { .. } | Self::Engine(_) | Self::Observer(_) => {
                ErrorClass::Failed
            }
            Self::Weights(error) => error.class(),
            _ => ErrorClass::WrongUse,
        }
    }
}
