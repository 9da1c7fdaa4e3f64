//! Reads data sets of the Hugging Face hub through candle-datasets, over the network or from the hub's cache
//! in the home folder.

use crate::hub::HubDataset;
use crate::reading::Skipped;
use crate::splits::{Found, TestSplit};
use crate::{DataError, Dataset, Parts, cifar};
use candle_core::{DType, Tensor};
use candle_datasets::vision;

/// The name of the test split in messages.
const TEST: &str = "test";

/// How many images are converted at a time.
const CHUNK: usize = 1000;

/// Fetches a data set, or reads it from the hub's cache.
pub(crate) fn read(dataset: HubDataset, parts: Parts) -> Result<Found, DataError> {
    let loaded = match dataset {
        HubDataset::Mnist => vision::mnist::load(),
        HubDataset::FashionMnist => vision::fashion_mnist::load(),
        HubDataset::Cifar10 => vision::cifar::load(),
    };
    let loaded = loaded.map_err(|source| DataError::Hub {
        dataset: dataset.name(),
        repository: repository(dataset),
        source,
    })?;
    found(dataset, &loaded, parts)
}

/// The address on the hub that candle-datasets reads, at the revision refs/convert/parquet.
fn repository(dataset: HubDataset) -> &'static str {
    match dataset {
        HubDataset::Mnist => "ylecun/mnist",
        HubDataset::FashionMnist => "zalando-datasets/fashion_mnist",
        HubDataset::Cifar10 => "cifar10",
    }
}

/// The images and labels of `parts`, converted from candle's tensors.
fn found(dataset: HubDataset, source: &vision::Dataset, parts: Parts) -> Result<Found, DataError> {
    let mut images = converted(dataset, &source.train_images, &source.train_labels)?;
    if dataset == HubDataset::Cifar10 {
        images = images.with_class_names(cifar::CLASSES.map(str::to_string).to_vec())?;
    }
    let test = || {
        let test = converted(dataset, &source.test_images, &source.test_labels)?;
        test.with_classes_of(&images)
    };
    Ok(Found {
        test: Some(TestSplit {
            name: TEST.to_string(),
            images: (parts == Parts::All).then(test).transpose()?,
        }),
        hashes: None,
        images,
        sources: format!("{} on the Hugging Face hub", repository(dataset)),
        changes: Vec::new(),
        skipped: Skipped::default(),
        warnings: Vec::new(),
    })
}

/// images: `[n, 784]` of MNIST's kind or `[n, 3, 32, 32]` of CIFAR-10, in [0, 1]; labels: `[n]`.
fn converted(dataset: HubDataset, images: &Tensor, labels: &Tensor) -> Result<Dataset, DataError> {
    check_shape(dataset, images)?;
    let (count, shape) = (images.dim(0)?, dataset.shape());
    let mut pixels = Vec::with_capacity(count * shape.elements());
    for first in (0..count).step_by(CHUNK) {
        let chunk = images.narrow(0, first, CHUNK.min(count - first))?;
        let chunk = match dataset {
            HubDataset::Cifar10 => upright(&chunk)?,
            HubDataset::Mnist | HubDataset::FashionMnist => chunk,
        };
        let values = chunk.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        push_bytes(dataset, &values, &mut pixels)?;
    }
    let labels = labels.to_dtype(DType::U32)?.flatten_all()?.to_vec1()?;
    Dataset::new(dataset.to_string(), shape, pixels)?.with_labels(labels)
}

/// CIFAR's images with their rows as rows. candle-datasets 0.11.1 takes the pixels, which the decoder gives row
/// by row, for columns (src/vision/cifar.rs, lines 79 to 90: `permute((0, 3, 2, 1))`), so that its images are
/// `[n, channels, width, height]`.
fn upright(images: &Tensor) -> candle_core::Result<Tensor> {
    images.transpose(2, 3)
}

fn check_shape(dataset: HubDataset, images: &Tensor) -> Result<(), DataError> {
    let shape = dataset.shape();
    let expected = match dataset {
        HubDataset::Cifar10 => vec![shape.channels, shape.width, shape.height],
        HubDataset::Mnist | HubDataset::FashionMnist => vec![shape.elements()],
    };
    if images.dims().get(1..) == Some(&expected[..]) {
        return Ok(());
    }
    Err(DataError::Mismatch {
        origin: dataset.to_string(),
        found: format!("images {:?}", images.dims()),
        expected: format!("images of {expected:?} values"),
    })
}

