//! Writes pictures as PNG files.

use crate::file::write_file;
use crate::{Raster, SampleError};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `picture` as an 8-bit gray or RGB PNG, whole or not at all; missing folders are made.
///
/// # Errors
/// [`SampleError::Write`] when the file cannot be written, [`SampleError::Encode`] when a side of the
/// picture is 0.
pub fn write_png(path: &Path, picture: &Raster) -> Result<(), SampleError> {
    write_file(path, |out| Ok(encode(picture, out)?))
}

/// The bytes of the PNG file that [`write_png`] would write.
///
/// # Errors
/// [`SampleError::Encode`] when a side of the picture is 0.
pub fn encode_png(picture: &Raster) -> Result<Vec<u8>, SampleError> {
    let mut bytes = Vec::new();
    encode(picture, &mut bytes).map_err(|source| SampleError::Encode {
        path: PathBuf::from("a picture in memory"),
        source,
    })?;
    Ok(bytes)
}

fn encode(picture: &Raster, out: impl Write) -> Result<(), ImageError> {
    let color = match picture.channels() {
        1 => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    };
    let (width, height) = (picture.width(), picture.height());
    PngEncoder::new(out).write_image(picture.bytes(), width, height, color)
}
