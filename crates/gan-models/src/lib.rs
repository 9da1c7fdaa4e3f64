//! Generator and discriminator architectures, one file each, and their registry.
//!
//! A [`ModelConfig`] has an [`Architecture`] with its options; [`ModelConfig::generator`] and
//! [`ModelConfig::discriminator`] build the two networks for a shape of image, with initial weights
//! from a seed. Tensor names are those of PyTorch's `state_dict`. A trained generator is saved in a
//! safetensors file that says how to build it: see [`GeneratorHeader`].
//!
//! ```
//! use candle_core::{DType, Device};
//! use gan_core::{Generator, ImageShape, LatentPrior, Mode, Purpose, Seed, NormalPrior};
//! use gan_models::ModelConfig;
//!
//! let seed = Seed(7);
//! let model = ModelConfig::default();
//! let generator = model.generator(ImageShape::MNIST, seed, DType::F32, &Device::Cpu)?;
//! let z = NormalPrior::standard(100).sample(4, &mut seed.rng(Purpose::Sample, 0))?;
//! let images = generator.forward(&z, None, Mode::Eval)?;
//! assert_eq!(images.dims(), [4, 1, 28, 28]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architecture;
mod builder;
mod class_count;
mod config;
mod config_file;
mod dcgan;
mod error;
mod generator_file;
mod maxout;
mod mlp;
mod network_discriminator;
mod network_generator;
mod networks;
mod registry;
mod residual;
mod start;
mod training_device;

pub use architecture::{Architecture, ArchitectureKind, DiscriminatorNorm};
pub use class_count::ClassCount;
pub use config::ModelConfig;
pub use error::ModelError;
pub use generator_file::{
    GENERATOR_FORMAT_VERSION, GeneratorFileError, GeneratorHeader, TrainingData,
};
pub use network_discriminator::NetworkDiscriminator;
pub use network_generator::NetworkGenerator;
pub use networks::{KnownNetworks, Networks};
pub use registry::MAX_VALUES;
pub use start::{DiscriminatorPixels, Output, OutputBias, Prior, set_output_bias};
