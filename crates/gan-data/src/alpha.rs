//! Transparent pictures are composited onto a background of one colour; alpha is never just dropped.

use image::DynamicImage;

/// What was done with a picture's alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// There was none, or every pixel was opaque.
    Opaque,
    /// The picture was composited onto white.
    OntoWhite,
    /// All visible pixels have one colour, so that the picture is only in the alpha; it was composited onto
    /// white, or onto black if the colour is bright.
    Alone {
        /// Whether the background is black.
        black: bool,
    },
}

const WHITE: u8 = 255;

/// The picture in 8 bits without alpha: one channel (`ImageLuma8`) if all its pixels are gray, else three
/// (`ImageRgb8`).
pub(crate) fn flatten(image: DynamicImage) -> (DynamicImage, Alpha) {
    let (width, height) = (image.width(), image.height());
    let (has_alpha, has_color) = (image.color().has_alpha(), image.color().has_color());
    let (bytes, alpha) = match (has_alpha, has_color) {
        (false, false) => return (image.into_luma8().into(), Alpha::Opaque),
        (false, true) => (image.into_rgb8().into_raw(), Alpha::Opaque),
        (true, false) => composite::<1>(&image.into_luma_alpha8().into_raw(), luma_of_gray),
        (true, true) => composite::<3>(&image.into_rgba8().into_raw(), luma_of_rgb),
    };
    let gray = has_color && bytes.chunks_exact(3).all(is_gray);
    let bytes = if gray {
        bytes.iter().step_by(3).copied().collect()
    } else {
        bytes
    };
    let flat = if has_color && !gray {
        image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::from)
    } else {
        image::GrayImage::from_raw(width, height, bytes).map(DynamicImage::from)
    };
    // As many bytes as the picture had pixels, times its channels.
    (flat.unwrap_or_default(), alpha)
}

fn is_gray(rgb: &[u8]) -> bool {
    rgb[0] == rgb[1] && rgb[1] == rgb[2]
}

/// Pixels of `C` channels followed by alpha → pixels without alpha.
fn composite<const C: usize>(bytes: &[u8], luma: fn(&[u8]) -> u32) -> (Vec<u8>, Alpha) {
    let pixels = || bytes.chunks_exact(C + 1).map(|pixel| pixel.split_at(C));
    let mut visible = pixels().filter(|(_, alpha)| alpha[0] > 0);
    let first = visible.next().map(|(colour, _)| colour);
    let alone = first.filter(|first| visible.all(|(colour, _)| colour == *first));
    let black = alone.is_some_and(|colour| luma(colour) > 127);
    let kind = match alone {
        _ if pixels().all(|(_, alpha)| alpha[0] == u8::MAX) => Alpha::Opaque,
        Some(_) => Alpha::Alone { black },
        None => Alpha::OntoWhite,
    };
    let ground = if black { 0 } else { WHITE };
    let mut flat = Vec::with_capacity(bytes.len() / (C + 1) * C);
    for (colour, alpha) in pixels() {
        flat.extend(colour.iter().map(|value| over(*value, alpha[0], ground)));
    }
    (flat, kind)
}

/// (c a + b (255 - a)) / 255, rounded: a colour over a background, in sRGB bytes.
fn over(colour: u8, alpha: u8, ground: u8) -> u8 {
    let [c, a, b] = [colour, alpha, ground].map(u32::from);
    // At most 255.
    ((c * a + b * (255 - a) + 127) / 255) as u8
}

fn luma_of_gray(gray: &[u8]) -> u32 {
    u32::from(gray[0])
}

/// The luma of Rec. 709.
fn luma_of_rgb(rgb: &[u8]) -> u32 {
    let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
    (2126 * r + 7152 * g + 722 * b) / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, LumaA, Rgba};

    fn rgba(pixels: &[[u8; 4]]) -> (Vec<u8>, Alpha) {
        let image = ImageBuffer::<Rgba<u8>, _>::from_raw(pixels.len() as u32, 1, pixels.concat());
        let (flat, alpha) = flatten(image.unwrap().into());
        (flat.into_bytes(), alpha)
    }

    /// By hand: (10 · 51 + 255 · 204 + 127) / 255 = 206, (200 · 51 + 255 · 204 + 127) / 255 = 244.
    #[test]
    fn colours_are_laid_onto_white() {
        let (flat, alpha) = rgba(&[[10, 200, 10, 51], [1, 2, 3, 255], [9, 9, 9, 0]]);
        assert_eq!(flat, [206, 244, 206, 1, 2, 3, 255, 255, 255]);
        assert_eq!(alpha, Alpha::OntoWhite);
    }

    #[test]
    fn opaque_alpha_is_no_transparency() {
        assert_eq!(
            rgba(&[[1, 2, 3, 255]; 2]),
            ([1, 2, 3].repeat(2), Alpha::Opaque)
        );
    }

    /// A dark colour onto white, a bright one onto black; what cannot be seen has no colour.
    #[test]
    fn one_colour_gets_a_ground_that_shows_it() {
        let (flat, alpha) = rgba(&[[0, 0, 0, 255], [77, 7, 7, 0]]);
        assert_eq!((flat, alpha), (vec![0, 255], Alpha::Alone { black: false }));
        let (flat, alpha) = rgba(&[[255, 255, 255, 102], [0, 0, 0, 0]]);
        assert_eq!((flat, alpha), (vec![102, 0], Alpha::Alone { black: true }));
        // The luma of pure red is 54, of pure green 182.
        assert_eq!(rgba(&[[255, 0, 0, 9]]).1, Alpha::Alone { black: false });
        assert_eq!(rgba(&[[0, 255, 0, 9]]).1, Alpha::Alone { black: true });
        assert_eq!(rgba(&[[4, 5, 6, 0]]), (vec![255], Alpha::OntoWhite));
    }

    /// 16 bits are rounded to 8 first: 0x3333 = 51 · 257, and 0xffff = 255 · 257.
    #[test]
    fn gray_and_sixteen_bits_are_laid_onto_white_too() {
        let pixels = vec![10 * 257, 51 * 257, 200 * 257, 51 * 257];
        let image = ImageBuffer::<LumaA<u16>, _>::from_raw(2, 1, pixels).unwrap();
        let (flat, alpha) = flatten(image.into());
        assert_eq!(flat.into_bytes(), [206, 244]);
        assert_eq!(alpha, Alpha::OntoWhite);
    }
}
