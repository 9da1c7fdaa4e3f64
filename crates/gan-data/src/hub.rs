//! Data sets from the Hugging Face hub, through candle-datasets.
//!
//! It reads CIFAR images transposed (candle-datasets 0.11.1), so these are not offered.

use crate::reading::Skipped;
use crate::splits::{Found, TestSplit};
use crate::{DataError, DataSplits, Dataset, ReadOptions};
use candle_core::{DType, Tensor};
use gan_core::ImageShape;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A data set that [`load_hub`] can fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubDataset {
    /// Handwritten digits, `mnist`.
    Mnist,
    /// Articles of clothing, `fashion-mnist`.
    FashionMnist,
}

impl fmt::Display for HubDataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        })
    }
}

impl FromStr for HubDataset {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        match name {
            "mnist" => Ok(Self::Mnist),
            "fashion-mnist" => Ok(Self::FashionMnist),
            other => Err(DataError::Mismatch {
                origin: "hub data set".to_string(),
                found: format!("{other:?}"),
                expected: "mnist or fashion-mnist".to_string(),
            }),
        }
    }
}

/// Fetches a data set over the network, or reads it from the hub's cache in the home folder.
///
/// # Errors
/// When it cannot be fetched, or its images or labels are not as expected.
pub fn load_hub(dataset: HubDataset) -> Result<DataSplits, DataError> {
    let loaded = match dataset {
        HubDataset::Mnist => candle_datasets::vision::mnist::load(),
        HubDataset::FashionMnist => candle_datasets::vision::fashion_mnist::load(),
    };
    from_candle(&loaded?, ImageShape::MNIST)
}

/// Converts one of candle's data sets with its test split: images `[n, c·h·w]` or `[n, c, h, w]` in
/// [0, 1], which are converted back to bytes, and labels `[n]`.
///
/// # Errors
/// When the images do not have `shape`, a value is not in [0, 1], or the labels do not fit.
pub fn from_candle(
    source: &candle_datasets::vision::Dataset,
    shape: ImageShape,
) -> Result<DataSplits, DataError> {
    let training = dataset(&source.train_images, &source.train_labels, shape)?;
    let test = dataset(&source.test_images, &source.test_labels, shape)?;
    let found = Found {
        test: Some(TestSplit {
            name: "the hub's test split".to_string(),
            images: Some(test.with_classes_of(&training)?),
        }),
        images: training,
        hashes: Vec::new(),
        sources: "from the hub".to_string(),
        changes: Vec::new(),
        skipped: Skipped::default(),
        warnings: Vec::new(),
    };
    Ok(found.divide(&ReadOptions::default()))
}

fn dataset(images: &Tensor, labels: &Tensor, shape: ImageShape) -> Result<Dataset, DataError> {
    check_shape(images, shape)?;
    let values = images.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    let labels = labels.to_dtype(DType::U32)?.flatten_all()?.to_vec1()?;
    Dataset::new(ORIGIN, shape, bytes(&values)?)?.with_labels(labels)
}

const ORIGIN: &str = "candle-datasets";

fn check_shape(images: &Tensor, shape: ImageShape) -> Result<(), DataError> {
    let fits = match images.dims() {
        [_, elements] => *elements == shape.elements(),
        [_, c, h, w] => [*c, *h, *w] == [shape.channels, shape.height, shape.width],
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(DataError::Mismatch {
        origin: ORIGIN.to_string(),
        found: format!("images {:?}", images.dims()),
        expected: format!("[n, {}] for images of shape {shape}", shape.elements()),
    })
}

fn bytes(values: &[f32]) -> Result<Vec<u8>, DataError> {
    if let Some(value) = values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(DataError::Mismatch {
            origin: ORIGIN.to_string(),
            found: format!("a pixel of {value}"),
            expected: "pixels in [0, 1]".to_string(),
        });
    }
    Ok(values
        .iter()
        .map(|value| (value * 255.0).round() as u8)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Every byte once, as candle-datasets makes it: u8 → f32 / 255.
    fn every_byte() -> candle_datasets::vision::Dataset {
        let images = Tensor::from_vec((0..=255).collect::<Vec<u8>>(), (64, 4), &Device::Cpu);
        let images = (images.unwrap().to_dtype(DType::F32).unwrap() / 255.).unwrap();
        let labels = Tensor::from_vec((0..64).collect::<Vec<u8>>(), 64, &Device::Cpu).unwrap();
        candle_datasets::vision::Dataset {
            test_images: images.narrow(0, 0, 2).unwrap(),
            test_labels: labels.narrow(0, 0, 2).unwrap(),
            train_images: images,
            train_labels: labels,
            labels: 64,
        }
    }

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 2,
        width: 2,
    };

    #[test]
    fn every_byte_comes_back() {
        let pixels = |data: &Dataset| data.images().iter().flatten().copied().collect::<Vec<_>>();
        let splits = from_candle(&every_byte(), SHAPE).unwrap();
        assert_eq!(pixels(&splits.training), (0..=255).collect::<Vec<u8>>());
        let labels = splits.training.labels().unwrap();
        assert_eq!(labels, (0..64).collect::<Vec<u32>>());
        let test = splits.held_out.unwrap();
        assert_eq!(pixels(&test), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn another_shape_is_refused() {
        let error = from_candle(&every_byte(), ImageShape::MNIST).unwrap_err();
        assert!(error.to_string().contains("[64, 4]"), "{error}");
    }

    #[test]
    fn values_outside_the_unit_interval_are_refused() {
        for wrong in [1.5_f32, -0.1, f32::NAN] {
            let mut source = every_byte();
            source.train_images = Tensor::full(wrong, (64, 4), &Device::Cpu).unwrap();
            assert!(from_candle(&source, SHAPE).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_and_text_agree() {
        for dataset in [HubDataset::Mnist, HubDataset::FashionMnist] {
            assert_eq!(dataset.to_string().parse::<HubDataset>().unwrap(), dataset);
        }
        assert!("cifar10".parse::<HubDataset>().is_err());
    }
}
