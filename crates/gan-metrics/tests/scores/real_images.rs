//! Whether each score moves the right way when real digits are spoilt in a known way.

use gan_core::{ImageBytes, ImageShape, Purpose, Seed, byte_to_value};
use gan_data::{DataSplits, Dataset, Parts, ReadOptions, open};
use gan_metrics::{
    Embedding, Evaluation, FeatureNetwork, ImageRounding, ImageSet, Metric, ParzenReference,
    RealImages, Reference, ScoreKind, TrainingReference,
};
use rand::Rng;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Images on each side of a comparison.
const COUNT: usize = 2000;

/// Training images among which copies are looked for.
const TRAINING: usize = 6000;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn weights() -> PathBuf {
    root().join("data/mnist.classifier.safetensors")
}

fn mnist() -> DataSplits {
    let folder = root().join("data/mnist");
    open(&folder, &ReadOptions::default(), Parts::All).unwrap()
}

static NETWORK: LazyLock<FeatureNetwork> =
    LazyLock::new(|| FeatureNetwork::load(&weights()).unwrap());
static MNIST: LazyLock<DataSplits> = LazyLock::new(mnist);
static TEST: LazyLock<&Dataset> = LazyLock::new(|| MNIST.held_out.as_ref().unwrap());
static TRAIN: LazyLock<&Dataset> = LazyLock::new(|| &MNIST.training);

/// Scores against the first test images.
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let held_out = embed(numbered(&TEST, 0..COUNT));
    let training = embed(numbered(&TRAIN, 0..TRAINING));
    let widths = numbered(&TRAIN, 0..1000);
    let training = TrainingReference::new(training, &held_out).unwrap();
    let parzen = ParzenReference {
        width_images: widths,
        held_out: held_out.images.clone(),
    };
    let counts = Some(TRAIN.images_per_class());
    Reference::new(held_out, RealImages::HeldOut, counts, Some(training)).with_parzen(Some(parzen))
});

/// The scores of other test images, as they are: what a perfect generator would get.
static FRESH: LazyLock<Evaluation> = LazyLock::new(|| score(fresh()));

fn embed(images: ImageSet) -> Embedding {
    Embedding::new(&NETWORK, images).unwrap()
}

/// Images of 28 by 28 bytes.
fn set(bytes: Vec<u8>) -> ImageSet {
    let images = ImageBytes::new(ImageShape::MNIST, bytes).unwrap();
    ImageSet::new("images", images).unwrap()
}

fn numbered(data: &Dataset, numbers: impl IntoIterator<Item = usize>) -> ImageSet {
    let bytes: Vec<u8> = numbers
        .into_iter()
        .flat_map(|i| data.image(i).unwrap())
        .copied()
        .collect();
    set(bytes)
}

/// Test images that are not among those compared with.
fn fresh() -> ImageSet {
    numbered(&TEST, COUNT..2 * COUNT)
}

fn score(images: ImageSet) -> Evaluation {
    let metrics: Vec<Metric> = Metric::ALL
        .into_iter()
        .filter(|m| *m != Metric::Parzen)
        .collect();
    Evaluation::new(&REFERENCE, &embed(images), &metrics, Seed(0))
}

/// Each image through a function of its pixels and a coordinate.
fn changed(change: impl Fn(&[f32], usize) -> f32) -> ImageSet {
    let images = fresh();
    let mut changed = ImageRounding::new("changed images", ImageShape::MNIST, images.count());
    for image in images.images() {
        let image: Vec<f32> = image.iter().copied().map(byte_to_value).collect();
        let pixels: Vec<f32> = (0..image.len()).map(|i| change(&image, i)).collect();
        changed.push(&pixels).unwrap();
    }
    changed.finish().unwrap()
}

fn value(evaluation: &Evaluation, kind: ScoreKind) -> f64 {
    evaluation.value(kind).unwrap()
}

#[track_caller]
fn assert_below(kind: ScoreKind, lower: &Evaluation, higher: &Evaluation) {
    let (lower, higher) = (value(lower, kind), value(higher, kind));
    assert!(
        lower < higher,
        "{}: {lower} is not below {higher}",
        kind.label()
    );
}

