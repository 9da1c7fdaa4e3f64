//! Which files are images, in every format that is read, and what is said of them.

use crate::support::{
    assert_says, assert_truncations_are_refused, encode, folder, gray, pixel, pixels, png, read,
    summary, tiny, train, train_with,
};
use gan_data::Channels;
use image::codecs::gif::GifEncoder;
use image::{Frame, ImageFormat, RgbaImage};

const LOSSLESS: [ImageFormat; 5] = [
    ImageFormat::Png,
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::WebP,
    ImageFormat::Tiff,
];

/// Four colours, which GIF's palette holds as they are.
fn four(format: ImageFormat) -> Vec<u8> {
    encode(2, 2, format, |x, y| {
        [[250, 0, 0], [0, 250, 0], [0, 0, 250], [9, 9, 9]][(2 * y + x) as usize]
    })
}

#[test]
fn every_format_is_read_under_every_name() {
    let expected = [[250, 0, 0, 9], [0, 250, 0, 9], [0, 0, 250, 9]].concat();
    let names = [
        "a.png", "a.APNG", "a.bmp", "a.dib", "a.gif", "a.webp", "a.TIF", "a.tiff", "a.jfif",
        "a.jpe", "a", "a.photo",
    ];
    for format in LOSSLESS {
        for name in names {
            let data = train(&folder(&[(name, &four(format))])).unwrap();
            assert_eq!(pixels(&data), expected, "{format:?} as {name}");
        }
    }
}

#[test]
fn formats_and_what_is_skipped_are_counted() {
    let above = folder(&[
        ("a.png", &four(ImageFormat::Png)),
        ("b.bmp", &four(ImageFormat::Bmp)),
        ("c.bmp", &four(ImageFormat::Bmp)),
        ("photo", &encode(2, 2, ImageFormat::Jpeg, |_, _| [90; 3])),
        ("notes.TXT", b"BM is how this text begins, and no bitmap"),
        ("short", b""),
        ("raw.NEF", &four(ImageFormat::Tiff)),
        (".DS_Store", b""),
        ("more/notes.txt", b""),
    ]);
    let summary = summary(&above);
    for part in [
        "tiny: 4 images [3, 2, 2] (2 BMP, 1 JPEG, 1 PNG); ",
        "5 files skipped (1 .nef, 2 .txt, 1 hidden, 1 without extension); ",
        "1 folder without images skipped; ",
        "none held out: the set has fewer than 20 images",
    ] {
        assert!(summary.contains(part), "no {part:?} in {summary}");
    }
    assert!(!summary.contains('\n'));
}

#[test]
fn an_image_by_its_name_that_is_none_is_an_error() {
    for name in ["a.png", "a.jfif", "a.webp"] {
        let above = folder(&[(name, b"no image"), ("b.png", &pixel(1))]);
        assert_says(train(&above), &["1 of 2 images", name, "PNG, JPEG, BMP"]);
    }
}

#[test]
fn every_truncation_is_refused() {
    let noise = |x: u32, y: u32| [x * 37, y * 59, x * y * 83].map(|v| v as u8);
    // What may be missing: a PNG's last checksum, a GIF's marks of the end of its codes, blocks and file.
    for (format, spare) in [
        (ImageFormat::Png, 4),
        (ImageFormat::Jpeg, 0),
        (ImageFormat::Bmp, 0),
        (ImageFormat::Gif, 3),
        (ImageFormat::WebP, 0),
        (ImageFormat::Tiff, 0),
    ] {
        let above = folder(&[("a.png", &encode(16, 16, format, noise))]);
        assert_truncations_are_refused(&above, "a.png", spare);
    }
}

fn gif(frames: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    for _ in 0..frames {
        let image = RgbaImage::from_pixel(3, 2, image::Rgba([9, 9, 9, 255]));
        encoder.encode_frame(Frame::new(image)).unwrap();
    }
    drop(encoder);
    file
}

