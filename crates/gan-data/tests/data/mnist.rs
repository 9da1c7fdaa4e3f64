//! The real MNIST, as it lies in the repository.

use crate::support::read;
use gan_core::ImageShape;
use gan_data::{Dataset, Split};
use std::path::Path;

fn mnist(split: Split) -> Dataset {
    read(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/mnist")),
        split,
    )
    .unwrap()
}

/// The counts of the digits in the published training set.
#[test]
fn the_training_set_has_the_published_digits() {
    let train = mnist(Split::Train);
    assert_eq!((train.len(), train.shape()), (60_000, ImageShape::MNIST));
    assert_eq!(train.labels().unwrap()[0], 5);
    let published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(train.images_per_class(), published);
    // The published mean of the training pixels, 0.1307 of white.
    let sum: u64 = train.pixels().iter().map(|x| u64::from(*x)).sum();
    let mean = sum as f64 / train.pixels().len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 5e-5, "{mean}");
}

/// The counts of the digits in the published test set.
#[test]
fn the_test_set_has_the_published_digits() {
    let test = mnist(Split::Test);
    assert_eq!((test.len(), test.shape()), (10_000, ImageShape::MNIST));
    let published = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    assert_eq!(test.images_per_class(), published);
}
