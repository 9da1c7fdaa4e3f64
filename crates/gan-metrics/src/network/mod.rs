//! The feature network: a small convolutional classifier whose activations represent images.

mod augmentation;
mod error;
mod file;
mod training;
mod whitening;

pub use error::FeatureNetworkError;
pub use file::{FeatureNetworkHeader, FeatureNetworkKind};
pub use training::{ClassifierTraining, TrainingProgress, train_classifier};

use crate::ImageSet;
use candle_core::{DType, Device, Tensor};
use candle_nn::{Init, VarBuilder};
use gan_core::{ImageShape, ParameterStore, Purpose, Seed};
use gan_ops::{Activation, Convolution, conv2d};
use std::fmt;
use whitening::Whitening;

/// Width of the layer before the classes, whose activations are the features.
const FEATURES: usize = 64;

/// Its images are halved until no side is longer than this.
const LAST_SIDE: usize = 4;

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.1 };

/// Images → [`FEATURES`](Self::dimensions) features, and logits of classes if it is a classifier.
///
/// Convolutions of 24, 32, 48, 48 and 64 channels, three of them with stride 2, one over the whole
/// remaining image, one linear layer: 136,186 parameters for ten classes of 28 × 28 gray pixels. The
/// features are the whitened activations before the last layer.
pub struct FeatureNetwork {
    layers: Vec<Layer>,
    whitening: Whitening,
    parameters: ParameterStore,
    header: FeatureNetworkHeader,
}

struct Layer {
    weight: Tensor,
    bias: Tensor,
    convolution: Convolution,
    activation: Activation,
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
        let layers = layers(header.image_shape, header.classes, &parameters.builder())?;
        let whitening = Whitening::identity(FEATURES, &parameters)?;
        Ok(Self {
            layers,
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
        let (features, logits) = self.forward(&images.detach())?;
        Ok(Activations {
            features: self.whitening.apply(&features)?.detach(),
            logits: logits.map(|logits| logits.detach()),
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
            let (_, logits) = self.forward(&block?.detach())?;
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

    fn forward(&self, images: &Tensor) -> Result<(Tensor, Option<Tensor>), FeatureNetworkError> {
        let shape = self.header.image_shape;
        match images.dims() {
            [_, c, h, w] if [*c, *h, *w] == [shape.channels, shape.height, shape.width] => {}
            found => {
                return Err(FeatureNetworkError::Images {
                    found: found.to_vec(),
                    expected: shape,
                });
            }
        }
        let run = |x: Tensor, layer: &Layer| {
            let (weight, bias) = (&layer.weight, &layer.bias);
            conv2d(&x, weight, bias, layer.convolution, layer.activation)
        };
        let (head, body) = match self.header.classes {
            Some(_) => self
                .layers
                .split_last()
                .map_or((None, &[][..]), |(head, body)| (Some(head), body)),
            None => (None, &self.layers[..]),
        };
        let features = body.iter().try_fold(images.clone(), run)?;
        let logits = head.map(|head| run(features.clone(), head)).transpose()?;
        Ok((
            features.flatten_from(1)?,
            logits.map(|logits| logits.flatten_from(1)).transpose()?,
        ))
    }
}

impl fmt::Debug for FeatureNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeatureNetwork")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// The layers in order; the last one gives the logits of classes, if there are any.
fn layers(
    shape: ImageShape,
    classes: Option<usize>,
    builder: &VarBuilder<'_>,
) -> candle_core::Result<Vec<Layer>> {
    let mut chain = Chain {
        channels: shape.channels,
        sides: [shape.height, shape.width],
        layers: Vec::new(),
        builder,
    };
    chain.push(24, [5, 5], 2, 2, LEAKY_RELU)?;
    chain.push(32, [3, 3], 1, 1, LEAKY_RELU)?;
    chain.push(48, [3, 3], 2, 1, LEAKY_RELU)?;
    chain.push(48, [3, 3], 1, 1, LEAKY_RELU)?;
    chain.push(64, [3, 3], 2, 1, LEAKY_RELU)?;
    while chain.sides.iter().any(|side| *side > LAST_SIDE) {
        chain.push(64, [3, 3], 2, 1, LEAKY_RELU)?;
    }
    chain.push(FEATURES, chain.sides, 1, 0, LEAKY_RELU)?;
    if let Some(classes) = classes {
        chain.push(classes, [1, 1], 1, 0, Activation::Identity)?;
    }
    Ok(chain.layers)
}

/// Layers, and the shape that comes out of the last.
struct Chain<'a> {
    channels: usize,
    sides: [usize; 2],
    layers: Vec<Layer>,
    builder: &'a VarBuilder<'a>,
}

impl Chain<'_> {
    /// Weights of variance 2 / fan-in, biases of 0 (He et al., 2015, arXiv 1502.01852).
    fn push(
        &mut self,
        outputs: usize,
        kernel: [usize; 2],
        stride: usize,
        padding: usize,
        activation: Activation,
    ) -> candle_core::Result<()> {
        let builder = self.builder.pp(self.layers.len());
        let fan_in = self.channels * kernel[0] * kernel[1];
        let init = Init::Randn {
            mean: 0.0,
            stdev: (2.0 / fan_in as f64).sqrt(),
        };
        let shape = (outputs, self.channels, kernel[0], kernel[1]);
        self.layers.push(Layer {
            weight: builder.get_with_hints(shape, "weight", init)?,
            bias: builder.get_with_hints(outputs, "bias", Init::Const(0.0))?,
            convolution: Convolution { stride, padding },
            activation,
        });
        self.channels = outputs;
        for (side, kernel) in self.sides.iter_mut().zip(kernel) {
            *side = (*side + 2 * padding).saturating_sub(kernel) / stride + 1;
        }
        Ok(())
    }
}
