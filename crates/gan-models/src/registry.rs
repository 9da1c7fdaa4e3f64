//! From an architecture's name to its networks.

use crate::maxout::{self, MaxoutDiscriminator};
use crate::mlp::{DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS, Hidden, MlpDiscriminator, MlpGenerator};
use crate::{dcgan, residual};
use candle_core::{DType, Device};
use gan_core::{
    Discriminator, Generator, ImageShape, LatentPrior, ParameterStore, Purpose, Seed,
    StandardNormalPrior,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The architectures, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// The tutorial's multilayer perceptrons.
    #[default]
    Mlp,
    /// Strided convolutions, as in DCGAN.
    Dcgan,
    /// Small residual networks, as in R3GAN.
    Residual,
    /// The 2014 paper's: a rectifier generator, a discriminator of maxout units with dropout.
    Maxout,
}

/// What keeps the discriminator's layers in bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorNorm {
    /// Nothing, which gradient penalties need.
    #[default]
    None,
    /// Batch normalization, of dcgan.
    Batch,
    /// Spectral normalization, of dcgan.
    Spectral,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp => write!(f, "mlp"),
            Self::Dcgan => write!(f, "dcgan"),
            Self::Residual => write!(f, "residual"),
            Self::Maxout => write!(f, "maxout"),
        }
    }
}

/// Which networks to build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture of both networks.
    pub architecture: Architecture,
    /// The width of a latent vector; at least 1.
    pub latent_dim: usize,
    /// Standard deviation of the latent vectors that images are sampled from, positive; training
    /// takes 1. Below 1 images are more typical and fewer kinds of them are drawn.
    pub sampling_deviation: f64,
    /// Widths of an mlp generator's hidden layers, at least one; all but the first have batch
    /// normalization.
    pub generator_widths: Vec<usize>,
    /// Widths of an mlp discriminator's hidden layers, at least one.
    pub discriminator_widths: Vec<usize>,
    /// Channels of the convolutional networks' widest images, at least 1; deeper layers have
    /// multiples of it.
    pub width: usize,
    /// The discriminator's normalization.
    pub discriminator_norm: DiscriminatorNorm,
    /// The number of classes of a class-conditional pair; at least 1. None: not conditional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
}

impl Default for ModelConfig {
    /// The tutorial's.
    fn default() -> Self {
        Self {
            architecture: Architecture::Mlp,
            latent_dim: 100,
            sampling_deviation: 1.0,
            generator_widths: GENERATOR_WIDTHS.to_vec(),
            discriminator_widths: DISCRIMINATOR_WIDTHS.to_vec(),
            width: 64,
            discriminator_norm: DiscriminatorNorm::None,
            classes: None,
        }
    }
}

