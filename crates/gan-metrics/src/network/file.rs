//! A feature network's file, with a header that says how it was trained and how accurate it is.

use super::{Accuracy, FeatureNetwork, FeatureNetworkError};
use candle_core::Tensor;
use gan_core::{ImageShape, Seed, Weights, WeightsError, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The format that is written. A reader refuses any other.
const FORMAT_VERSION: u32 = 1;

/// Networks that were published before files had a checksum: the SHA-256 of each whole file.
const PUBLISHED_SHA256: [&str; 1] =
    ["2c098fe8736df175aa5390c67464d45a8e870fbd02227b535c40471eb07af176"];

/// No image has more values, so that a damaged header cannot ask for all of the memory.
const MAX_IMAGE_VALUES: usize = 1 << 24;

/// What kind of features there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureNetworkKind {
    /// Trained as a classifier.
    Classifier,
    /// Initial weights, not trained.
    Random,
}

/// The description of a feature network and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureNetworkHeader {
    /// The version of this format.
    pub feature_network_format_version: u32,
    /// Trained or not.
    pub kind: FeatureNetworkKind,
    /// The shape of an image.
    pub image_shape: ImageShape,
    /// How many classes it knows.
    pub classes: Option<usize>,
    /// The seed of its initial weights.
    pub seed: Seed,
    /// SHA-256 of the training images and labels.
    pub data_sha256: Option<String>,
    /// Passes over the training images.
    pub epochs: Option<u64>,
    /// The share of held-out images that it classifies correctly, in [0, 1].
    pub test_accuracy: Option<f64>,
    /// How many these were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images: Option<usize>,
}

impl FeatureNetworkHeader {
    pub(super) fn random(image_shape: ImageShape, seed: Seed) -> Self {
        Self {
            feature_network_format_version: FORMAT_VERSION,
            kind: FeatureNetworkKind::Random,
            image_shape,
            classes: None,
            seed,
            data_sha256: None,
            epochs: None,
            test_accuracy: None,
            test_images: None,
        }
    }

    pub(super) fn classifier(image_shape: ImageShape, classes: usize, seed: Seed) -> Self {
        Self {
            kind: FeatureNetworkKind::Classifier,
            classes: Some(classes),
            ..Self::random(image_shape, seed)
        }
    }
}

impl FeatureNetwork {
    /// Records how the network was trained and its accuracy.
    pub fn describe_training(
        &mut self,
        data_sha256: String,
        epochs: u64,
        held_out: Option<Accuracy>,
    ) {
        self.header.data_sha256 = Some(data_sha256);
        self.header.epochs = Some(epochs);
        self.header.test_accuracy = held_out.map(|accuracy| accuracy.share);
        self.header.test_images = held_out.map(|accuracy| accuracy.images);
    }

    /// Writes the network whole or not at all, with a checksum. Equal networks give equal bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), FeatureNetworkError> {
        Ok(self.weights()?.write_with_checksum(path)?)
    }

    /// Reads a network that [`save`](Self::save) wrote. A network of more than twice as many values as the
    /// file's tensors is refused, so memory is at most eight times the file's length, if these are f32.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, has no checksum, holds something else, or its tensors
    /// are not those of its header.
    pub fn load(path: &Path) -> Result<Self, FeatureNetworkError> {
        let weights = match Weights::read_with_checksum(path) {
            Err(WeightsError::NoChecksum { .. }) => published(path)?,
            read => read?,
        };
        let wrong = |found: String| FeatureNetworkError::Header {
            path: path.to_path_buf(),
            found,
        };
        let header: FeatureNetworkHeader = serde_json::from_str(&weights.metadata)
            .map_err(|_| wrong("no feature network's header in its metadata".to_string()))?;
        if header.feature_network_format_version != FORMAT_VERSION {
            let found = header.feature_network_format_version;
            return Err(wrong(format!(
                "a feature network of format version {found}"
            )));
        }
        let held: usize = weights.tensors.values().map(Tensor::elem_count).sum();
        let ImageShape {
            channels,
            height,
            width,
        } = header.image_shape;
        let sizes = [channels, height, width].map(|size| (1..=MAX_IMAGE_VALUES).contains(&size));
        let image = channels.saturating_mul(height).saturating_mul(width);
        let classes = header.classes.unwrap_or(2);
        if sizes.contains(&false) || image > MAX_IMAGE_VALUES || !(2..=held).contains(&classes) {
            return Err(wrong(format!(
                "{held} values for images of {} and {classes} classes",
                header.image_shape
            )));
        }
        let network = Self::build(header, held.saturating_mul(2)).map_err(|error| match error {
            FeatureNetworkError::Tensor(error) => wrong(format!(
                "{held} values, far fewer than a network of its header has ({error})"
            )),
            error => error,
        })?;
        weights.load_into("", &network.parameters, &path.display().to_string())?;
        Ok(network)
    }

    /// SHA-256 of the network's header and tensors, as 64 hexadecimal digits: scores with equal values have
    /// the same features.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn sha256(&self) -> Result<String, FeatureNetworkError> {
        Ok(hex(&Sha256::digest(self.weights()?.to_bytes()?)))
    }

    fn weights(&self) -> Result<Weights, FeatureNetworkError> {
        let metadata = serde_json::to_string(&self.header).map_err(|error| {
            FeatureNetworkError::Weights(WeightsError::Format {
                path: PathBuf::from("the feature network's header"),
                found: error.to_string(),
            })
        })?;
        let mut weights = Weights {
            metadata,
            ..Weights::default()
        };
        weights.insert_all("", &self.parameters)?;
        Ok(weights)
    }
}

/// The contents of a file without a checksum, if it is a published one.
fn published(path: &Path) -> Result<Weights, WeightsError> {
    let bytes = gan_core::read_regular(path).map_err(|source| WeightsError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    let digest = hex(&Sha256::digest(bytes));
    if PUBLISHED_SHA256.contains(&digest.as_str()) {
        Weights::read(path)
    } else {
        Err(WeightsError::NoChecksum {
            path: path.to_path_buf(),
        })
    }
}
