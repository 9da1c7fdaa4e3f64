//! A hash between 0 and 2⁶⁴ that depends only on a picture's pixels.

use gan_core::ImageShape;
use image::DynamicImage;
use sha2::{Digest, Sha256};

/// Gray pixels that are expanded to RGB at a time.
const CHUNK: usize = 1 << 12;

/// The first eight bytes, as a big-endian number, of SHA-256 over width and height (u32,
/// little-endian) and the pixels as RGB; gray ones count as three equal bytes.
pub(crate) fn of_picture(image: &DynamicImage) -> u64 {
    let (width, height) = (image.width(), image.height());
    match image {
        DynamicImage::ImageLuma8(gray) => of_gray(width, height, gray.as_raw()),
        DynamicImage::ImageRgb8(rgb) => of_rgb(width, height, rgb.as_raw()),
        other => of_rgb(width, height, other.to_rgb8().as_raw()),
    }
}

/// The same of the planes of gray or of red, green and blue.
pub(crate) fn of_planes(shape: ImageShape, planes: &[u8]) -> u64 {
    let (width, height) = (shape.width as u32, shape.height as u32);
    if shape.channels == 1 {
        return of_gray(width, height, planes);
    }
    let plane = shape.height * shape.width;
    let rgb = |pixel| (0..shape.channels).map(move |channel| planes[channel * plane + pixel]);
    of_rgb(width, height, &(0..plane).flat_map(rgb).collect::<Vec<_>>())
}

fn of_gray(width: u32, height: u32, gray: &[u8]) -> u64 {
    let mut hasher = begin(width, height);
    for chunk in gray.chunks(CHUNK) {
        let rgb = chunk.iter().flat_map(|value| [*value; 3]);
        hasher.update(rgb.collect::<Vec<_>>());
    }
    end(hasher)
}

fn of_rgb(width: u32, height: u32, rgb: &[u8]) -> u64 {
    let mut hasher = begin(width, height);
    hasher.update(rgb);
    end(hasher)
}

fn begin(width: u32, height: u32) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(width.to_le_bytes());
    hasher.update(height.to_le_bytes());
    hasher
}

fn end(hasher: Sha256) -> u64 {
    let digest = hasher.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, RgbImage};

    /// Python: hashlib.sha256(struct.pack('<II', 2, 1) + bytes([1, 2, 3, 4, 5, 6])), and
    /// struct.pack('<II', 1, 1) + bytes([7, 7, 7]).
    #[test]
    fn the_hash_is_that_of_the_sizes_and_the_rgb_pixels() {
        let (two, one) = (0xf25a_f82c_68d2_9a6c, 0xac73_d5cf_46a6_07af);
        let rgb = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(of_picture(&rgb.into()), two);
        let shape = |channels, width| ImageShape {
            channels,
            height: 1,
            width,
        };
        assert_eq!(of_planes(shape(3, 2), &[1, 4, 2, 5, 3, 6]), two);
        let gray = GrayImage::from_raw(1, 1, vec![7]).unwrap();
        assert_eq!(of_picture(&gray.into()), one);
        assert_eq!(of_planes(shape(1, 1), &[7]), one);
        assert_eq!(of_planes(shape(3, 1), &[7, 7, 7]), one);
    }
}
