//! One image file → its first picture in 8 bits, rotated by its EXIF orientation and without alpha.

use crate::alpha::{Alpha, flatten};
use crate::image_format::{FORMATS, format_of};
use crate::jpeg_end::has_end;
use crate::shown::{shown_text, thousands};
use crate::{several, webp_chunks};
use image::codecs::bmp::BmpDecoder;
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::tiff::TiffDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// The most bytes of a file.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// The most pixels on a side of an image file.
const MAX_FILE_SIDE: u32 = 16_384;

/// The most bytes of an image's pixels in the file's own type, counted with at least 8 bits per channel: 89
/// million pixels in RGB. Decoding and rotating one takes up to four times its bytes.
pub(crate) const MAX_DECODED_BYTES: u64 = 256 << 20;

/// The most bytes to which a PNG file's metadata, such as a colour profile, may unpack, beyond twice the
/// length of the file.
const MAX_METADATA_BYTES: u64 = 8 << 20;

/// The first picture of a file.
pub(crate) struct Picture {
    /// In 8 bits without alpha: `ImageLuma8` if all pixels are gray, else `ImageRgb8`.
    pub(crate) image: DynamicImage,
    pub(crate) format: ImageFormat,
    /// Whether it was rotated by its EXIF orientation.
    pub(crate) turned: bool,
    /// Whether it had more than 8 bits per channel.
    pub(crate) deep: bool,
    pub(crate) alpha: Alpha,
    /// Whether the file is an animation or has pages.
    pub(crate) several: bool,
}

/// Decodes a file by its contents, regardless of its name, or says why it cannot be read.
pub(crate) fn decode(path: &Path) -> Result<Picture, String> {
    let bytes = read_bytes(path)?;
    let format = format_of(&bytes).ok_or(format!("its contents are not {FORMATS}"))?;
    let whole = match format {
        ImageFormat::Jpeg => has_end(&bytes),
        ImageFormat::WebP => webp_chunks::are_sound(&bytes),
        _ => true,
    };
    if !whole {
        return Err("the file is truncated or damaged".to_string());
    }
    let in_words = |error: ImageError| shown_text(&error.to_string());
    let (decoder, several) = decoder(format, &bytes).map_err(in_words)?;
    check_size(decoder.as_ref())?;
    let (image, orientation) = read(decoder).map_err(in_words)?;
    Ok(finish(image, orientation, format, several))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err("not a file of at most 512 MiB".to_string());
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// The decoder of a file, and whether it holds several pictures.
fn decoder(format: ImageFormat, bytes: &[u8]) -> ImageResult<(Box<dyn ImageDecoder + '_>, bool)> {
    let file = Cursor::new(bytes);
    Ok(match format {
        ImageFormat::Png => {
            let mut limits = Limits::default();
            limits.max_alloc = Some(MAX_METADATA_BYTES + 2 * bytes.len() as u64);
            let decoder = PngDecoder::with_limits(file, limits)?;
            let several = decoder.is_apng()?;
            (Box::new(decoder), several)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(file)?;
            let several = decoder.has_animation();
            (Box::new(decoder), several)
        }
        ImageFormat::Gif => (Box::new(GifDecoder::new(file)?), several::in_gif(bytes)),
        ImageFormat::Tiff => (Box::new(TiffDecoder::new(file)?), several::in_tiff(bytes)),
        ImageFormat::Bmp => (Box::new(BmpDecoder::new(file)?), false),
        // JPEG, the last of the formats that are read.
        _ => (Box::new(JpegDecoder::new(file)?), false),
    })
}

fn check_size(decoder: &dyn ImageDecoder) -> Result<(), String> {
    let (width, height) = decoder.dimensions();
    let bytes = decoder.total_bytes();
    if width == 0 || height == 0 {
        return Err(format!("its header says {width}x{height} pixels"));
    }
    if width.max(height) <= MAX_FILE_SIDE && bytes <= MAX_DECODED_BYTES {
        return Ok(());
    }
    Err(format!(
        "its header says {width}x{height} pixels of {} bytes in all, above the limit of \
         {MAX_FILE_SIDE} pixels per side and {} bytes; make it smaller",
        thousands(usize::try_from(bytes).unwrap_or(usize::MAX)),
        thousands(MAX_DECODED_BYTES as usize),
    ))
}

fn read(mut decoder: Box<dyn ImageDecoder + '_>) -> ImageResult<(DynamicImage, Orientation)> {
    // First, as the limits of TIFF's decoder on such values are narrower than these.
    let orientation = decoder.orientation()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * MAX_DECODED_BYTES);
    decoder.set_limits(limits)?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

fn finish(
    mut image: DynamicImage,
    orientation: Orientation,
    format: ImageFormat,
    several: bool,
) -> Picture {
    image.apply_orientation(orientation);
    let color = image.color();
    let deep = color.bytes_per_pixel() > color.channel_count();
    let (image, alpha) = flatten(image);
    Picture {
        image,
        format,
        turned: orientation != Orientation::NoTransforms,
        deep,
        alpha,
        several,
    }
}
