//! Writes a folder of numbered PNG files.

use crate::{PixelRange, Raster, SampleError, write_png};
use candle_core::Tensor;
use gan_core::{is_unfinished, write_folder_atomically};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Writes each image into `folder` as `000000.png`, `000001.png` …, and returns how many.
///
/// blocks: tensors `[n, c, h, w]`, c = 1 or 3, as they come from
/// [`Sampler::blocks`](crate::Sampler::blocks). The range is [`PixelRange::Fixed`], so that a
/// pixel depends only on its image.
///
/// The images appear in the folder together once all are written, see
/// [`write_folder_atomically`]. With `replace` they replace the images of an earlier sequence; the folder
/// must not hold anything else, and without `replace` must be empty.
///
/// # Errors
/// Those of the blocks, of [`Raster::from_images`] and of [`write_png`]; [`SampleError::Write`], also
/// when the folder holds files that must not be replaced. Then nothing is written or removed.
pub fn write_png_sequence(
    folder: &Path,
    replace: bool,
    blocks: impl IntoIterator<Item = Result<Tensor, SampleError>>,
) -> Result<u64, SampleError> {
    let mut count = 0;
    let replaced = |path: &Path| replace && is_of_sequence(path);
    write_folder_atomically(folder, replaced, |hidden| {
        for block in blocks {
            for picture in Raster::from_images(&block?, PixelRange::Fixed)? {
                write_png(&hidden.join(format!("{count:06}.png")), &picture)?;
                count += 1;
            }
        }
        Ok(())
    })
    .map_err(|failure| match failure {
        Failure::Io(source) => SampleError::write(folder, source),
        Failure::Sample(error) => error,
    })?;
    Ok(count)
}

/// The first entry of `folder`, by name, that [`write_png_sequence`] did not write, if there is one.
///
/// # Errors
/// [`SampleError::Io`] when the folder cannot be read.
pub fn first_foreign_entry(folder: &Path) -> Result<Option<PathBuf>, SampleError> {
    let paths = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    let paths = paths().map_err(|source| SampleError::io(folder, source))?;
    Ok(paths.into_iter().filter(|path| !is_of_sequence(path)).min())
}

/// Whether a sequence has such an entry: `000000.png`, or the hidden folder of a write that was killed.
fn is_of_sequence(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let number = name.strip_suffix(".png").unwrap_or_default();
    let numbered = number.len() >= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
    let hidden = is_unfinished(name);
    fs::symlink_metadata(path).is_ok_and(|entry| {
        (numbered && entry.is_file() && is_png(path))
            || (hidden && (entry.is_dir() || entry.is_file()))
    })
}

/// Whether a file begins as a PNG does.
fn is_png(path: &Path) -> bool {
    let mut start = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x89PNG\r\n\x1a\n"
}

/// Why a folder could not be filled.
enum Failure {
    Io(io::Error),
    Sample(SampleError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        Self::Sample(error)
    }
}
