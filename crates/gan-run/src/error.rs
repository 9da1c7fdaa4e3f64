//! Why a run cannot start, go on or be read.

use crate::changes::Change;
use gan_core::{ErrorClass, OutOfRange, WeightsError};
use gan_data::DataError;
use gan_eval::EvalError;
use gan_metrics::FeatureNetworkError;
use gan_models::{GeneratorFileError, ModelError};
use gan_sample::SampleError;
use gan_text::{TextError, TextGeneratorError};
use gan_train::TrainError;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run cannot start, go on or be read. Words in backticks name keys of the configuration, such as
/// `train.lr`, and arguments of this crate's functions, such as `replace`; a program may put its own names
/// in their place.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another process writes to the run.
    #[error(
        "{}: {holder} is writing to this run; wait for it, stop it or give another folder",
        folder.display()
    )]
    Locked {
        /// The run's folder.
        folder: PathBuf,
        /// Such as `process 4711`.
        holder: String,
    },
    /// A folder is not that of a run.
    #[error("{}: {found}, expected the folder of a run; start one with `train`", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        found: String,
    },
    /// There is a run already.
    #[error(
        "{}: already holds a run ({entry}); give another `out`, or `replace` to replace it",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// A file of the run.
        entry: &'static str,
    },
    /// A folder holds a file that no run wrote.
    #[error(
        "{}: not written by `train`, and `replace` removes nothing else; move it away, or give another \
         `out`",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A run was to be resumed with changes of its results.
    #[error(
        "{}: {}; expected no such changes, here or in config.toml: they change the results of the run. Undo \
         them, or give `allow_change` to resume with them",
        path.display(),
        listed(changes)
    )]
    Changed {
        /// The run's folder.
        path: PathBuf,
        /// What changed.
        changes: Vec<Change>,
    },
    /// The run's folder, or a part of it, was removed or replaced while it was written.
    #[error("{}: {what} while the run was writing to it", path.display())]
    Moved {
        /// The folder or the file.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// All checkpoints of a run are damaged, or those that it needs are missing.
    #[error("{}: {found}", path.display())]
    Checkpoints {
        /// The folder of the checkpoints.
        path: PathBuf,
        /// What was found and expected, and what to do.
        found: String,
    },
    /// A run diverged, and the checkpoint to go back to is missing.
    #[error("the run diverged and cannot roll back: the checkpoint of step {step} is missing")]
    NoWayBack {
        /// The checkpoint's step.
        step: u64,
        /// How it diverged.
        source: Box<TrainError>,
    },
    /// The data set holds points in the plane.
    #[error(
        "{}: a data set of points, expected one of images for {asker}; a run's samples/ show how its \
         points lie",
        path.display()
    )]
    Points {
        /// The data set.
        path: PathBuf,
        /// Who needs images.
        asker: String,
    },
    /// A configuration, a name or a place cannot be used as it is.
    #[error("{0}")]
    Refused(String),
    /// A file or folder cannot be used.
    #[error("{text}")]
    Unusable {
        /// The place, and what to do.
        text: String,
        /// The system's error.
        source: io::Error,
    },
    /// A file or folder of the run cannot be read, written or removed.
    #[error("{}: cannot be {what}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Such as `written`.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A run failed; what was saved before is there.
    #[error(
        "{}: {}",
        path.display(),
        match (in_place, saved) {
            (false, _) => "the run cannot continue".to_string(),
            (true, 0) => "there was no checkpoint yet".to_string(),
            (true, step) => format!("the checkpoint of step {step} is saved"),
        }
    )]
    Failed {
        /// The run's folder.
        path: PathBuf,
        /// The step of the newest checkpoint; 0: none.
        saved: u64,
        /// Whether the run's folder is still where it was.
        in_place: bool,
        /// Why.
        source: Box<RunError>,
    },
    /// A value of the configuration is out of its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The data set cannot be read or used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The networks cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The scores cannot be computed.
    #[error(transparent)]
    Eval(Box<EvalError>),
    /// The images cannot be drawn or written.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A generator's file cannot be used.
    #[error(transparent)]
    Generator(#[from] GeneratorFileError),
    /// A feature network's file cannot be used.
    #[error(transparent)]
    FeatureNetwork(#[from] FeatureNetworkError),
    /// A file of tensors cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A text cannot be read or used.
    #[error(transparent)]
    Text(Box<TextError>),
    /// The file of a text generator cannot be used.
    #[error(transparent)]
    TextGenerator(#[from] TextGeneratorError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A text could not be made.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl From<TextError> for RunError {
    fn from(error: TextError) -> Self {
        Self::Text(Box::new(error))
    }
}

impl From<EvalError> for RunError {
    fn from(error: EvalError) -> Self {
        Self::Eval(Box::new(error))
    }
}

impl RunError {
    /// Whether what was given is at fault, or the work.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Train(error) => error.class(),
            Self::Eval(error) => error.class(),
            Self::Sample(error) => error.class(),
            Self::Generator(error) => error.class(),
            Self::FeatureNetwork(error) => error.class(),
            Self::Weights(error) => error.class(),
            Self::TextGenerator(error) => error.class(),
            Self::Failed { source, .. } => source.class(),
            Self::NoWayBack { .. }
            | Self::Moved { .. }
            | Self::Io { .. }
            | Self::Tensor(_)
            | Self::Json(_) => ErrorClass::Failed,
            _ => ErrorClass::WrongUse,
        }
    }

    /// Whether the run that failed has a checkpoint to go on from.
    pub fn is_resumable(&self) -> bool {
        matches!(
            self,
            Self::Failed {
                in_place: true,
                saved: 1..,
                ..
            }
        )
    }

    /// A constructor of [`RunError::Io`] that fits `map_err`.
    pub(crate) fn io(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, what, source }
    }

    /// A constructor of [`RunError::Unusable`] that fits `map_err`.
    pub(crate) fn unusable(text: String) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Unusable { text, source }
    }

    /// [`RunError::Refused`] with a place.
    pub(crate) fn refused(path: &Path, text: impl Display) -> Self {
        Self::Refused(format!("{}: {text}", path.display()))
    }
}

fn listed(changes: &[Change]) -> String {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    changes.join("; ")
}
