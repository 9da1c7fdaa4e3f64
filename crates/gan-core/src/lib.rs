//! The vocabulary of the workbench: small types and traits that all other crates use.
//!
//! A generative adversarial network is a [`Generator`] that turns latent vectors from a
//! [`LatentPrior`] into images, a [`Discriminator`] that turns images into logits, and an
//! [`AdversarialLoss`] that both minimise. Data comes as [`ImageBatch`]es whose images have an
//! [`ImageShape`] and values in [-1, 1].
//!
//! There is no hidden state: randomness comes from a [`Seed`], the mode of a forward pass is an
//! argument, and a network's tensors are in a [`ParameterStore`] under the names that PyTorch's
//! `state_dict` would give them.
//!
//! ```
//! use gan_core::{LatentPrior, Purpose, Seed, NormalPrior};
//!
//! let prior = NormalPrior::standard(100);
//! let z = prior.sample(4, &mut Seed(7).rng(Purpose::Sample, 0))?;
//! assert_eq!(z.dims(), [4, 100]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod atomic_file;
mod batch;
mod hex;
mod image_bytes;
mod image_shape;
mod loss;
mod mode;
mod networks;
mod normal;
mod parameters;
mod pixel;
mod prior;
mod recorded;
mod regular;
mod seal;
mod seed;
mod shown;
mod unfinished;
mod weights;

pub use atomic_file::{check_folder, write_atomically, write_folder_atomically};
pub use batch::ImageBatch;
pub use candle_nn::Init;

pub use hex::hex;
pub use image_bytes::ImageBytes;
pub use image_shape::ImageShape;
pub use loss::AdversarialLoss;
pub use mode::Mode;
pub use networks::{Discriminator, Generator};
pub use parameters::{Parameter, ParameterKind, ParameterStore};
pub use pixel::{byte_to_value, unit_to_byte, value_to_byte};
pub use prior::{LatentPrior, NormalPrior};
pub use recorded::{Recorded, Tape};
pub use regular::read_regular;
pub use seed::{Purpose, Seed};
pub use shown::{shown, shown_text};
pub use unfinished::{is_unfinished, remove_unfinished};
pub use weights::{Weights, WeightsError};
