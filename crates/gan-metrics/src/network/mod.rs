//! The feature network: a small convolutional classifier whose activations represent images.

mod adam_w;
mod augmentation;
mod cross_entropy;
mod error;
mod file;
mod graphs;
mod training;
mod whitening;

pub use error::FeatureNetworkError;
pub use file::{FeatureNetworkHeader, FeatureNetworkKind};
pub use training::{ClassifierTraining, TrainingProgress, train_classifier};

use crate::ImageSet;
use candle_core::{DType, Device, Tensor};
use gan_core::{ImageShape, Mode, ParameterStore, Purpose, Seed};
use gan_ops::Network;
use graphs::Graphs;
use std::fmt;
use whitening::Whitening;

/// Width of the layer before the classes, whose activations are the features.
const FEATURES: usize = 64;

/// Images → [`FEATURES`](Self::dimensions) features, and logits of classes if it is a classifier.
///
/// Convolutions of 24, 32, 48, 48 and 64 channels, three of them with stride 2, one over the whole
/// remaining image, one linear layer: 136,186 parameters for ten classes of 28 × 28 gray pixels. The
/// features are the whitened activations before the last layer.
pub struct FeatureNetwork {
    /// From images to features.
    body: Network,
    /// From features to logits, if it is a classifier.
    head: Option<Network>,
    whitening: Whitening,
    parameters: ParameterStore,
    header: FeatureNetworkHeader,
}

/// A classifier's accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// The share of images that it classifies correctly, in [0, 1].
    pub share: f64,
    /// The number of images.
    pub images: usize,
}

/// A network's outputs for some images.
#[derive(Clone, Debug)]
pub struct Activations {
    /// `[n, dimensions]`
    pub features: Tensor,
    /// `[n, classes]`, if the network is a classifier.
    pub logits: Option<Tensor>,
}

impl FeatureNetwork {
    /// A classifier of `classes` classes with initial weights from `seed`, to be trained.
    ///
    /// # Errors
    /// [`FeatureNetworkError::Classes`] below two classes; when a tensor cannot be created.
    pub fn untrained_classifier(
        shape: ImageShape,
        classes: usize,
        seed: Seed,
    ) -> Result<Self, FeatureNetworkError> {
        if classes < 2 {
            return Err(FeatureNetworkError::Classes { found: classes });
        }
        Self::build(
            FeatureNetworkHeader::classifier(shape, classes, seed),
            usize::MAX,
        )
    }

    /// A network with random weights from `seed`, which is not trained. Distances in its features are
    /// better than none and worse than a classifier's.
    ///
    /// # Errors
    /// When a tensor cannot be created.
    pub fn random(shape: ImageShape, seed: Seed) -> Result<Self, FeatureNetworkError> {
        Self::build(FeatureNetworkHeader::random(shape, seed), usize::MAX)
    }

    /// Refuses a network of more than `most_values` values before memory is allocated for them.
    fn build(
        header: FeatureNetworkHeader,
        most_values: usize,
    ) -> Result<Self, FeatureNetworkError> {
        let rng = header.seed.rng(Purpose::FeatureNetworkInit, 0);
        let parameters = ParameterStore::new(rng, DType::F32, &Device::Cpu);
        let parameters = parameters.holding_at_most(most_values);
        let graphs = Graphs::new(header.image_shape, header.classes)?;
        graphs.make_tensors(&parameters)?;
        let whitening = Whitening::identity(FEATURES, &parameters)?;
        // Nothing here draws.
        let network = |graph| Network::new(graph, parameters.clone(), header.seed);
        Ok(Self {
            body: network(graphs.body)?,
            head: graphs.head.map(network).transpose()?,
            whitening,
            parameters,
            header,
        })
    }

    /// What the network is and how it was made.
    pub fn header(&self) -> &FeatureNetworkHeader {
        &self.header
    }

    /// The width of the features.
    pub fn dimensions(&self) -> usize {
        FEATURES
    }

    /// Its tensors.
    pub fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    /// images: `[n, c, h, w]` in [-1, 1], f32 on the CPU. Memory grows with n: give blocks of a few
    /// hundred.
    ///
    /// # Errors
    /// [`FeatureNetworkError::Images`] for another shape; when a tensor operation fails.
    pub fn activations(&self, images: &Tensor) -> Result<Activations, FeatureNetworkError> {
        let (features, logits) = self.forward(images)?;
        Ok(Activations {
            features: self.whitening.apply(&features)?.detach(),
            logits,
        })
    }

    /// The share of labelled images whose most likely class is their label.
    ///
    /// # Errors
    /// [`FeatureNetworkError::NoLabels`]; [`FeatureNetworkError::Classes`] for a network that is not a
    /// classifier; those of [`activations`](Self::activations).
    pub fn accuracy(&self, images: &ImageSet) -> Result<Accuracy, FeatureNetworkError> {
        let labels = images.labels().ok_or(FeatureNetworkError::NoLabels)?;
        let (mut right, mut first) = (0, 0);
        for block in images.blocks() {
            let (_, logits) = self.forward(&block?)?;
            let logits = logits.ok_or(FeatureNetworkError::Classes { found: 0 })?;
            let likeliest = logits.argmax(1)?.to_vec1::<u32>()?;
            let labels = &labels[first..first + likeliest.len()];
            right += labels
                .iter()
                .zip(&likeliest)
                .filter(|(a, b)| a == b)
                .count();
            first += likeliest.len();
        }
        Ok(Accuracy {
            share: right as f64 / images.count() as f64,
            images: images.count(),
        })
    }

    /// Activations before the whitening, and logits.
    fn forward(&self, images: &Tensor) -> Result<(Tensor, Option<Tensor>), FeatureNetworkError> {
        self.check(images)?;
        let features = self.body.infer(images, None, Mode::Eval)?;
        let logits = match &self.head {
            Some(head) => Some(head.infer(&features, None, Mode::Eval)?.flatten_from(1)?),
            None => None,
        };
        Ok((features.flatten_from(1)?, logits))
    }

    fn check(&self, images: &Tensor) -> Result<(), FeatureNetworkError> {
        let shape = self.header.image_shape;
        match images.dims() {
            [_, c, h, w] if [*c, *h, *w] == [shape.channels, shape.height, shape.width] => Ok(()),
            found => Err(FeatureNetworkError::Images {
                found: found.to_vec(),
                expected: shape,
            }),
        }
    }
}

impl fmt::Debug for FeatureNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeatureNetwork")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
