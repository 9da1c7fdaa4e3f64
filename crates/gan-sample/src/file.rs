//! Writes files whole or not at all, with errors that name them.

use crate::SampleError;
use image::ImageError;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

/// Why the contents of a file could not be made; [`write_file`] adds the file's name once.
pub(crate) enum WriteFailure {
    Io(io::Error),
    Encode(ImageError),
    Sample(SampleError),
}

impl From<io::Error> for WriteFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ImageError> for WriteFailure {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::IoError(error) => Self::Io(error),
            other => Self::Encode(other),
        }
    }
}

impl From<SampleError> for WriteFailure {
    fn from(error: SampleError) -> Self {
        Self::Sample(error)
    }
}

/// [`gan_core::write_atomically`], with the path in every error.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), WriteFailure>,
) -> Result<(), SampleError> {
    gan_core::write_atomically(path, write).map_err(|failure| match failure {
        WriteFailure::Io(source) => SampleError::write(path, source),
        WriteFailure::Encode(source) => SampleError::Encode {
            path: path.to_path_buf(),
            source,
        },
        WriteFailure::Sample(error) => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_file_system_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plain-file");
        std::fs::write(&file, b"").unwrap();
        let path = file.join("below-a-file.png");
        let error = write_file(&path, |_| Ok(())).unwrap_err();
        assert!(matches!(error, SampleError::Write { .. }), "{error}");
        assert!(error.to_string().contains("below-a-file.png"), "{error}");
    }
}
