//! Why a text could not be read or used.

use gan_core::{OutOfRange, shown, shown_text};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a text could not be read or used; each names the place, what was found, what was expected and
/// what to do. Control characters are escaped.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A file or folder could not be opened, read or written, or does not exist.
    #[error("{}: {source}; {advice}", shown(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
        /// What to do.
        advice: String,
    },
    /// What is in a file or folder is not valid.
    #[error("{}{}: {found}, expected {expected}; {advice}", shown(path), Place(*line))]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// The line, from 1, where it is one line.
        line: Option<u64>,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// A key of the configuration does not fit the others or the data.
    #[error("`{key}` is {}, expected {expected}", shown_text(found))]
    Setting {
        /// The key, such as `data.field`.
        key: &'static str,
        /// Its value.
        found: String,
        /// What would fit.
        expected: String,
    },
    /// A number of the configuration is out of its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

impl TextError {
    /// A constructor of [`TextError::Io`] that fits `map_err`.
    pub(crate) fn io(path: &Path, advice: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let (path, advice) = (path.to_path_buf(), advice.into());
        move |source| Self::Io {
            path,
            source,
            advice,
        }
    }
}

/// `, line 3`, or nothing.
struct Place(Option<u64>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ", line {line}"))
    }
}

/// What is wrong in a file; whoever knows the path and the line makes an error of it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) advice: String,
}

impl Problem {
    pub(crate) fn new(
        found: impl Into<String>,
        expected: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (found, expected, advice) = (found.into(), expected.into(), advice.into());
        Self {
            found,
            expected,
            advice,
        }
    }

    pub(crate) fn of(self, path: &Path, line: Option<u64>) -> TextError {
        TextError::Content {
            path: path.to_path_buf(),
            line,
            found: self.found,
            expected: self.expected,
            advice: self.advice,
        }
    }
}
