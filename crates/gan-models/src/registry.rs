//! From an architecture's name to its networks.

use crate::mlp::{MlpDiscriminator, MlpGenerator};
use candle_core::{DType, Device};
use gan_core::{Discriminator, Generator, ImageShape, ParameterStore, Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The architectures, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// The tutorial's multilayer perceptrons.
    #[default]
    Mlp,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mlp => write!(f, "mlp"),
        }
    }
}

/// Which networks to build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The architecture of both networks.
    pub architecture: Architecture,
    /// The width of a latent vector; at least 1.
    pub latent_dim: usize,
}

impl Default for ModelConfig {
    /// The tutorial's.
    fn default() -> Self {
        Self {
            architecture: Architecture::Mlp,
            latent_dim: 100,
        }
    }
}

/// Why a network cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A latent vector needs components.
    #[error("model.latent_dim is {0}, expected 1 to {MAX_LATENT_DIM}")]
    LatentDim(usize),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// Far beyond any use; a typing error should not ask for all of the memory.
const MAX_LATENT_DIM: usize = 65_536;

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
            Architecture::Mlp => {
                Box::new(MlpGenerator::new(self.latent_dim, image_shape, parameters)?)
            }
        })
    }

    /// A new discriminator with first weights from `seed`.
    ///
    /// # Errors
    /// When the configuration is out of range or the tensors cannot be made.
    pub fn discriminator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.validate()?;
        let parameters =
            ParameterStore::new(seed.rng(Purpose::DiscriminatorInit, 0), dtype, device);
        Ok(match self.architecture {
            Architecture::Mlp => Box::new(MlpDiscriminator::new(image_shape, parameters)?),
        })
    }

    /// Whether the values are in range.
    ///
    /// # Errors
    /// Names the key, the value and the range.
    pub fn validate(&self) -> Result<(), ModelError> {
        match self.latent_dim {
            1..=MAX_LATENT_DIM => Ok(()),
            other => Err(ModelError::LatentDim(other)),
        }
    }

    /// Whether a training batch of one image is impossible, because the generator has batch
    /// normalization.
    pub fn needs_two_images_a_batch(&self) -> bool {
        match self.architecture {
            Architecture::Mlp => true,
        }
    }
}
