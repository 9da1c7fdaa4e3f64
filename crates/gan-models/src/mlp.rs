//! The tutorial's multilayer perceptrons: a generator with batch normalization, a plain discriminator.

use crate::classes::{self, readout, with_class};
use crate::layers::{batch_norm, linear};
use candle_core::{Result, Tensor};
use gan_core::{Discriminator, Generator, ImageShape, Mode, ParameterStore, Recorded};
use gan_ops::{Activation, Sequence};

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.2 };

/// What follows a generator's linear hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// Leaky ReLU, after batch normalization in all layers but the first.
    Tutorial,
    /// ReLU only.
    Rectifiers,
}

impl Hidden {
    fn activation(self) -> Activation {
        match self {
            Self::Tutorial => LEAKY_RELU,
            Self::Rectifiers => Activation::LeakyRelu { slope: 0.0 },
        }
    }
}

/// The tutorial writes `BatchNorm1d(n, 0.8)`, whose second argument is eps, not momentum.
const BATCH_NORM_EPS: f64 = 0.8;

/// Widths of the tutorial's generator's hidden layers; the first has no batch normalization.
pub(crate) const GENERATOR_WIDTHS: [usize; 4] = [128, 256, 512, 1024];

/// Widths of the tutorial's discriminator's hidden layers.
pub(crate) const DISCRIMINATOR_WIDTHS: [usize; 2] = [512, 256];

/// z, with its one-hot class if it has classes → 128 → 256 → 512 → 1024 → pixels.
pub(crate) struct MlpGenerator {
    layers: Sequence,
    latent_dim: usize,
    widths: Vec<usize>,
    hidden: Hidden,
    classes: Option<usize>,
    image_shape: ImageShape,
    parameters: ParameterStore,
}

impl MlpGenerator {
    /// widths: of the hidden layers, at least one.
    pub(crate) fn new(
        latent_dim: usize,
        widths: &[usize],
        hidden: Hidden,
        classes: Option<usize>,
        image_shape: ImageShape,
        parameters: ParameterStore,
    ) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let mut blocks = Vec::new();
        let mut inputs = classes::latent_shape(latent_dim, classes).elements();
        // The numbers count the modules of an nn.Sequential: linear, normalization, activation.
        let mut index = 0;
        for (number, outputs) in widths.iter().enumerate() {
            let mut block = linear(inputs, *outputs, hidden.activation(), &model.pp(index))?;
            index += 1;
            if number > 0 && hidden == Hidden::Tutorial {
                let builder = model.pp(index);
                let norm = batch_norm(*outputs, BATCH_NORM_EPS, &parameters, &builder)?;
                block.norm = Some(norm);
                index += 1;
            }
            blocks.push(block);
            index += 1;
            inputs = *outputs;
        }
        let pixels = image_shape.elements();
        blocks.push(linear(inputs, pixels, Activation::Tanh, &model.pp(index))?);
        Ok(Self {
            layers: Sequence::new(blocks)?,
            latent_dim,
            widths: widths.to_vec(),
            hidden,
            classes,
            image_shape,
            parameters,
        })
    }

    /// The first layer's input, `[n, latent_dim + classes]`.
    fn input(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        with_class(z, self.latent_dim, labels, self.classes)
    }

    /// `[n, pixels]` → `[n, c, h, w]`, in the same memory if it is contiguous in either order.
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
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.images(&self.layers.forward(&self.input(z, labels)?, mode)?)
    }

    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        if !self.parameters.device().is_cpu() {
            return Ok(self.forward(z, labels, mode)?.detach());
        }
        self.images(&self.layers.infer(&self.input(z, labels)?, mode)?)
    }

    fn record(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Recorded> {
        if !self.parameters.device().is_cpu() {
            return Recorded::on_graph(&[z], &self.parameters, |z| {
                self.forward(z, labels, Mode::Train)
            });
        }
        let Recorded { outputs, tape } = self.layers.record(&[&self.input(z, labels)?])?;
        let outputs = outputs.iter().map(|pixels| self.images(pixels));
        Ok(Recorded {
            outputs: outputs.collect::<Result<_>>()?,
            tape,
        })
    }

    fn latent_dim(&self) -> usize {
        self.latent_dim
    }

    fn classes(&self) -> Option<usize> {
        self.classes
    }

    fn image_shape(&self) -> ImageShape {
        self.image_shape
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    fn copy(&self) -> Result<Box<dyn Generator>> {
        Ok(Box::new(Self::new(
            self.latent_dim,
            &self.widths,
            self.hidden,
            self.classes,
            self.image_shape,
            self.parameters.copy()?,
        )?))
    }
}

/// pixels → 512 → 256 → logit.
pub(crate) struct MlpDiscriminator {
    layers: Sequence,
    image_shape: ImageShape,
    classes: Option<usize>,
    parameters: ParameterStore,
}

impl MlpDiscriminator {
    /// widths: of the hidden layers, at least one.
    pub(crate) fn new(
        image_shape: ImageShape,
        widths: &[usize],
        classes: Option<usize>,
        parameters: ParameterStore,
    ) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let mut inputs = image_shape.elements();
        let mut blocks = Vec::new();
        // Every second module of the tutorial's nn.Sequential is a LeakyReLU.
        for (i, outputs) in widths.iter().enumerate() {
            blocks.push(linear(inputs, *outputs, LEAKY_RELU, &model.pp(2 * i))?);
            inputs = *outputs;
        }
        let last = model.pp(2 * blocks.len());
        let outputs = classes::outputs(classes);
        blocks.push(linear(inputs, outputs, Activation::Identity, &last)?);
        Ok(Self {
            layers: Sequence::new(blocks)?,
            image_shape,
            classes,
            parameters,
        })
    }
}

impl Discriminator for MlpDiscriminator {
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let readout = readout(images, self.image_shape, labels, self.classes)?;
        (self.layers.forward(images, mode)? * readout)?.sum(1)
    }

    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        if !self.parameters.device().is_cpu() {
            return Recorded::on_graph(batches, &self.parameters, |images| {
                self.forward(images, labels, Mode::Train)
            });
        }
        let readouts = batches.iter();
        let readouts =
            readouts.map(|images| readout(images, self.image_shape, labels, self.classes));
        let readouts = readouts.collect::<Result<Vec<_>>>()?;
        self.layers.record_logits(batches, &readouts)
    }

    fn has_second_derivatives(&self) -> bool {
        self.parameters.device().is_cpu() && self.layers.has_second_derivatives()
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}
