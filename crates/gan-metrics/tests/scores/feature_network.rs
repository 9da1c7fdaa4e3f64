//! The feature network: its file, its training, its whitening.

use candle_core::{Device, Tensor};
use gan_core::{ImageBatch, ImageShape, Seed};
use gan_metrics::{
    Accuracy, ClassifierTraining, Embedding, FeatureNetwork, FeatureNetworkError, ImageRounding,
    ImageSet, TrainingProgress, train_classifier,
};

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 12,
    width: 12,
};

/// Images of stripes, upright in class 0 and lying in class 1, at changing phases.
fn stripes(count: usize) -> (ImageSet, Vec<u32>) {
    let labels: Vec<u32> = (0..count as u32).map(|i| i % 2).collect();
    let pixel = |image: usize, place: usize| {
        let along = if image.is_multiple_of(2) {
            place % 12
        } else {
            place / 12
        };
        (1.3 * along as f32 + 0.7 * image as f32).sin()
    };
    let pixels = (0..count).flat_map(|i| (0..144).map(move |p| pixel(i, p)));
    let mut images = ImageRounding::new("stripes", SHAPE, count);
    images.push(&pixels.collect::<Vec<_>>()).unwrap();
    (images.finish().unwrap(), labels)
}

fn batches(steps: usize) -> impl Iterator<Item = candle_core::Result<ImageBatch>> {
    (0..steps).map(|_| {
        let (images, labels) = stripes(32);
        let images = images.blocks().next().unwrap()?;
        let labels = Some(Tensor::from_vec(labels, 32, &Device::Cpu)?);
        Ok(ImageBatch { images, labels })
    })
}

fn trained(steps: usize) -> (FeatureNetwork, Vec<f64>) {
    let network = FeatureNetwork::untrained_classifier(SHAPE, 2, Seed(3)).unwrap();
    let mut losses = Vec::new();
    let training = ClassifierTraining {
        most_epochs: 1,
        steps_per_epoch: steps as u64,
        validation: None,
        seed: Seed(3),
    };
    let best = train_classifier(
        &network,
        training,
        |_| batches(steps),
        |progress| {
            if let TrainingProgress::Step { loss, .. } = progress {
                losses.push(loss);
            }
        },
    );
    assert_eq!(best.unwrap(), 1);
    (network, losses)
}

#[test]
fn a_classifier_learns_what_tells_its_classes_apart() {
    let (network, losses) = trained(150);
    assert_eq!(losses.len(), 150);
    // ln 2 is the loss of a guess.
    let last = losses[140..].iter().sum::<f64>() / 10.0;
    assert!(last < 0.1 * 2_f64.ln(), "{last}");
    let (images, labels) = stripes(64);
    let classes = Embedding::new(&network, images).unwrap().classes().unwrap();
    let right = classes
        .iter()
        .zip(&labels)
        .filter(|(class, label)| **class == **label as usize);
    assert_eq!(right.count(), 64);
}

#[test]
fn the_same_seed_trains_the_same_network_and_its_file_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let (mut first, (second, _)) = (trained(5).0, trained(5));
    assert_eq!(first.sha256().unwrap(), second.sha256().unwrap());

    let (images, _) = stripes(200);
    first.whiten_by(&images).unwrap();
    let accuracy = Accuracy {
        share: 0.75,
        images: 8,
    };
    first.describe_training("0".repeat(64), 1, Some(accuracy));
    first.save(&path).unwrap();
    let read = FeatureNetwork::load(&path).unwrap();
    assert_eq!(read.header(), first.header());
    assert_eq!(read.sha256().unwrap(), first.sha256().unwrap());
    assert_ne!(read.sha256().unwrap(), second.sha256().unwrap());
    let embed = |network: &FeatureNetwork| Embedding::new(network, images.clone()).unwrap();
    assert_eq!(embed(&read), embed(&first));
}

/// Validation images whose labels are the wrong way round: what is learnt makes their accuracy fall, so
/// the best epoch is the first, and training ends when patience does.
#[test]
fn training_ends_when_the_accuracy_no_longer_rises_and_keeps_the_best_epoch() {
    let (images, labels) = stripes(64);
    let wrong = labels.iter().map(|label| 1 - label).collect();
    let validation = images.with_labels(wrong).unwrap();
    let run = |most_epochs| {
        let network = FeatureNetwork::untrained_classifier(SHAPE, 2, Seed(3)).unwrap();
        let training = ClassifierTraining {
            most_epochs,
            steps_per_epoch: 100,
            validation: Some(&validation),
            seed: Seed(3),
        };
        let mut accuracies = Vec::new();
        let best = train_classifier(
            &network,
            training,
            |_| batches(100),
            |progress| {
                if let TrainingProgress::Epoch { accuracy, .. } = progress {
                    accuracies.push(accuracy.unwrap());
                }
            },
        );
        (network, best.unwrap(), accuracies)
    };
    let (network, best, accuracies) = run(50);
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let first = accuracies.iter().position(|a| *a == highest).unwrap();
    assert_eq!(best as usize, first + 1);
    // Three epochs of 100 steps without a rise.
    assert_eq!(accuracies.len(), first + 1 + 3);
    let found = network.accuracy(&validation).unwrap();
    assert_eq!((found.share, found.images), (highest, 64));
}

