//! Why images cannot be scored.

use gan_core::{ErrorClass, OutOfRange, WeightsError};
use gan_data::DataError;
use gan_metrics::{EmbeddingError, EquilibriumError, FeatureNetworkError, MetricError};
use gan_models::GeneratorFileError;
use gan_sample::SampleError;
use gan_text::TextError;
use gan_text_metrics::TextMetricError;
use std::io;
use std::path::{Path, PathBuf};

/// Why images cannot be scored, or an evaluation not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The images, or what is said about them, cannot be used.
    #[error("{path}: {found}, expected {expected}")]
    Subject {
        /// The images.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected, and what to do.
        expected: String,
    },
    /// The data set is not the one that the generator was trained on.
    #[error(
        "{found}; restore them, leave out `data.image_size`, `data.channels` and `data.held_out`, which the \
         run sets, or give `data.path` to score against other images. (A run of version 0.1.0 held nothing \
         out: `data.held_out = 0`.)"
    )]
    OtherData {
        /// Both SHA-256.
        found: String,
    },
    /// The feature network does not belong to the data set.
    #[error("{path}: {found}; {advice}")]
    Features {
        /// Its file.
        path: PathBuf,
        /// What was found and expected.
        found: String,
        /// What to do.
        advice: String,
    },
    /// None of the scores can be computed.
    #[error("{path}: none of the scores can be computed. {reasons}")]
    NoScore {
        /// The images.
        path: PathBuf,
        /// Why, for each of them.
        reasons: String,
    },
    /// A file is not an evaluation of this version.
    #[error("{path}: {found}, expected {expected}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected, and what to do.
        expected: String,
    },
    /// Two evaluations differ in more than their images.
    #[error(
        "{first} and {second} cannot be compared: {what} is {a} and {b}, expected the same; evaluate both \
         with the same data, `protocol.features` and `protocol.count`"
    )]
    NotComparable {
        /// One evaluation's name.
        first: String,
        /// The other's.
        second: String,
        /// What differs.
        what: &'static str,
        /// What it is in the first.
        a: String,
        /// What it is in the second.
        b: String,
    },
    /// A file could not be written.
    #[error("{path}: cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The report could not be drawn.
    #[error("the scores are in {scores}, without a report")]
    Report {
        /// The evaluation's file.
        scores: PathBuf,
        /// Why.
        source: Box<EvalError>,
    },
    /// An option of reading images is out of its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The data set cannot be read or used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images cannot be scored.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A file's texts cannot be read.
    #[error(transparent)]
    Read(Box<TextError>),
    /// Texts cannot be scored.
    #[error(transparent)]
    Text(#[from] TextMetricError),
    /// The feature network cannot be used.
    #[error(transparent)]
    FeatureNetwork(#[from] FeatureNetworkError),
    /// The generator cannot be used.
    #[error(transparent)]
    Generator(#[from] GeneratorFileError),
    /// The images cannot be drawn.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A file of tensors cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file's text could not be made.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] gan_core::candle_core::Error),
}

impl From<TextError> for EvalError {
    fn from(error: TextError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<EmbeddingError> for EvalError {
    fn from(error: EmbeddingError) -> Self {
        match error {
            EmbeddingError::Network(error) => error.into(),
            EmbeddingError::Metric(error) => error.into(),
            EmbeddingError::Tensor(error) => error.into(),
        }
    }
}

impl From<EquilibriumError> for EvalError {
    fn from(error: EquilibriumError) -> Self {
        match error {
            EquilibriumError::Metric(error) => error.into(),
            EquilibriumError::Tensor(error) => error.into(),
        }
    }
}

impl EvalError {
    /// Whether the images, the data or the request are at fault, or the work.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Metric(error) => error.class(),
            Self::FeatureNetwork(error) => error.class(),
            Self::Generator(error) => error.class(),
            Self::Sample(error) => error.class(),
            Self::Weights(error) => error.class(),
            Self::Report { source, .. } => source.class(),
            Self::Write { .. } | Self::Json(_) | Self::Tensor(_) => ErrorClass::Failed,
            _ => ErrorClass::WrongUse,
        }
    }

    /// The error that an evaluation was written, but not its report.
    pub fn without_report(scores: &Path, error: Self) -> Self {
        Self::Report {
            scores: scores.to_path_buf(),
            source: Box::new(error),
        }
    }

    pub(crate) fn subject(path: &Path, found: impl Into<String>, expected: &str) -> Self {
        Self::Subject {
            path: path.to_path_buf(),
            found: found.into(),
            expected: expected.to_string(),
        }
    }
}
