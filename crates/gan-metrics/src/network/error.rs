//! Why a feature network cannot be had or used.

use crate::MetricError;
use gan_core::{ImageShape, WeightsError};
use std::path::PathBuf;

/// What goes wrong between a network's file and its features.
#[derive(Debug, thiserror::Error)]
pub enum FeatureNetworkError {
    /// A classifier needs something to tell apart.
    #[error("{found} classes, expected at least 2; a classifier learns from labelled images")]
    Classes {
        /// How many there are.
        found: usize,
    },
    /// A batch to learn from without labels.
    #[error(
        "a batch has no labels, expected one an image; a classifier learns from labelled images"
    )]
    NoLabels,
    /// The loss left the numbers.
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
        "images of shape {found:?}, expected [n, c, h, w] with {expected} as the feature network takes; use one that was trained on such images"
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
    /// The file says nothing that can be used about what it holds.
    #[error("{path}: {found}, expected a feature network that gan-cli train-classifier wrote")]
    Header {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// The activations are not what whitening needs.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
