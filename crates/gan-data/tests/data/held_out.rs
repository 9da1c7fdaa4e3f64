//! What is held out of folders without a test split: by the contents of the images alone.

use crate::support::{encode, folder, pixels, tiny, written};
use gan_data::{Channels, DataSplits, Division, Parts, ReadOptions, open};
use image::{GrayImage, ImageFormat, Luma};
use std::collections::BTreeSet;

/// A picture of 4 by 4 pixels for each number.
fn picture(number: u32, format: ImageFormat) -> Vec<u8> {
    encode(4, 4, format, |x, y| [(number * 6 + x + y) as u8; 3])
}

fn read_with(above: &tempfile::TempDir, channels: Channels, size: Option<u32>) -> DataSplits {
    let options = ReadOptions::new(channels, size, Some(0.3)).unwrap();
    open(&tiny(above), &options, Parts::All).unwrap()
}

/// A folder of such files under such names.
fn folder_of(
    count: usize,
    name: impl Fn(usize) -> String,
    file: impl Fn(u32) -> Vec<u8>,
) -> tempfile::TempDir {
    let names: Vec<String> = (0..count).map(name).collect();
    let files: Vec<Vec<u8>> = (0..count as u32).map(file).collect();
    let files = names.iter().zip(&files);
    let files: Vec<(&str, &[u8])> = files.map(|(name, file)| (&name[..], &file[..])).collect();
    folder(&files)
}

fn numbered(k: usize) -> String {
    format!("{k:02}.png")
}

/// The first pixel of each image, which is six times its number.
fn numbers(data: &gan_data::Dataset) -> BTreeSet<u8> {
    data.images().iter().map(|image| image[0] / 6).collect()
}

#[test]
fn names_formats_channels_and_order_do_not_matter() {
    let above = folder_of(40, numbered, |k| picture(k, ImageFormat::Png));
    let forward = read_with(&above, Channels::Auto, None);
    assert_eq!(forward.division, Division::ByContent { share: 0.3 });
    let held_out = forward.held_out.unwrap();
    assert_eq!(forward.training.len() + held_out.len(), 40);
    assert!((4..=20).contains(&held_out.len()), "{}", held_out.len());
    let expected = numbers(&held_out);
    let summary = forward.reading.summary;
    let words = format!("{} of them held out by content", held_out.len());
    assert!(summary.contains(&words), "{summary}");

    // Backwards, of gray or RGB, in another format.
    let above = folder_of(40, numbered, |k| other_file(39 - k));
    for channels in [Channels::Auto, Channels::Gray, Channels::Rgb] {
        let held_out = read_with(&above, channels, None).held_out.unwrap();
        assert_eq!(numbers(&held_out), expected);
    }
    let resized = read_with(&above, Channels::Gray, Some(2)).held_out.unwrap();
    assert_eq!(resized.len(), expected.len());
    // Resized to two by two, the first pixel is about one above.
    assert_eq!(numbers(&resized), expected);
}

fn other_file(number: u32) -> Vec<u8> {
    if number.is_multiple_of(2) {
        return picture(number, ImageFormat::Bmp);
    }
    let gray = GrayImage::from_fn(4, 4, |x, y| Luma([(number * 6 + x + y) as u8]));
    written(gray, ImageFormat::WebP)
}

#[test]
fn copies_stand_on_one_side() {
    let above = folder_of(60, numbered, |k| picture(k % 30, ImageFormat::Png));
    let splits = read_with(&above, Channels::Auto, None);
    let (training, held_out) = (
        numbers(&splits.training),
        numbers(&splits.held_out.unwrap()),
    );
    assert!(training.is_disjoint(&held_out));
    assert_eq!(training.len() + held_out.len(), 30);
}

#[test]
fn both_parts_keep_classes_and_labels() {
    let above = folder_of(
        40,
        |k| format!("{}/{k}.png", ["a", "b"][k % 2]),
        |k| picture(k, ImageFormat::Png),
    );
    let splits = read_with(&above, Channels::Auto, None);
    let held_out = splits.held_out.unwrap();
    for data in [&splits.training, &held_out] {
        assert_eq!(data.class_names().unwrap(), ["a", "b"]);
        for (image, label) in data.images().iter().zip(data.labels().unwrap()) {
            assert_eq!(u32::from(image[0] / 6 % 2), *label);
        }
    }
    assert_eq!(splits.reading.classes.unwrap(), "0 a 20, 1 b 20");
    assert_eq!(pixels(&held_out).len(), 16 * held_out.len());
}

#[test]
fn a_share_of_zero_holds_nothing_out_and_says_so() {
    let above = folder_of(40, numbered, |k| picture(k, ImageFormat::Png));
    let options = ReadOptions::new(Channels::Auto, None, Some(0.0)).unwrap();
    let splits = open(&tiny(&above), &options, Parts::All).unwrap();
    assert!(splits.held_out.is_none());
    assert!(matches!(splits.division, Division::Nothing { .. }));
    let summary = splits.reading.summary;
    assert!(
        summary.ends_with("none held out: the requested share is 0"),
        "{summary}"
    );
}

#[test]
fn shares_out_of_range_are_refused() {
    for share in [-0.1, 0.51, 1.0, f64::NAN, f64::INFINITY] {
        let error = ReadOptions::new(Channels::Auto, None, Some(share)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("data.held_out is ") && text.contains("0 to 0.5"),
            "{text}"
        );
    }
}
