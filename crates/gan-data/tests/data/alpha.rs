//! Transparent images are composited onto a background in every format.

use crate::support::{folder, pixels, png, read, summary, tiny, train, written};
use image::{ImageBuffer, ImageFormat, LumaA, Rgba, RgbaImage};

/// Black where `inside`, transparent elsewhere; the same hidden colour everywhere.
fn drawing(colour: [u8; 3], inside: impl Fn(u32, u32) -> bool) -> Vec<u8> {
    let [r, g, b] = colour;
    let pixel = |x, y| Rgba([r, g, b, 255 * u8::from(inside(x, y))]);
    written(RgbaImage::from_fn(4, 4, pixel), ImageFormat::Png)
}

#[test]
fn black_drawings_on_nothing_differ_and_are_named() {
    let above = folder(&[
        (
            "circle.png",
            &drawing([0; 3], |x, y| x % 3 > 0 && y % 3 > 0),
        ),
        ("stripes.png", &drawing([0; 3], |x, _| x % 2 > 0)),
        ("white.png", &drawing([255; 3], |x, _| x % 2 > 0)),
    ]);
    let splits = read(&tiny(&above)).unwrap();
    let stripes = [255, 0, 255, 0].repeat(4);
    assert_eq!(splits.training.image(1).unwrap(), stripes);
    assert_ne!(splits.training.image(0).unwrap(), stripes);
    // White lines are seen on black.
    let inverse: Vec<u8> = stripes.iter().map(|value| 255 - value).collect();
    assert_eq!(splits.training.image(2).unwrap(), inverse);
    let warnings = splits.reading.warnings;
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].starts_with("2 images") && warnings[0].contains("alpha"));
    assert!(warnings[1].starts_with("1 image ") && warnings[1].contains("onto black"));
}

/// By hand: (0 · 51 + 255 · 204 + 127) / 255 = 204, and (100 · 51 + 255 · 204 + 127) / 255 = 224.
#[test]
fn gray_palettes_and_sixteen_bits_are_laid_onto_white() {
    let deep: [u16; 4] = [0, 51 * 257, 100 * 257, 51 * 257];
    let gray = ImageBuffer::<LumaA<u16>, _>::from_raw(2, 1, deep.to_vec()).unwrap();
    let rgba: Vec<u16> = [[0, 0, 0, 51], [100, 100, 100, 51]].concat();
    let rgba = rgba.iter().map(|value| value * 257).collect();
    let rgba = ImageBuffer::<Rgba<u16>, Vec<u16>>::from_raw(2, 1, rgba).unwrap();
    let palette: [(&[u8; 4], &[u8]); 2] =
        [(b"PLTE", &[0, 0, 0, 100, 100, 100]), (b"tRNS", &[51, 51])];
    for file in [
        written(gray, ImageFormat::Png),
        written(rgba, ImageFormat::Png),
        png([2, 1], [8, 3], &palette, &[0, 0, 1]),
    ] {
        let above = folder(&[("a.png", &file)]);
        assert_eq!(pixels(&train(&above).unwrap()), [204, 224]);
        let summary = summary(&above);
        assert!(
            summary.contains("1 with transparency flattened onto white"),
            "{summary}"
        );
    }
}

#[test]
fn opaque_alpha_is_not_mentioned() {
    let opaque = drawing([7, 8, 9], |_, _| true);
    let above = folder(&[("a.png", &opaque)]);
    let splits = read(&tiny(&above)).unwrap();
    assert!(!splits.reading.summary.contains("transparency"));
    assert!(splits.reading.warnings.is_empty());
    assert_eq!(splits.training.image(0).unwrap()[..16], [7; 16]);
}
