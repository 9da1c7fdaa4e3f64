//! The vocabulary of the workbench: small types and traits that all other crates use.
//!
//! A generative adversarial network is a [`Generator`] that turns latent vectors from a
//! [`LatentPrior`] into images, a [`Discriminator`] that turns images into logits, and an
//! [`AdversarialLoss`] that both minimise. Data comes as [`ImageBatch`]es whose images have an
//! [`ImageShape`] and values in [-1, 1].
//!
//! A [`Graph`] describes a network as plain data: its operations, their shapes and the names of their
//! tensors.
//!
//! There is no hidden state: randomness comes from a [`Seed`], the mode of a forward pass is an
//! argument, and a network's tensors are in a [`ParameterStore`] under the names that PyTorch's
//! `state_dict` would give them.
//!
//! Tensors and devices are candle's. Programs that use these crates take candle from here, as
//! [`candle_core`] and [`candle_nn`]: tensors of another version are of other types.
//!
//! A dependency takes its optimization from the workspace that is built. A crate elsewhere that uses these
//! crates needs this in its Cargo.toml, or its dev builds compute many times slower:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
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
mod causes;
mod error_class;
pub mod exact;
mod finite;
mod graph;
mod grouped;
mod hex;
mod image_bytes;
mod image_shape;
mod loss;
mod mode;
mod networks;
mod normal;
mod optional;
mod parameters;
mod pixel;
mod prior;
mod ranges;
mod recorded;
mod regular;
mod seal;
mod seed;
mod sequences;
mod shown;
mod unfinished;
mod weights;
mod wrapped;

pub use atomic_file::{check_folder, write_atomically, write_folder_atomically};
pub use batch::{ImageBatch, Pick};
pub use candle_core;
pub use candle_nn::{self, Init};
pub use causes::with_causes;
pub use error_class::ErrorClass;
pub use finite::is_finite;
pub use graph::{
    Graph, GraphParameter, GraphStage, GraphStages, Node, NodeId, Op, Source, Weight, Window,
};
pub use grouped::grouped;
pub use hex::hex;
pub use image_bytes::ImageBytes;
pub use image_shape::ImageShape;
pub use loss::AdversarialLoss;
pub use mode::Mode;
pub use networks::{Discriminator, Generator};
pub use optional::optional;
pub use parameters::{Parameter, ParameterKind, ParameterStore};
pub use pixel::{byte_to_value, unit_to_byte, value_to_byte};
pub use prior::{LatentPrior, NormalPrior, UniformPrior};
pub use ranges::{Number, OutOfRange, Range, check_ranges};
pub use recorded::{Recorded, Tape};
pub use regular::read_regular;
pub use seed::{Purpose, Seed};
pub use sequences::Sequences;
pub use shown::{shown, shown_text};
pub use unfinished::{is_unfinished, remove_unfinished};
pub use weights::{Weights, WeightsError};
pub use wrapped::{packed, wrapped};
