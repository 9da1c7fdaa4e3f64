//! Pictures as PNG files, one or a folder full.

use crate::file::write_file;
use crate::{PixelRange, Raster, SampleError};
use candle_core::Tensor;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `picture` as an 8-bit gray or RGB PNG, whole or not at all; missing folders are made.
///
/// # Errors
/// [`SampleError::Io`] when the file cannot be written, or a side of the picture is 0.
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

/// Writes each image into `folder` as `000000.png`, `000001.png` …, and returns how many.
///
/// blocks: tensors `[n, c, h, w]`, c = 1 or 3, as they come from
/// [`Sampler::blocks`](crate::Sampler::blocks). The range is [`PixelRange::Fixed`], so that a
/// pixel depends on its image alone. Each file is whole; files of other names are left alone.
///
/// # Errors
/// Those of the blocks, of [`Raster::from_images`] and of [`write_png`]; the images before the
/// failing one are then in the folder.
pub fn write_png_sequence(
    folder: &Path,
    blocks: impl IntoIterator<Item = Result<Tensor, SampleError>>,
) -> Result<u64, SampleError> {
    std::fs::create_dir_all(folder).map_err(|source| SampleError::io(folder, source))?;
    let mut count = 0;
    for block in blocks {
        for picture in Raster::from_images(&block?, PixelRange::Fixed)? {
            write_png(&folder.join(format!("{count:06}.png")), &picture)?;
            count += 1;
        }
    }
    Ok(count)
}