fn push_bytes(dataset: HubDataset, values: &[f32], pixels: &mut Vec<u8>) -> Result<(), DataError> {
    if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(DataError::Mismatch {
            origin: dataset.to_string(),
            found: format!("a pixel of {value}"),
            expected: "pixels in [0, 1]".to_string(),
        });
    }
    pixels.extend(values.iter().map(|value| (value * 255.0).round() as u8));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataSplits, Division, ReadOptions, open};
    use candle_core::Device;
    use std::path::Path;

    /// As candle-datasets makes it: u8 → f32 / 255.
    fn mnist_like(training: (Vec<u8>, Vec<u8>), test: (Vec<u8>, Vec<u8>)) -> vision::Dataset {
        let tensors = |(images, labels): (Vec<u8>, Vec<u8>)| {
            let count = labels.len();
            let images = Tensor::from_vec(images, (count, 784), &Device::Cpu).unwrap();
            let images = (images.to_dtype(DType::F32).unwrap() / 255.).unwrap();
            (
                images,
                Tensor::from_vec(labels, count, &Device::Cpu).unwrap(),
            )
        };
        let ((train_images, train_labels), (test_images, test_labels)) =
            (tensors(training), tensors(test));
        vision::Dataset {
            train_images,
            train_labels,
            test_images,
            test_labels,
            labels: 10,
        }
    }

    /// Three images with every byte, and one of them.
    fn every_byte() -> vision::Dataset {
        let image = |k: usize| (0..784).map(move |i| ((i + k) % 256) as u8);
        let images: Vec<u8> = (0..3).flat_map(image).collect();
        mnist_like((images, vec![2, 0, 1]), (image(0).collect(), vec![1]))
    }

    fn split(dataset: HubDataset, source: &vision::Dataset) -> Result<DataSplits, DataError> {
        found(dataset, source, Parts::All)?.divide(&ReadOptions::default(), Parts::All)
    }

    #[test]
    fn every_byte_comes_back_and_the_test_split_is_held_out() {
        let splits = split(HubDataset::Mnist, &every_byte()).unwrap();
        let first: Vec<u8> = (0..784).map(|i| (i % 256) as u8).collect();
        assert_eq!(splits.training.image(0).unwrap(), first);
        assert_eq!(splits.training.labels().unwrap(), [2, 0, 1]);
        assert_eq!(splits.division, Division::Published);
        let test = splits.held_out.unwrap();
        assert_eq!((test.len(), test.class_count()), (1, 3));
        let training = found(HubDataset::Mnist, &every_byte(), Parts::Training).unwrap();
        assert!(
            training
                .divide(&ReadOptions::default(), Parts::All)
                .unwrap()
                .held_out
                .is_none()
        );
    }

    #[test]
    fn mnist_has_the_hash_of_the_folder_data_mnist() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
        let expected = open(&folder, &ReadOptions::default(), Parts::All).unwrap();
        let bytes = |data: &Dataset| {
            let labels = data.labels().unwrap().iter().map(|label| *label as u8);
            (
                data.images().iter().flatten().copied().collect(),
                labels.collect(),
            )
        };
        let test = expected.held_out.unwrap();
        let source = mnist_like(bytes(&expected.training), bytes(&test));
        let splits = split(HubDataset::Mnist, &source).unwrap();
        assert_eq!(splits.training.sha256(), expected.training.sha256());
        assert_eq!(splits.held_out.unwrap().sha256(), test.sha256());
    }

    /// A byte of an image that is not its own transpose.
    fn formula(channel: usize, row: usize, column: usize) -> u8 {
        (50 * channel + 5 * row + column) as u8
    }

    #[test]
    fn images_of_cifar_have_their_rows_as_rows() {
        let pixel = |i: usize| (0..3).map(move |channel| formula(channel, i / 32, i % 32));
        let decoded: Vec<u8> = (0..32 * 32).flat_map(pixel).collect();
        // The lines of candle-datasets, after the decoder has given the pixels row by row.
        let images = Tensor::from_vec(decoded, (1, 32, 32, 3), &Device::Cpu).unwrap();
        let images = images.to_dtype(DType::F32).unwrap();
        let images = (images.permute((0, 3, 2, 1)).unwrap() / 255.).unwrap();
        let labels = Tensor::from_vec(vec![9_u8], 1, &Device::Cpu).unwrap();
        let source = vision::Dataset {
            train_images: images.clone(),
            train_labels: labels.clone(),
            test_images: images,
            test_labels: labels,
            labels: 10,
        };
        let splits = split(HubDataset::Cifar10, &source).unwrap();
        let plane = |channel| (0..32 * 32).map(move |i| formula(channel, i / 32, i % 32));
        let expected: Vec<u8> = (0..3).flat_map(plane).collect();
        assert_eq!(splits.training.image(0).unwrap(), expected);
        assert_eq!(splits.held_out.unwrap().image(0).unwrap(), expected);
        assert_eq!(splits.training.class_name(9), "truck");
    }

    #[test]
    fn another_shape_is_refused() {
        let error = split(HubDataset::Cifar10, &every_byte()).unwrap_err();
        assert!(error.to_string().contains("[3, 784]"), "{error}");
    }

    #[test]
    fn values_outside_the_unit_interval_are_refused() {
        for wrong in [1.5_f32, -0.1, f32::NAN] {
            let mut source = every_byte();
            source.train_images = Tensor::full(wrong, (3, 784), &Device::Cpu).unwrap();
            assert!(split(HubDataset::Mnist, &source).is_err(), "{wrong}");
        }
    }
}
