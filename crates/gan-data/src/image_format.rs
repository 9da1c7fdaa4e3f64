//! Which files are images, and in which format.

use image::ImageFormat;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The extensions of image files.
const EXTENSIONS: [&str; 12] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "bmp", "dib", "gif", "webp", "tif", "tiff",
];

/// Cameras' raw files begin like TIFF files, but only a small preview of them could be read.
const RAW: [&str; 9] = [
    "3fr", "arw", "cr2", "dng", "erf", "nef", "nrw", "pef", "srw",
];

/// The number of first bytes that show the format.
const START: u64 = 32;

/// The sizes of the second header of a BMP file, by version.
const BMP_HEADERS: [u8; 7] = [12, 40, 52, 56, 64, 108, 124];

/// The formats that are read, for messages.
pub(crate) const FORMATS: &str = "PNG, JPEG, BMP, GIF, WebP or TIFF";

/// Whether the file is an image, by its name or else by its first bytes.
pub(crate) fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    let is_one_of = |known: &[&str]| known.iter().any(|k| extension.eq_ignore_ascii_case(k));
    is_one_of(&EXTENSIONS) || !is_one_of(&RAW) && path.is_file() && begins_like_an_image(path)
}

fn begins_like_an_image(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    let Some(format) = read.ok().and_then(|_| format_of(&start)) else {
        return false;
    };
    // Many texts begin with BM.
    let is_bmp = || start.get(14).is_some_and(|size| BMP_HEADERS.contains(size));
    format != ImageFormat::Bmp || start.get(15..18) == Some(&[0; 3]) && is_bmp()
}

/// The format that the first bytes show, if it is one of those that are read.
pub(crate) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok()?;
    name(format).map(|_| format)
}

/// The usual name of a format; `None` for those that are not read.
pub(crate) fn name(format: ImageFormat) -> Option<&'static str> {
    match format {
        ImageFormat::Png => Some("PNG"),
        ImageFormat::Jpeg => Some("JPEG"),
        ImageFormat::Bmp => Some("BMP"),
        ImageFormat::Gif => Some("GIF"),
        ImageFormat::WebP => Some("WebP"),
        ImageFormat::Tiff => Some("TIFF"),
        _ => None,
    }
}
