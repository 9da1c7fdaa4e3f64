//! From an architecture's name to its networks.

use crate::maxout::{self, MaxoutDiscriminator};
use crate::mlp::{DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS, Hidden, MlpDiscriminator, MlpGenerator};
use crate::{dcgan, residual};
use candle_core::{DType, Device};
use gan_core::{
    Discriminator, Generator, ImageShape, LatentPrior, NormalPrior, ParameterStore, Purpose, Seed,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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

/// The normalization of the discriminator's layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorNorm {
    /// None, as gradient penalties need.
    #[default]
    None,
    /// Batch normalization, for dcgan.
    Batch,
    /// Spectral normalization, for dcgan.
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
    /// Standard deviation of the latent vectors that images are sampled from, positive; it is 1 in
    /// training. Below 1 images are more typical and less varied.
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
    pub classes: Option<ClassCount>,
}

/// The number of classes of a class-conditional pair of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ClassCountText", try_from = "ClassCountText")]
pub enum ClassCount {
    /// This many.
    Known(usize),
    /// As many as the data set has: to be resolved before a network is built.
    Auto,
}

/// How a configuration spells it: a number, or `auto`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ClassCountText {
    Known(usize),
    Word(String),
}

impl From<ClassCount> for ClassCountText {
    fn from(classes: ClassCount) -> Self {
        match classes {
            ClassCount::Known(classes) => Self::Known(classes),
            ClassCount::Auto => Self::Word("auto".to_string()),
        }
    }
}

impl TryFrom<ClassCountText> for ClassCount {
    type Error = String;

    fn try_from(text: ClassCountText) -> Result<Self, String> {
        match text {
            ClassCountText::Known(classes) => Ok(Self::Known(classes)),
            ClassCountText::Word(word) => word.parse(),
        }
    }
}

impl From<usize> for ClassCount {
    fn from(classes: usize) -> Self {
        Self::Known(classes)
    }
}

impl FromStr for ClassCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Known)
                .map_err(|_| format!("`{text}` is neither a number of classes nor `auto`")),
        }
    }
}

impl Default for ModelConfig {
    /// The tutorial's model.
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
    /// Images without pixels, or with too many.
    #[error("images have shape {shape}, expected 1 to {most} values per image")]
    Image {
        /// Their shape.
        shape: ImageShape,
        /// How many values an image may have.
        most: usize,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Far beyond any use: a typing error must not take all of the memory.
const MAX_LATENT_DIM: usize = 65_536;
const MAX_MLP_WIDTH: usize = 65_536;
const MAX_WIDTH: usize = 1024;
/// Values of an image.
const MAX_PIXELS: usize = 1 << 26;
const MAX_CLASSES: usize = 65_536;
/// Hidden layers of a perceptron.
const MAX_LAYERS: usize = 64;
/// Values of a network, 1 GiB as f32.
const MAX_VALUES: usize = 1 << 28;

impl ModelConfig {
    /// A new generator with initial weights from `seed`.
    ///
    /// # Errors
    /// When the configuration is out of range, the network has more than 2²⁸ values, or a tensor cannot be
    /// created.
    pub fn generator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.generator_within(MAX_VALUES, image_shape, seed, dtype, device)
    }

    /// [`generator`](Self::generator) for an untrusted configuration: a network of more than `most_values`
    /// values, buffers included, is refused before memory is allocated for them.
    ///
    /// # Errors
    /// When the configuration or the image is out of range, the network is larger, or a tensor cannot be
    /// created.
    pub fn generator_within(
        &self,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.validate()?;
        validate_image(image_shape)?;
        let classes = self.class_count()?;
        let parameters = ParameterStore::new(seed.rng(Purpose::GeneratorInit, 0), dtype, device)
            .holding_at_most(most_values);
        Ok(match self.architecture {
            Architecture::Mlp => Box::new(MlpGenerator::new(
                self.latent_dim,
                &self.generator_widths,
                Hidden::Tutorial,
                classes,
                image_shape,
                parameters,
            )?),
            Architecture::Dcgan => Box::new(dcgan::generator(
                self.latent_dim,
                image_shape,
                self.width,
                classes,
                parameters,
            )?),
            Architecture::Residual => Box::new(residual::generator(
                self.latent_dim,
                image_shape,
                self.width,
                classes,
                parameters,
            )?),
            Architecture::Maxout => Box::new(MlpGenerator::new(
                self.latent_dim,
                &maxout::GENERATOR_WIDTHS,
                Hidden::Rectifiers,
                classes,
                image_shape,
                parameters,
            )?),
        })
    }

    /// A new discriminator with initial weights from `seed`.
    ///
    /// # Errors
    /// Those of [`generator`](Self::generator), and when it cannot be trained on this device.
    pub fn discriminator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.discriminator_within(MAX_VALUES, image_shape, seed, dtype, device)
    }

