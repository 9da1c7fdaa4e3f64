//! One image file → bytes in CHW order, of the size and channels that were asked for.

use crate::DataError;
use crate::jpeg_end::has_end;
use gan_core::ImageShape;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// The most pixels on a side of an image file, and the most memory that decoding one may take.
const MAX_FILE_SIDE: u32 = 16_384;
const MAX_DECODE_BYTES: u64 = 512 << 20;

/// Above so many pixels an image must have a byte in the file for each so many: JPEG's densest code,
/// a bit for a block of 8 by 8 (ITU T.81), and sparser than PNGs of anything but one colour. So
/// decoding takes at most 32 bytes for each of 2²¹ pixels and 512 a byte of the file.
const FREE_PIXELS: u64 = 1 << 21;
const PIXELS_PER_BYTE: u64 = 512;

/// The colours that the images of a folder are brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// One channel: luma, weighted as in Rec. 709.
    Gray,
    /// Three channels; gray images get three equal ones.
    #[default]
    Rgb,
}

/// How the images of a folder are brought to one shape. The default is RGB at the size they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageFolderOptions {
    channels: Channels,
    image_size: Option<u32>,
}

impl ImageFolderOptions {
    /// The largest `image_size`.
    pub const MAX_IMAGE_SIZE: u32 = 2048;

    /// Images with `channels` and, where `image_size` is given, of so many rows and columns: the
    /// middle square of each is cut out and resampled (Lanczos, three lobes). Without it they
    /// keep their size, which must be the same for all.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when `image_size` is not from 1 to 2048.
    pub fn new(channels: Channels, image_size: Option<u32>) -> Result<Self, DataError> {
        match image_size {
            None | Some(1..=Self::MAX_IMAGE_SIZE) => Ok(Self {
                channels,
                image_size,
            }),
            Some(size) => Err(DataError::Mismatch {
                origin: "--image-size".to_string(),
                found: size.to_string(),
                expected: format!("from 1 to {}", Self::MAX_IMAGE_SIZE),
            }),
        }
    }
}

/// The image's shape and its bytes CHW, or why it cannot be read.
pub(crate) fn decode(
    path: &Path,
    options: &ImageFolderOptions,
) -> Result<(ImageShape, Vec<u8>), String> {
    let image = read(path)?;
    let image = match options.channels {
        Channels::Gray => DynamicImage::ImageLuma8(image.into_luma8()),
        Channels::Rgb => DynamicImage::ImageRgb8(image.into_rgb8()),
    };
    let image = match options.image_size {
        Some(size) => middle_square(image).resize_exact(size, size, FilterType::Lanczos3),
        None => image,
    };
    let shape = ImageShape {
        channels: usize::from(image.color().channel_count()),
        height: image.height() as usize,
        width: image.width() as usize,
    };
    Ok((shape, planes(&image.into_bytes(), shape.channels)))
}

/// Decodes by the file's contents, whatever its name says, turned as its camera noted (EXIF).
fn read(path: &Path) -> Result<DynamicImage, String> {
    let bytes = read_bytes(path)?;
    let format = image::guess_format(&bytes).ok();
    let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg)) = format else {
        return Err("its contents are neither PNG nor JPEG".to_string());
    };
    if format == ImageFormat::Jpeg && !has_end(&bytes) {
        return Err("the file is cut short".to_string());
    }
    let most_pixels = FREE_PIXELS + PIXELS_PER_BYTE * bytes.len() as u64;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_FILE_SIDE);
    limits.max_image_height = Some(MAX_FILE_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits.clone());
    let in_words = |error: ImageError| error.to_string();
    let mut decoder = reader.into_decoder().map_err(in_words)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > most_pixels {
        return Err(format!(
            "its header promises {width}x{height} pixels, above the limit of {most_pixels} for so \
             short a file"
        ));
    }
    limits.reserve(decoder.total_bytes()).map_err(in_words)?;
    let orientation = decoder.orientation().map_err(in_words)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(in_words)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_DECODE_BYTES {
        return Err("not a file of at most 512 MiB".to_string());
    }
    fs::read(path).map_err(|error| error.to_string())
}

fn middle_square(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    if width == height {
        return image;
    }
    image.crop_imm((width - side) / 2, (height - side) / 2, side, side)
}

/// HWC → CHW.
fn planes(interleaved: &[u8], channels: usize) -> Vec<u8> {
    let plane = |channel| interleaved.iter().skip(channel).step_by(channels);
    (0..channels).flat_map(plane).copied().collect()
}
