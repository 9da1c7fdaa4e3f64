//! Who builds the networks of a configuration.

use crate::convolutional::{ConvGenerator, ConvGeneratorPlan};
use crate::maxout::{self, MaxoutDiscriminator};
use crate::mlp::{Hidden, MlpDiscriminator, MlpGenerator};
use crate::{Architecture, ModelConfig, ModelError, dcgan, residual};
use gan_core::{Discriminator, Generator, ImageShape, ParameterStore, Seed};

/// Builds networks. A program that brings architectures of its own implements it for them, with
/// [`Architecture::Own`] in its configurations, and gets the same runs, samples and evaluations.
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
        let classes = model.class_count()?;
        let convolutional = |net, width| ConvGeneratorPlan {
            latent_dim: model.latent_dim,
            image,
            width,
            classes,
            net,
        };
        Ok(match &model.architecture {
            Architecture::Mlp {
                generator_widths, ..
            } => Box::new(MlpGenerator::new(
                model.latent_dim,
                generator_widths,
                Hidden::Tutorial,
                classes,
                image,
                parameters,
            )?),
            Architecture::Dcgan { width, .. } => Box::new(ConvGenerator::new(
                convolutional(dcgan::generator, *width),
                parameters,
            )?),
            Architecture::Residual { width } => Box::new(ConvGenerator::new(
                convolutional(residual::generator, *width),
                parameters,
            )?),
            Architecture::Maxout => Box::new(MlpGenerator::new(
                model.latent_dim,
                &maxout::GENERATOR_WIDTHS,
                Hidden::Rectifiers,
                classes,
                image,
                parameters,
            )?),
            Architecture::Own { name } => return Err(ModelError::Own { name: name.clone() }),
        })
    }

    fn discriminator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        seed: Seed,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        let classes = model.class_count()?;
        Ok(match &model.architecture {
            Architecture::Mlp {
                discriminator_widths,
                ..
            } => Box::new(MlpDiscriminator::new(
                image,
                discriminator_widths,
                classes,
                parameters,
            )?),
            Architecture::Dcgan {
                width,
                discriminator_norm,
            } => Box::new(dcgan::discriminator(
                image,
                *width,
                classes,
                *discriminator_norm,
                parameters,
            )?),
            Architecture::Residual { width } => {
                Box::new(residual::discriminator(image, *width, classes, parameters)?)
            }
            Architecture::Maxout => {
                Box::new(MaxoutDiscriminator::new(image, classes, seed, parameters)?)
            }
            Architecture::Own { name } => return Err(ModelError::Own { name: name.clone() }),
        })
    }
}