/// A TIFF file whose first directory names another one.
fn tiff_of_pages() -> Vec<u8> {
    let mut file = encode(3, 2, ImageFormat::Tiff, |_, _| [9; 3]);
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let entries = u16::from_le_bytes(file[directory..directory + 2].try_into().unwrap());
    file[directory + 2 + 12 * usize::from(entries)] = 8;
    file
}

fn apng() -> Vec<u8> {
    let animation = [2_u32, 0].map(u32::to_be_bytes).concat();
    png(
        [3, 2],
        [8, 0],
        &[(b"acTL", &animation)],
        &[0, 9, 9, 9].repeat(2),
    )
}

/// The chunks of an animation (the container's specification) around a still picture's.
fn animated_webp() -> Vec<u8> {
    let still = encode(3, 2, ImageFormat::WebP, |_, _| [9; 3]);
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat()
    };
    let place = [0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 100, 0, 0, 2];
    let frame = chunk(b"ANMF", &[&place, &still[12..]].concat());
    let chunks = [
        chunk(b"VP8X", &[2, 0, 0, 0, 2, 0, 0, 1, 0, 0]),
        chunk(b"ANIM", &[0; 6]),
        frame.clone(),
        frame,
    ];
    let body = [&b"WEBP"[..], &chunks.concat()].concat();
    chunk(b"RIFF", &body)
}

#[test]
fn of_animations_and_pages_the_first_is_taken_and_said() {
    let files = [gif(2), tiff_of_pages(), apng(), animated_webp(), gif(1)];
    let names = ["a.gif", "b.tif", "c.png", "d.webp", "e.gif"];
    let files: Vec<(&str, &[u8])> = names
        .into_iter()
        .zip(files.iter().map(Vec::as_slice))
        .collect();
    let splits = read(&tiny(&folder(&files))).unwrap();
    assert_eq!(pixels(&splits.training), [9; 5 * 6]);
    let summary = splits.reading.summary;
    assert!(
        summary.contains("only the first picture of 4 animations or multi-page files"),
        "{summary}"
    );
}

#[test]
fn scans_and_masks_of_few_bytes_are_read() {
    // A4 at 600 dots an inch and a mask of 12 million pixels, both of one bit and nearly empty.
    for [width, height] in [[4960, 7016], [4000, 3000]] {
        let rows = vec![0; (1 + width as usize / 8) * height as usize];
        let file = png([width, height], [1, 0], &[], &rows);
        assert!(file.len() < 20_000);
        let above = folder(&[("a.png", &file)]);
        let data = train_with(&above, Channels::Gray, Some(8)).unwrap();
        assert_eq!(pixels(&data), [0; 64]);
    }
}

#[test]
fn what_was_resized_and_cropped_is_said() {
    let above = folder(&[
        ("a.png", &crate::support::plain(8, 8, [1; 3])),
        ("b.png", &crate::support::plain(9, 12, [1; 3])),
        ("c.png", &crate::support::plain(4, 5, [1; 3])),
        ("d.png", &crate::support::plain(20, 20, [1; 3])),
    ]);
    let options = gan_data::ReadOptions::new(Channels::Auto, Some(8), None).unwrap();
    let splits = gan_data::open(&tiny(&above), &options, gan_data::Parts::All).unwrap();
    let summary = splits.reading.summary;
    let words = "2 cropped to their central square; 3 resized to 8x8, from 4x5 to 20x20";
    assert!(summary.contains(words), "{summary}");
}

#[cfg(unix)]
#[test]
fn no_name_brings_control_characters_to_the_terminal() {
    let above = folder(&[("a\u{1b}[2J.png", b"no image"), ("b.png", &pixel(1))]);
    let text = gray(&above).unwrap_err().to_string();
    assert!(text.contains("a\\u{1b}[2J.png"), "{text}");
    let above = folder(&[("b.p\u{7}n", b"no image"), ("c\nd/b.png", &pixel(1))]);
    let reading = read(&tiny(&above)).unwrap().reading;
    let text = reading.summary + &reading.classes.unwrap();
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(
        text.contains("1 .p\\u{7}n") && text.contains("0 c\\nd 1"),
        "{text}"
    );
}