/// Every byte of the file: a flipped bit changes every score, or must be noticed.
#[test]
fn a_damaged_file_and_one_without_a_checksum_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    FeatureNetwork::random(SHAPE, Seed(0))
        .unwrap()
        .save(&path)
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for place in (0..bytes.len()).step_by(997) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x40;
        std::fs::write(&path, damaged).unwrap();
        assert!(FeatureNetwork::load(&path).is_err(), "byte {place}");
    }
    std::fs::write(&path, &bytes).unwrap();
    let weights = gan_core::Weights::read(&path).unwrap();
    weights.write(&path).unwrap();
    let error = FeatureNetwork::load(&path).unwrap_err().to_string();
    assert!(error.contains("no checksum"), "{error}");
}

/// Equal images have no spread to divide by; few images have none in some directions.
#[test]
fn features_of_few_or_equal_images_are_finite() {
    let noise = ImageSet::noise("noise", SHAPE, 20, Seed(1)).unwrap();
    let equal = noise.select(&[0; 80]).unwrap();
    for (images, mean_square) in [(noise.clone(), Some(1.0)), (equal, None)] {
        let network = FeatureNetwork::random(SHAPE, Seed(2)).unwrap();
        network.whiten_by(&images).unwrap();
        let features = Embedding::new(&network, images).unwrap().features;
        let squares: f64 = features.values().iter().map(|x| x * x).sum();
        let found = squares / features.values().len() as f64;
        assert!(found.is_finite());
        if let Some(expected) = mean_square {
            // One number scales all, so that the mean of the unbiased variances is 1: 19 / 20 here.
            assert!((found - expected * 19.0 / 20.0).abs() < 1e-3, "{found}");
        } else {
            // All at the mean, as far as f32 goes.
            assert!(found < 1e-6, "{found}");
        }
    }
}

#[test]
fn whitened_features_have_mean_zero_and_unit_covariance() {
    let noise = ImageSet::noise("noise", SHAPE, 500, Seed(1)).unwrap();
    let network = FeatureNetwork::random(SHAPE, Seed(2)).unwrap();
    network.whiten_by(&noise).unwrap();
    let features = Embedding::new(&network, noise).unwrap().features;
    let (count, width) = (features.count(), features.dimensions());
    let values = features.values();
    let mean = |i: usize| (0..count).map(|row| values[row * width + i]).sum::<f64>() / count as f64;
    for i in 0..width {
        assert!(mean(i).abs() < 1e-3, "{i}: {}", mean(i));
        for j in 0..=i {
            let products = (0..count).map(|row| values[row * width + i] * values[row * width + j]);
            let covariance = products.sum::<f64>() / (count - 1) as f64;
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!(
                (covariance - expected).abs() < 2e-3,
                "{i} {j}: {covariance}"
            );
        }
    }
}

#[test]
fn other_files_and_images_of_other_shapes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let network = FeatureNetwork::random(SHAPE, Seed(0)).unwrap();
    network.save(&path).unwrap();
    let good = gan_core::Weights::read(&path).unwrap();
    for (metadata, part) in [
        ("{}".to_string(), "no feature network's header"),
        (
            good.metadata.replace("version\":1", "version\":9"),
            "format version 9",
        ),
        (
            good.metadata
                .replace("\"height\":12", "\"height\":4000000000"),
            "4000000000",
        ),
        (
            good.metadata.replace("\"height\":12", "\"height\":0"),
            "[1, 0, 12]",
        ),
        (
            good.metadata.replace("\"height\":12", "\"height\":40"),
            "another architecture",
        ),
        (
            good.metadata.replace("\"height\":12", "\"height\":40000"),
            "far fewer than a network of its header has",
        ),
    ] {
        let weights = gan_core::Weights {
            metadata,
            ..good.clone()
        };
        weights.write_with_checksum(&path).unwrap();
        let error = FeatureNetwork::load(&path).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let other = Tensor::zeros((2, 1, 12, 13), candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = network.activations(&other).unwrap_err().to_string();
    assert!(
        error.contains("[2, 1, 12, 13]") && error.contains("[1, 12, 12]"),
        "{error}"
    );

    let one = FeatureNetwork::untrained_classifier(SHAPE, 1, Seed(0)).unwrap_err();
    assert!(matches!(one, FeatureNetworkError::Classes { found: 1 }));
    let unlabelled = || {
        batches(1).map(|batch| {
            Ok(ImageBatch {
                labels: None,
                ..batch?
            })
        })
    };
    let classifier = FeatureNetwork::untrained_classifier(SHAPE, 2, Seed(0)).unwrap();
    let training = ClassifierTraining {
        most_epochs: 1,
        steps_per_epoch: 1,
        validation: None,
        seed: Seed(0),
    };
    let error = train_classifier(&classifier, training, |_| unlabelled(), |_| {});
    let error = error.unwrap_err();
    assert!(matches!(error, FeatureNetworkError::NoLabels));
}