/// Why a network cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A value is out of its range.
    #[error("model.{key} is {found}, expected {expected}")]
    OutOfRange {
        /// The configuration key.
        key: &'static str,
        /// Its value.
        found: String,
        /// Its range.
        expected: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Far beyond any use; a typing error should not ask for all of the memory.
const MAX_LATENT_DIM: usize = 65_536;
const MAX_MLP_WIDTH: usize = 65_536;
const MAX_WIDTH: usize = 1024;
/// Values of an image.
const MAX_PIXELS: usize = 1 << 26;
const MAX_CLASSES: usize = 65_536;

impl ModelConfig {
    /// A new generator with first weights from `seed`.
    ///
    /// # Errors
    /// When the configuration is out of range or the tensors cannot be made.
    pub fn generator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.validate()?;
        let parameters = ParameterStore::new(seed.rng(Purpose::GeneratorInit, 0), dtype, device);
        Ok(match self.architecture {
            Architecture::Mlp => Box::new(MlpGenerator::new(
                self.latent_dim,
                &self.generator_widths,
                Hidden::Tutorial,
                self.classes,
                image_shape,
                parameters,
            )?),
            Architecture::Dcgan => Box::new(dcgan::generator(
                self.latent_dim,
                image_shape,
                self.width,
                self.classes,
                parameters,
            )?),
            Architecture::Residual => Box::new(residual::generator(
                self.latent_dim,
                image_shape,
                self.width,
                self.classes,
                parameters,
            )?),
            Architecture::Maxout => Box::new(MlpGenerator::new(
                self.latent_dim,
                &maxout::GENERATOR_WIDTHS,
                Hidden::Rectifiers,
                self.classes,
                image_shape,
                parameters,
            )?),
        })
    }

    /// A new discriminator with first weights from `seed`.
    ///
    /// # Errors
    /// When the configuration is out of range, not to be had on this device, or the tensors cannot be
    /// made.
    pub fn discriminator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.validate()?;
        self.check_device(device)?;
        let parameters =
            ParameterStore::new(seed.rng(Purpose::DiscriminatorInit, 0), dtype, device);
        Ok(match self.architecture {
            Architecture::Mlp => Box::new(MlpDiscriminator::new(
                image_shape,
                &self.discriminator_widths,
                self.classes,
                parameters,
            )?),
            Architecture::Dcgan => Box::new(dcgan::discriminator(
                image_shape,
                self.width,
                self.classes,
                self.discriminator_norm,
                parameters,
            )?),
            Architecture::Residual => Box::new(residual::discriminator(
                image_shape,
                self.width,
                self.classes,
                parameters,
            )?),
            Architecture::Maxout => Box::new(MaxoutDiscriminator::new(
                image_shape,
                self.classes,
                seed,
                parameters,
            )?),
        })
    }

    /// What images are sampled from.
    pub fn sampling_prior(&self) -> Box<dyn LatentPrior> {
        let prior = StandardNormalPrior::new(self.latent_dim);
        Box::new(prior.with_deviation(self.sampling_deviation))
    }

    /// Whether the values are in range.
    ///
    /// # Errors
    /// Names the key, the value and the range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let within = |key, found: usize, most: usize| {
            if (1..=most).contains(&found) {
                return Ok(());
            }
            Err(ModelError::OutOfRange {
                key,
                found: found.to_string(),
                expected: format!("1 to {most}"),
            })
        };
        within("latent_dim", self.latent_dim, MAX_LATENT_DIM)?;
        let deviation = self.sampling_deviation;
        if !(deviation > 0.0 && deviation.is_finite()) {
            return Err(ModelError::OutOfRange {
                key: "sampling_deviation",
                found: deviation.to_string(),
                expected: "a positive number, as 1".to_string(),
            });
        }
        for (key, widths) in [
            ("generator_widths", &self.generator_widths),
            ("discriminator_widths", &self.discriminator_widths),
        ] {
            within(
                key,
                widths.iter().min().copied().unwrap_or(0),
                MAX_MLP_WIDTH,
            )?;
            within(
                key,
                widths.iter().max().copied().unwrap_or(0),
                MAX_MLP_WIDTH,
            )?;
        }
        if self.architecture != Architecture::Dcgan
            && self.discriminator_norm != DiscriminatorNorm::None
        {
            return Err(ModelError::OutOfRange {
                key: "discriminator_norm",
                found: format!("{:?}", self.discriminator_norm).to_lowercase(),
                expected: format!("none: only dcgan has others, not {}", self.architecture),
            });
        }
        within("width", self.width, MAX_WIDTH)?;
        within("classes", self.classes.unwrap_or(1), MAX_CLASSES)
    }

    /// Whether the discriminator can be trained there. With spectral normalization only tapes by hand
    /// lead back to the trained weights: those on candle's graph end at the normalized ones.
    fn check_device(&self, device: &Device) -> Result<(), ModelError> {
        if device.is_cpu() || self.discriminator_norm != DiscriminatorNorm::Spectral {
            return Ok(());
        }
        Err(ModelError::OutOfRange {
            key: "discriminator_norm",
            found: "spectral".to_string(),
            expected: "none or batch on another device than the CPU".to_string(),
        })
    }

    /// A number of values that a generator of images of this shape has at least; none if there is no
    /// such generator.
    pub(crate) fn least_generator_values(&self, image: ImageShape) -> Option<usize> {
        let ImageShape {
            channels,
            height,
            width,
        } = image;
        let pixels = channels.checked_mul(height)?.checked_mul(width)?;
        if pixels == 0 || pixels > MAX_PIXELS {
            return None;
        }
        let product = |factors: &[usize]| {
            let mut factors = factors.iter();
            factors.try_fold(1_usize, |product, factor| product.checked_mul(*factor))
        };
        match self.architecture {
            Architecture::Mlp | Architecture::Maxout => {
                let widths = match self.architecture {
                    Architecture::Maxout => &maxout::GENERATOR_WIDTHS[..],
                    _ => &self.generator_widths,
                };
                let mut inputs = self.latent_dim;
                let mut values = pixels;
                for outputs in widths {
                    values = values.checked_add(product(&[inputs, *outputs])?)?;
                    inputs = *outputs;
                }
                values.checked_add(product(&[inputs, pixels])?)
            }
            Architecture::Dcgan => product(&[self.latent_dim.max(self.width), self.width]),
            Architecture::Residual => {
                let sides = residual::smallest_sides(image);
                product(&[
                    self.latent_dim.max(self.width),
                    self.width,
                    sides[0],
                    sides[1],
                ])
            }
        }
    }

    /// Whether a training batch of one image is impossible, because the generator has batch
    /// normalization.
    pub fn needs_two_images_a_batch(&self) -> bool {
        match self.architecture {
            Architecture::Mlp | Architecture::Dcgan => true,
            Architecture::Residual | Architecture::Maxout => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::MetalDevice;

    /// candle without `metal` has a device of that name all the same, which can do nothing.
    #[test]
    fn spectral_normalization_is_refused_on_another_device_before_it_is_used() {
        let model = ModelConfig {
            architecture: Architecture::Dcgan,
            discriminator_norm: DiscriminatorNorm::Spectral,
            ..ModelConfig::default()
        };
        let (image, elsewhere) = (ImageShape::MNIST, Device::Metal(MetalDevice));
        let error = model.discriminator(image, Seed(0), DType::F32, &elsewhere);
        let error = error.err().unwrap().to_string();
        assert!(
            error.contains("model.discriminator_norm is spectral") && error.contains("CPU"),
            "{error}"
        );
        assert!(model.check_device(&Device::Cpu).is_ok());
        for discriminator_norm in [DiscriminatorNorm::None, DiscriminatorNorm::Batch] {
            let model = ModelConfig {
                discriminator_norm,
                ..model.clone()
            };
            assert!(model.check_device(&elsewhere).is_ok());
        }
    }
}
