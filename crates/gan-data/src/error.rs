//! Why a data set could not be read or used.

use crate::shown::shown;
use std::fmt::{self, Write};
use std::io;
use std::path::{Path, PathBuf};

/// Why a data set could not be read or used; each names the place, what was found, what was
/// expected and what to do. Control characters in names are escaped.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be opened or read, or does not exist.
    #[error("{}: {source}; {advice}", shown(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
        /// What to do.
        advice: String,
    },
    /// A folder does not hold what was expected.
    #[error("{}: {found}, expected {expected}; {advice}", shown(path))]
    Folder {
        /// The folder, or what is in its place.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// The contents of a file are not valid: an IDX file, one of CIFAR-10's files, a classes.txt or a
    /// MANIFEST.toml.
    #[error("{}: {found}, expected {expected}; {advice}", shown(path))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is in it.
        found: String,
        /// What should be in it.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// A file differs from the one that MANIFEST.toml lists under its name.
    #[error(
        "{}: {found}, expected {expected} (MANIFEST.toml); {advice}",
        shown(path)
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its size or SHA-256.
        found: String,
        /// The listed size or SHA-256.
        expected: String,
        /// What to do.
        advice: String,
    },
    /// Two images of a folder differ in size, and no common size was requested.
    #[error(
        "{}: {found} pixels (width x height), expected {expected} as in {}; \
         choose `data.image_size` N to resize all images to N x N",
        shown(path),
        shown(first_path)
    )]
    ImageSizes {
        /// The first image that differs.
        path: PathBuf,
        /// Its size, such as `64x48`.
        found: String,
        /// The size of the folder's first image.
        expected: String,
        /// The folder's first image.
        first_path: PathBuf,
    },
    /// Images of a folder are damaged or cannot be read. None is skipped silently.
    #[error(
        "{}: {unreadable} of {total} images cannot be read; repair or remove them{}",
        shown(folder), Listed { images: examples, of: *unreadable }
    )]
    UnreadableImages {
        /// The data set's folder.
        folder: PathBuf,
        /// How many of its images cannot be read.
        unreadable: usize,
        /// How many images it holds.
        total: usize,
        /// The first ten, in the order of the data set.
        examples: Vec<UnreadableImage>,
    },
    /// Parts of a data set do not fit together, or an option is out of its range.
    #[error("{origin}: {found}, expected {expected}")]
    Mismatch {
        /// The data set or the option.
        origin: String,
        /// What was given.
        found: String,
        /// What would fit.
        expected: String,
    },
    /// A batch size that does not fit the data set.
    #[error(
        "batch size {batch_size} does not fit the {images} images of {origin}; \
         choose a `train.batch_size` from 1 to {images}"
    )]
    BatchSize {
        /// The requested batch size.
        batch_size: usize,
        /// The length of the data set.
        images: usize,
        /// The name of the data set's source.
        origin: String,
    },
    /// A data set of the Hugging Face hub was named, and the feature `hub` is off.
    #[error(
        "hub:{dataset}: this program was built without the feature `hub`, by which it reads data sets of the \
         Hugging Face hub; build it with the feature, or read the set from a folder (`fetch {dataset}`; a folder of \
         that name is ./hub:{dataset})"
    )]
    WithoutHub {
        /// The set's name after `hub:`.
        dataset: &'static str,
    },
    /// A data set of the Hugging Face hub is not in the hub's cache and could not be fetched, or could not be
    /// read.
    #[error(
        "hub:{dataset}: {repository} cannot be read, neither over the network nor from the Hugging Face hub's \
         cache: {source}; check the network, or read the set from a folder (`fetch {dataset}`)"
    )]
    Hub {
        /// The set's name after `hub:`.
        dataset: &'static str,
        /// Its address on the hub.
        repository: &'static str,
        /// What failed.
        source: candle_core::Error,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// An image that could not be read, and why.
#[derive(Debug)]
pub struct UnreadableImage {
    /// The file.
    pub path: PathBuf,
    /// The system's or the decoder's error.
    pub reason: String,
}

impl DataError {
    /// A constructor of [`DataError::Io`] that fits `map_err`.
    pub(crate) fn io(path: &Path, advice: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let (path, advice) = (path.to_path_buf(), advice.into());
        move |source| Self::Io {
            path,
            source,
            advice,
        }
    }
}

struct Listed<'a> {
    images: &'a [UnreadableImage],
    of: usize,
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, image) in self.images.iter().enumerate() {
            f.write_char(if i == 0 { ':' } else { ',' })?;
            write!(f, "\n  {}: {}", shown(&image.path), image.reason)?;
        }
        match self.of.saturating_sub(self.images.len()) {
            0 => Ok(()),
            more => write!(f, ",\n  and {more} more"),
        }
    }
}
