//! The real MNIST, as it lies in the repository.

use crate::support::{pixels, read};
use gan_core::ImageShape;
use gan_data::{DataSplits, Division};
use std::path::Path;

fn mnist() -> DataSplits {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/mnist");
    read(Path::new(folder)).unwrap()
}

/// The counts of the digits in the published training set.
#[test]
fn the_training_set_has_the_published_digits() {
    let train = mnist().training;
    assert_eq!((train.len(), train.shape()), (60_000, ImageShape::MNIST));
    assert_eq!(train.labels().unwrap()[0], 5);
    let published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(train.images_per_class(), published);
    // The published mean of the training pixels, 0.1307 of white.
    let sum: u64 = pixels(&train).iter().map(|x| u64::from(*x)).sum();
    let mean = sum as f64 / (60_000.0 * 784.0) / 255.0;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
}

/// The counts of the digits in the published test set.
#[test]
fn the_test_set_has_the_published_digits() {
    let test = mnist().held_out.unwrap();
    assert_eq!((test.len(), test.shape()), (10_000, ImageShape::MNIST));
    let published = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    assert_eq!(test.images_per_class(), published);
}

#[test]
fn the_published_test_split_is_held_out() {
    let splits = mnist();
    assert_eq!(splits.division, Division::Published);
    let summary = splits.reading.summary;
    for part in [
        "70,000 images [1, 28, 28]",
        "10,000 of them held out by the publisher",
    ] {
        assert!(summary.contains(part), "{summary}");
    }
    assert!(splits.reading.classes.unwrap().starts_with("0: 6,903, "));
}
