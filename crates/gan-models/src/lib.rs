//! Generator and discriminator architectures, one file each, and their registry.
//!
//! A [`ModelConfig`] names an architecture; [`ModelConfig::generator`] and
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

mod classes;
mod convolutional;
mod dcgan;
mod generator_file;
mod layers;
mod maxout;
mod mlp;
mod registry;
mod residual;
mod spectral_norm;

pub use generator_file::{
    GENERATOR_FORMAT_VERSION, GeneratorFileError, GeneratorHeader, TrainingData,
};
pub use registry::{Architecture, ClassCount, DiscriminatorNorm, ModelConfig, ModelError};