#[test]
fn the_shipped_network_is_small_and_knows_the_test_images() {
    let bytes = std::fs::read(weights()).unwrap();
    assert!(bytes.len() <= 600_000, "{} bytes", bytes.len());
    let labels = TEST.labels().unwrap();
    let classes = embed(numbered(&TEST, 0..TEST.len())).classes().unwrap();
    let right = classes
        .iter()
        .zip(labels)
        .filter(|(class, label)| **class == **label as usize)
        .count();
    let accuracy = right as f64 / labels.len() as f64;
    assert!(accuracy >= 0.994, "{accuracy}");
    // Another processor may round an image over the border between two classes.
    let stated = NETWORK.header().test_accuracy.unwrap();
    assert!((accuracy - stated).abs() <= 3e-4, "{accuracy} {stated}");
}

#[test]
fn the_shipped_network_is_the_one_that_the_readme_names() {
    let digest = Sha256::digest(std::fs::read(weights()).unwrap());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let readme = std::fs::read_to_string(root().join("data/README.md")).unwrap();
    assert!(
        readme.contains(&hash),
        "data/README.md does not name {hash}"
    );
    assert_eq!(NETWORK.sha256().unwrap(), hash);
    assert_eq!(NETWORK.header().data_sha256, Some(TRAIN.sha256()));
}

/// A set's features are whitened by the training images: about mean 0 and variance 1 for new ones.
#[test]
fn features_of_new_digits_have_unit_spread() {
    let features = &REFERENCE.real.features;
    let squares: f64 = features.values().iter().map(|x| x * x).sum();
    let spread = squares / features.values().len() as f64;
    assert!((spread - 1.0).abs() < 0.2, "{spread}");
}

#[test]
fn fresh_real_images_are_as_good_as_can_be() {
    for (kind, expected, within) in [
        (ScoreKind::ClassesCovered, 10.0, 0.0),
        (ScoreKind::PixelDistanceRatio, 1.0, 0.1),
        (ScoreKind::FeatureDistanceRatio, 1.0, 0.1),
        (ScoreKind::PixelsTooClose, 0.01, 0.01),
        (ScoreKind::GradientEnergyRatio, 1.0, 0.1),
        (ScoreKind::HighFrequencyRatio, 1.0, 0.1),
        (ScoreKind::Density, 1.0, 0.2),
    ] {
        let found = value(&FRESH, kind);
        assert!(
            (found - expected).abs() <= within,
            "{}: {found}",
            kind.label()
        );
    }
}

#[test]
fn coverage_falls_with_every_class_that_is_removed() {
    let labels = TEST.labels().unwrap();
    // Each class's images; removed classes are replaced by more of those that stay.
    let by_class = |class: u32| (COUNT..TEST.len()).filter(move |i| labels[*i] == class);
    let mut before: Option<Evaluation> = None;
    for kept in (1..=10_u32).rev() {
        let each = COUNT / 10;
        let numbers = (0..kept).flat_map(|class| by_class(class).take(each));
        let found = score(numbered(&TEST, numbers));
        assert_eq!(value(&found, ScoreKind::ClassesCovered), f64::from(kept));
        if let Some(before) = &before {
            assert_below(ScoreKind::Coverage, &found, before);
            assert_below(ScoreKind::Recall, &found, before);
            assert_below(ScoreKind::ClassEntropy, &found, before);
            assert_below(ScoreKind::FrechetDistance, before, &found);
            assert_below(ScoreKind::KernelDistance, before, &found);
            assert_below(ScoreKind::ClassKl, before, &found);
        }
        before = Some(found);
    }
}

#[test]
fn blur_is_seen() {
    // The mean over a pixel and its neighbours.
    let blurred = score(changed(|image, place| {
        let (y, x) = (place as isize / 28, place as isize % 28);
        let near = |center: isize| (center - 1..=center + 1).filter(|i| (0..28).contains(i));
        let values: Vec<f32> = near(y)
            .flat_map(|y| near(x).map(move |x| image[(y * 28 + x) as usize]))
            .collect();
        values.iter().sum::<f32>() / values.len() as f32
    }));
    for kind in [
        ScoreKind::GradientEnergyRatio,
        ScoreKind::HighFrequencyRatio,
    ] {
        assert!(
            value(&blurred, kind) < 0.8 * value(&FRESH, kind),
            "{}",
            kind.label()
        );
    }
    assert_below(ScoreKind::FrechetDistance, &FRESH, &blurred);
    assert_below(ScoreKind::KernelDistance, &FRESH, &blurred);
    assert_below(ScoreKind::Recall, &blurred, &FRESH);
}

