//! Who builds the networks of a configuration.

use crate::builder::{Builder, Start};
use crate::mlp::{self, Hidden};
use crate::training_device::check_convolutions;
use crate::{Architecture, ModelConfig, ModelError, NetworkDiscriminator, NetworkGenerator};
use crate::{dcgan, maxout, residual};
use gan_core::{Discriminator, Generator, ImageShape, Op, ParameterStore, Seed};

/// Builds networks. A program that brings architectures of its own implements it for them, with
/// [`Architecture::Own`] in its configurations, and gets the same runs, samples and evaluations. They may be
/// graphs, [`NetworkGenerator`] and [`NetworkDiscriminator`], or anything else that has the traits.
pub trait Networks: Send + Sync {
    /// A generator of `image` for the checked configuration, whose tensors are taken from `parameters`: these
    /// draw the initial weights, are on the device and have the type.
    ///
    /// # Errors
    /// When the configuration is not one of this builder's, or a tensor cannot be made.
    fn generator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Generator>, ModelError>;

    /// The discriminator beside it. seed: of the run, for dropout.
    ///
    /// # Errors
    /// Those of [`generator`](Self::generator).
    fn discriminator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        seed: Seed,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Discriminator>, ModelError>;
}

/// The architectures of this crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownNetworks;

impl Networks for KnownNetworks {
    fn generator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Generator>, ModelError> {
        let latents = ImageShape {
            channels: model.latent_dim,
            height: 1,
            width: 1,
        };
        let start = Start {
            range: model.generator_range,
            output: model.output,
            ..Start::default()
        };
        let mut network = Builder::new(latents, &parameters, start)?;
        if let Some(classes) = model.class_count()? {
            network.apply(Op::AppendClass { classes })?;
        }
        match &model.architecture {
            Architecture::Mlp {
                generator_widths, ..
            } => mlp::generator(&mut network, generator_widths, Hidden::Tutorial, image)?,
            Architecture::Dcgan { width, .. } => dcgan::generator(&mut network, *width, image)?,
            Architecture::Residual { width } => residual::generator(&mut network, *width, image)?,
            Architecture::Maxout => {
                let widths = &maxout::GENERATOR_WIDTHS;
                mlp::generator(&mut network, widths, Hidden::Rectifiers, image)?;
            }
            Architecture::Own { name } => return Err(ModelError::Own { name: name.clone() }),
        }
        let graph = network.finish()?;
        // No generator here has dropout.
        let generator = NetworkGenerator::new(graph, parameters, Seed::default())?;
        Ok(Box::new(generator))
    }

    fn discriminator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        seed: Seed,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        let classes = model.class_count()?;
        // With classes, one more for each; see `Op::ClassLogit`.
        let outputs = 1 + classes.unwrap_or(0);
        let start = Start {
            range: model.discriminator_range,
            input: model.discriminator_pixels,
            ..Start::default()
        };
        let mut network = Builder::new(image, &parameters, start)?;
        match &model.architecture {
            Architecture::Mlp {
                discriminator_widths,
                ..
            } => mlp::discriminator(&mut network, discriminator_widths, outputs)?,
            Architecture::Dcgan {
                width,
                discriminator_norm,
            } => {
                check_convolutions(parameters.device())?;
                dcgan::discriminator(&mut network, *width, *discriminator_norm, outputs)?;
            }
            Architecture::Residual { width } => {
                check_convolutions(parameters.device())?;
                residual::discriminator(&mut network, *width, outputs)?;
            }
            Architecture::Maxout => maxout::discriminator(&mut network, outputs)?,
            Architecture::Own { name } => return Err(ModelError::Own { name: name.clone() }),
        }
        if let Some(classes) = classes {
            network.apply(Op::ClassLogit { classes })?;
        }
        let graph = network.finish()?;
        let discriminator = NetworkDiscriminator::new(graph, parameters, seed)?;
        Ok(Box::new(discriminator))
    }
}
