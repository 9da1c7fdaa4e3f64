//! The tutorial's multilayer perceptrons: a generator with batch normalization, a plain discriminator.

use crate::layers::{BatchNorm1d, Linear};
use candle_core::{Result, Tensor};
use gan_core::{Discriminator, Generator, ImageShape, Mode, ParameterStore};
use gan_ops::Activation;

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.2 };

/// The tutorial writes `BatchNorm1d(n, 0.8)`, whose second argument is eps, not momentum.
const BATCH_NORM_EPS: f64 = 0.8;

/// Widths of the generator's hidden layers; the first has no batch normalization.
const GENERATOR_WIDTHS: [usize; 4] = [128, 256, 512, 1024];

/// Widths of the discriminator's hidden layers.
const DISCRIMINATOR_WIDTHS: [usize; 2] = [512, 256];

/// z → 128 → 256 → 512 → 1024 → pixels.
pub(crate) struct MlpGenerator {
    first: Linear,
    blocks: Vec<(Linear, BatchNorm1d)>,
    last: Linear,
    latent_dim: usize,
    image_shape: ImageShape,
    parameters: ParameterStore,
}

impl MlpGenerator {
    pub(crate) fn new(
        latent_dim: usize,
        image_shape: ImageShape,
        parameters: ParameterStore,
    ) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let [first_width, ..] = GENERATOR_WIDTHS;
        let first = Linear::new(latent_dim, first_width, LEAKY_RELU, &model.pp(0))?;
        // The numbers count the tutorial's nn.Sequential: Linear, LeakyReLU, then three modules a block.
        let mut index = 2;
        let mut blocks = Vec::new();
        for widths in GENERATOR_WIDTHS.windows(2) {
            let (inputs, outputs) = (widths[0], widths[1]);
            let linear = Linear::new(inputs, outputs, Activation::Identity, &model.pp(index))?;
            let norm = model.pp(index + 1);
            let norm = BatchNorm1d::new(outputs, BATCH_NORM_EPS, LEAKY_RELU, &norm)?;
            blocks.push((linear, norm));
            index += 3;
        }
        let [.., width] = GENERATOR_WIDTHS;
        let pixels = image_shape.elements();
        let last = Linear::new(width, pixels, Activation::Tanh, &model.pp(index))?;
        Ok(Self {
            first,
            blocks,
            last,
            latent_dim,
            image_shape,
            parameters,
        })
    }
}

impl Generator for MlpGenerator {
    fn forward(&self, z: &Tensor, _labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let (n, width) = z.dims2()?;
        if width != self.latent_dim {
            let expected = self.latent_dim;
            candle_core::bail!("z has {width} components, the generator takes {expected}");
        }
        let mut x = self.first.forward(z)?;
        for (linear, norm) in &self.blocks {
            x = norm.forward(&linear.forward(&x)?, mode)?;
        }
        let ImageShape {
            channels,
            height,
            width,
        } = self.image_shape;
        self.last.forward(&x)?.reshape((n, channels, height, width))
    }

    fn latent_dim(&self) -> usize {
        self.latent_dim
    }

    fn image_shape(&self) -> ImageShape {
        self.image_shape
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}

/// pixels → 512 → 256 → logit.
pub(crate) struct MlpDiscriminator {
    layers: Vec<Linear>,
    image_shape: ImageShape,
    parameters: ParameterStore,
}

impl MlpDiscriminator {
    pub(crate) fn new(image_shape: ImageShape, parameters: ParameterStore) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let mut inputs = image_shape.elements();
        let mut layers = Vec::new();
        // Every second module of the tutorial's nn.Sequential is a LeakyReLU.
        for (i, outputs) in DISCRIMINATOR_WIDTHS.into_iter().enumerate() {
            layers.push(Linear::new(inputs, outputs, LEAKY_RELU, &model.pp(2 * i))?);
            inputs = outputs;
        }
        let last = model.pp(2 * layers.len());
        layers.push(Linear::new(inputs, 1, Activation::Identity, &last)?);
        Ok(Self {
            layers,
            image_shape,
            parameters,
        })
    }
}

impl Discriminator for MlpDiscriminator {
    fn forward(&self, images: &Tensor, _labels: Option<&Tensor>, _mode: Mode) -> Result<Tensor> {
        let (_, c, h, w) = images.dims4()?;
        let ImageShape {
            channels,
            height,
            width,
        } = self.image_shape;
        if (c, h, w) != (channels, height, width) {
            let expected = self.image_shape;
            candle_core::bail!("images are [{c}, {h}, {w}], the discriminator takes {expected}");
        }
        let mut x = images.flatten_from(1)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        x.squeeze(1)
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}