    /// [`discriminator`](Self::discriminator) for an untrusted configuration, like
    /// [`generator_within`](Self::generator_within).
    ///
    /// # Errors
    /// Those of [`generator_within`](Self::generator_within), and when it cannot be trained on this device.
    pub fn discriminator_within(
        &self,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.validate()?;
        self.check_device(device)?;
        validate_image(image_shape)?;
        let classes = self.class_count()?;
        let parameters =
            ParameterStore::new(seed.rng(Purpose::DiscriminatorInit, 0), dtype, device)
                .holding_at_most(most_values);
        Ok(match self.architecture {
            Architecture::Mlp => Box::new(MlpDiscriminator::new(
                image_shape,
                &self.discriminator_widths,
                classes,
                parameters,
            )?),
            Architecture::Dcgan => Box::new(dcgan::discriminator(
                image_shape,
                self.width,
                classes,
                self.discriminator_norm,
                parameters,
            )?),
            Architecture::Residual => Box::new(residual::discriminator(
                image_shape,
                self.width,
                classes,
                parameters,
            )?),
            Architecture::Maxout => Box::new(MaxoutDiscriminator::new(
                image_shape,
                classes,
                seed,
                parameters,
            )?),
        })
    }

    /// The prior that images are sampled from, with [`sampling_deviation`](Self::sampling_deviation).
    pub fn sampling_prior(&self) -> Box<dyn LatentPrior> {
        Box::new(NormalPrior::new(self.latent_dim, self.sampling_deviation))
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
                expected: "a positive number, such as 1".to_string(),
            });
        }
        for (key, widths) in [
            ("generator_widths", &self.generator_widths),
            ("discriminator_widths", &self.discriminator_widths),
        ] {
            if widths.len() > MAX_LAYERS {
                return Err(ModelError::OutOfRange {
                    key,
                    found: format!("{} widths", widths.len()),
                    expected: format!("1 to {MAX_LAYERS} widths"),
                });
            }
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
                expected: format!(
                    "none: only dcgan has others, {} does not",
                    self.architecture
                ),
            });
        }
        within("width", self.width, MAX_WIDTH)?;
        match self.classes {
            Some(ClassCount::Known(classes)) => within("classes", classes, MAX_CLASSES),
            Some(ClassCount::Auto) | None => Ok(()),
        }
    }

    /// The number of classes that networks are built for; `None` if they are not class-conditional.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`] for `auto`, which [`with_classes_of`](Self::with_classes_of)
    /// resolves.
    pub fn class_count(&self) -> Result<Option<usize>, ModelError> {
        match self.classes {
            None => Ok(None),
            Some(ClassCount::Known(classes)) => Ok(Some(classes)),
            Some(ClassCount::Auto) => Err(ModelError::OutOfRange {
                key: "classes",
                found: "auto".to_string(),
                expected: "a number, once the data set is known".to_string(),
            }),
        }
    }

    /// The model with `auto` replaced by the number of classes of a data set, `None` if it has no labels.
    #[must_use]
    pub fn with_classes_of(mut self, data: Option<usize>) -> Self {
        if self.classes == Some(ClassCount::Auto) {
            self.classes = data.map(ClassCount::Known);
        }
        self
    }

    /// Whether the discriminator can be trained on a device. With spectral normalization only the
    /// hand-written tapes give gradients of the trained weights; candle's graph ends at the normalized ones.
    fn check_device(&self, device: &Device) -> Result<(), ModelError> {
        if device.is_cpu() || self.discriminator_norm != DiscriminatorNorm::Spectral {
            return Ok(());
        }
        Err(ModelError::OutOfRange {
            key: "discriminator_norm",
            found: "spectral".to_string(),
            expected: "none or batch on devices other than the CPU".to_string(),
        })
    }

    /// Whether a training batch needs at least two images, because the generator has batch normalization.
    pub fn needs_two_images_a_batch(&self) -> bool {
        match self.architecture {
            Architecture::Mlp | Architecture::Dcgan => true,
            Architecture::Residual | Architecture::Maxout => false,
        }
    }
}

/// Refuses images without values, or with more than [`MAX_PIXELS`].
fn validate_image(shape: ImageShape) -> Result<(), ModelError> {
    let sizes = [shape.channels, shape.height, shape.width];
    let pixels = sizes.into_iter().try_fold(1, usize::checked_mul);
    match pixels {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(ModelError::Image {
            shape,
            most: MAX_PIXELS,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::MetalDevice;

    /// candle without `metal` still has a Metal device, which cannot compute anything.
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
