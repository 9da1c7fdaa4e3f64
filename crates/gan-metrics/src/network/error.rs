//! Errors of feature networks.

use crate::MetricError;
use gan_core::{ErrorClass, ImageShape, WeightsError};
use std::path::PathBuf;

/// Why a feature network could not be trained, loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum FeatureNetworkError {
    /// A classifier needs at least two classes.
    #[error("{found} classes, expected at least 2; a classifier learns from labelled images")]
    Classes {
        /// How many there are.
        found: usize,
    },
    /// A training batch without labels.
    #[error(
        "a batch has no labels, expected one per image; a classifier learns from labelled images"
    )]
    NoLabels,
    /// The loss is not finite.
    #[error(
        "the classifier's loss is {loss} at step {step}, expected a finite number; are all pixels finite?"
    )]
    NonFinite {
        /// The step, from 0.
        step: u64,
        /// NaN or infinity.
        loss: f64,
    },
    /// Images of another shape than the network takes.
    #[error(
        "images of shape {found:?}, expected [n, c, h, w] with {expected} of the feature network; use one that was trained on such images"
    )]
    Images {
        /// Their shape.
        found: Vec<usize>,
        /// The network's.
        expected: ImageShape,
    },
    /// The file could not be read or written, or its tensors do not fit its header.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file's header is missing or cannot be used.
    #[error("{path}: {found}, expected a feature network that `train_classifier` wrote")]
    Header {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The activations cannot be whitened.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl FeatureNetworkError {
    /// Whether the images or the file are at fault, or the computation.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Tensor(_) | Self::NonFinite { .. } => ErrorClass::Failed,
            Self::Weights(error) => error.class(),
            Self::Metric(error) => error.class(),
            _ => ErrorClass::WrongUse,
        }
    }
}