#[test]
fn noise_is_seen() {
    let noise: Vec<f32> = {
        let mut rng = Seed(1).rng(Purpose::NoiseImages, 0);
        (0..28 * 28).map(|_| rng.random_range(-0.6..0.6)).collect()
    };
    let noised = score(changed(|image, place| {
        (image[place] + noise[place]).clamp(-1.0, 1.0)
    }));
    for kind in [
        ScoreKind::GradientEnergyRatio,
        ScoreKind::HighFrequencyRatio,
    ] {
        assert!(
            value(&noised, kind) > 1.2 * value(&FRESH, kind),
            "{}",
            kind.label()
        );
    }
    assert_below(ScoreKind::FrechetDistance, &FRESH, &noised);
    assert_below(ScoreKind::KernelDistance, &FRESH, &noised);
    assert_below(ScoreKind::Precision, &noised, &FRESH);
    assert_below(ScoreKind::Coverage, &noised, &FRESH);
    assert_below(ScoreKind::PixelDistanceRatio, &FRESH, &noised);
}

#[test]
fn noise_alone_is_not_taken_for_digits() {
    let noise = ImageSet::noise("noise", ImageShape::MNIST, COUNT, Seed(1)).unwrap();
    let noise = score(noise);
    assert!(value(&noise, ScoreKind::Precision) < 0.2);
    assert!(value(&noise, ScoreKind::Coverage) < 0.05);
    assert!(
        value(&noise, ScoreKind::FrechetDistance)
            > 50.0 * value(&FRESH, ScoreKind::FrechetDistance)
    );
    assert_below(ScoreKind::InceptionScore, &noise, &FRESH);
}

#[test]
fn few_images_over_and_over_are_seen() {
    let repeated = score(numbered(&TEST, (0..COUNT).map(|i| COUNT + i % 20)));
    assert_below(ScoreKind::Recall, &repeated, &FRESH);
    assert_below(ScoreKind::FrechetDistance, &FRESH, &repeated);
    assert_below(ScoreKind::KernelDistance, &FRESH, &repeated);
    // 20 images lie in the balls of few real ones, however often they are shown.
    assert!(value(&repeated, ScoreKind::Coverage) < 0.5 * value(&FRESH, ScoreKind::Coverage));
}

#[test]
fn copies_of_training_images_fire_and_only_they() {
    let copied = score(numbered(&TRAIN, 0..COUNT));
    for (ratio, too_close, z) in [
        (
            ScoreKind::PixelDistanceRatio,
            ScoreKind::PixelsTooClose,
            ScoreKind::PixelCopyingZ,
        ),
        (
            ScoreKind::FeatureDistanceRatio,
            ScoreKind::FeaturesTooClose,
            ScoreKind::FeatureCopyingZ,
        ),
    ] {
        assert_eq!(
            (value(&copied, ratio), value(&copied, too_close)),
            (0.0, 1.0)
        );
        assert!(value(&copied, z) < -20.0);
        assert!(value(&FRESH, z) > -5.0, "{}", value(&FRESH, z));
    }
    // Copies look perfect to every other score: this is why memorization has its own.
    assert!(value(&copied, ScoreKind::Precision) > 0.7);
    assert!(value(&copied, ScoreKind::Recall) > 0.7);
}

#[test]
fn half_a_set_of_copies_fires_too() {
    let half = (0..COUNT / 2).map(|i| TRAIN.image(i).unwrap());
    let other = (0..COUNT / 2).map(|i| TEST.image(COUNT + i).unwrap());
    let bytes: Vec<u8> = half.chain(other).flatten().copied().collect();
    let mixed = score(set(bytes));
    assert!(value(&mixed, ScoreKind::PixelsTooClose) >= 0.5);
    assert!(value(&mixed, ScoreKind::PixelCopyingZ) < -20.0);
}
