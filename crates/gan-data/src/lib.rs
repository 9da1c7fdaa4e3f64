//! From bytes on disk to checked data sets and seeded batches.
//!
//! [`open`] reads a folder whole into a [`Dataset`]: IDX files in MNIST's layout, plain or gzip,
//! or PNG and JPEG images, with subfolders as classes. Pixels stay bytes in memory, a quarter of
//! what they take as f32; a [`DataLoader`] gathers them into batches in [-1, 1] as these are asked
//! for. The order of an epoch is a function of the seed and the epoch alone, so
//! a run that is continued sees what it would have seen.
//!
//! Files are not trusted. What a header promises is held against the file's length before memory
//! is taken, files that a MANIFEST.toml lists are checked by their SHA-256, and what cannot be
//! read is an error that names it, never an image left out. See [`DataError`].
//!
//! ```
//! use candle_core::{DType, Device};
//! use gan_core::Seed;
//! use gan_data::{DataLoader, ImageFolderOptions, Split, open};
//!
//! // Three images of 1 × 2 pixels: the magic number, the sizes, the pixels.
//! let folder = tempfile::tempdir()?;
//! let idx = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 0, 255, 0, 255];
//! std::fs::write(folder.path().join("train-images-idx3-ubyte"), idx)?;
//!
//! let data = open(folder.path(), &ImageFolderOptions::default(), Split::Train)?;
//! assert_eq!((data.len(), data.shape().width), (3, 2));
//!
//! let loader = DataLoader::new(data, 2, Seed(7), DType::F32, &Device::Cpu)?;
//! let batches = loader.epoch(0).collect::<candle_core::Result<Vec<_>>>()?;
//! assert_eq!(batches.len(), 2);
//! assert_eq!(batches[1].images.dims(), [1, 1, 1, 2]);
//! assert_eq!(batches[1].images.flatten_all()?.to_vec1::<f32>()?, [-1.0, 1.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `hub` adds MNIST and Fashion-MNIST from the Hugging Face hub.

mod cifar;
mod dataset;
mod decode;
mod error;
#[cfg(feature = "hub")]
mod hub;
mod idx;
mod idx_folder;
mod image_files;
mod image_folder;
mod jpeg_end;
mod loader;
mod manifest;
mod source;
mod split;
mod stacked;
mod toy;

pub use dataset::Dataset;
pub use decode::{Channels, ImageFolderOptions};
pub use error::{DataError, UnreadableImage};
#[cfg(feature = "hub")]
pub use hub::{HubDataset, from_candle, load_hub};
pub use loader::{DataLoader, Epoch};
pub use source::open;
pub use split::Split;
pub use stacked::stacked;
pub use toy::Toy;
