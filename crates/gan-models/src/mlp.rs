//! The tutorial's multilayer perceptrons: a generator with batch normalization, a plain discriminator.

use crate::layers::{batch_norm, linear};
use candle_core::{Result, Tensor};
use gan_core::{Discriminator, Generator, ImageShape, Mode, ParameterStore, Recorded};
use gan_ops::{Activation, Sequence};

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.2 };

/// The tutorial writes `BatchNorm1d(n, 0.8)`, whose second argument is eps, not momentum.
const BATCH_NORM_EPS: f64 = 0.8;

/// Widths of the generator's hidden layers; the first has no batch normalization.
const GENERATOR_WIDTHS: [usize; 4] = [128, 256, 512, 1024];

/// Widths of the discriminator's hidden layers.
const DISCRIMINATOR_WIDTHS: [usize; 2] = [512, 256];

/// z → 128 → 256 → 512 → 1024 → pixels.
pub(crate) struct MlpGenerator {
    layers: Sequence,
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
        let mut blocks = vec![linear(latent_dim, first_width, LEAKY_RELU, &model.pp(0))?];
        // The numbers count the tutorial's nn.Sequential: Linear, LeakyReLU, then three modules a block.
        let mut index = 2;
        for widths in GENERATOR_WIDTHS.windows(2) {
            let (inputs, outputs) = (widths[0], widths[1]);
            let mut block = linear(inputs, outputs, LEAKY_RELU, &model.pp(index))?;
            block.norm = Some(batch_norm(outputs, BATCH_NORM_EPS, &model.pp(index + 1))?);
            blocks.push(block);
            index += 3;
        }
        let [.., width] = GENERATOR_WIDTHS;
        let pixels = image_shape.elements();
        blocks.push(linear(width, pixels, Activation::Tanh, &model.pp(index))?);
        Ok(Self {
            layers: Sequence::new(blocks)?,
            latent_dim,
            image_shape,
            parameters,
        })
    }

    fn check(&self, z: &Tensor) -> Result<()> {
        let (_, width) = z.dims2()?;
        if width != self.latent_dim {
            let expected = self.latent_dim;
            candle_core::bail!("z has {width} components, the generator takes {expected}");
        }
        Ok(())
    }

    /// `[n, pixels]` → `[n, c, h, w]`, on the same memory if it lies in either order.
    fn images(&self, pixels: &Tensor) -> Result<Tensor> {
        let ImageShape {
            channels,
            height,
            width,
        } = self.image_shape;
        let n = pixels.dim(0)?;
        if pixels.is_contiguous() {
            pixels.reshape((n, channels, height, width))
        } else {
            let by_pixel = pixels.t()?.reshape((channels, height, width, n))?;
            by_pixel.permute((3, 0, 1, 2))
        }
    }
}

impl Generator for MlpGenerator {
    fn forward(&self, z: &Tensor, _labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(z)?;
        self.images(&self.layers.forward(z, mode)?)
    }

    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(z)?;
        if !self.parameters.device().is_cpu() {
            return Ok(self.forward(z, labels, mode)?.detach());
        }
        self.images(&self.layers.infer(z, mode)?)
    }

    fn record(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Recorded> {
        self.check(z)?;
        if !self.parameters.device().is_cpu() {
            return Recorded::on_graph(&[z], &self.parameters, |z| {
                self.forward(z, labels, Mode::Train)
            });
        }
        let Recorded { outputs, tape } = self.layers.record(&[z])?;
        let outputs = outputs.iter().map(|pixels| self.images(pixels));
        Ok(Recorded {
            outputs: outputs.collect::<Result<_>>()?,
            tape,
        })
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
    layers: Sequence,
    image_shape: ImageShape,
    parameters: ParameterStore,
}

impl MlpDiscriminator {
    pub(crate) fn new(image_shape: ImageShape, parameters: ParameterStore) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let mut inputs = image_shape.elements();
        let mut blocks = Vec::new();
        // Every second module of the tutorial's nn.Sequential is a LeakyReLU.
        for (i, outputs) in DISCRIMINATOR_WIDTHS.into_iter().enumerate() {
            blocks.push(linear(inputs, outputs, LEAKY_RELU, &model.pp(2 * i))?);
            inputs = outputs;
        }
        let last = model.pp(2 * blocks.len());
        blocks.push(linear(inputs, 1, Activation::Identity, &last)?);
        Ok(Self {
            layers: Sequence::new(blocks)?,
            image_shape,
            parameters,
        })
    }

    fn check(&self, images: &Tensor) -> Result<()> {
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
        Ok(())
    }
}

impl Discriminator for MlpDiscriminator {
    fn forward(&self, images: &Tensor, _labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(images)?;
        self.layers.forward(images, mode)?.squeeze(1)
    }

    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        for images in batches {
            self.check(images)?;
        }
        if !self.parameters.device().is_cpu() {
            return Recorded::on_graph(batches, &self.parameters, |images| {
                self.forward(images, labels, Mode::Train)
            });
        }
        let Recorded { outputs, tape } = self.layers.record(batches)?;
        let outputs = outputs.iter().map(|logits| logits.squeeze(1));
        Ok(Recorded {
            outputs: outputs.collect::<Result<_>>()?,
            tape,
        })
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}
