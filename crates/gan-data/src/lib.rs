//! From bytes on disk to checked data sets and seeded batches.
//!
//! [`open`] reads a folder whole: IDX files in MNIST's layout, plain or gzip, CIFAR-10's binary
//! files, or images (PNG, JPEG, BMP, GIF, WebP, TIFF) with subfolders as classes. It gives
//! [`DataSplits`]: the training images and the held-out images, which are the publisher's test split or
//! a share by the images' contents. [`Reading`] says what was read, changed and skipped.
//!
//! A [`Dataset`] holds pixels as bytes in memory, a quarter of their size as f32, and its parts share
//! them; a [`DataLoader`] gathers them into batches in [-1, 1] when these are needed. The order of an
//! epoch is a function of the seed and the epoch alone, so a resumed run gets the batches that it would
//! have got.
//!
//! Files are not trusted. The sizes in a header are checked against the file's length, or a limit,
//! before memory is allocated; files that a MANIFEST.toml lists are checked by their SHA-256; names are
//! shown without control characters; and a file that cannot be read is an error that names it, never
//! skipped. See [`DataError`].
//!
//! ```
//! use candle_core::{DType, Device};
//! use gan_core::Seed;
//! use gan_data::{DataLoader, Division, Parts, ReadOptions, open};
//!
//! // Three images of 1 × 2 pixels: the magic number, the sizes, the pixels.
//! let folder = tempfile::tempdir()?;
//! let idx = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 0, 255, 0, 255];
//! std::fs::write(folder.path().join("train-images-idx3-ubyte"), idx)?;
//!
//! let splits = open(folder.path(), &ReadOptions::default(), Parts::All)?;
//! assert_eq!((splits.training.len(), splits.training.shape().width), (3, 2));
//! // There are too few images to hold some out.
//! assert!(matches!(splits.division, Division::Nothing { .. }));
//!
//! let loader = DataLoader::new(splits.training, 2, Seed(7), DType::F32, &Device::Cpu)?;
//! let batches = loader.epoch(0).collect::<candle_core::Result<Vec<_>>>()?;
//! assert_eq!(batches.len(), 2);
//! assert_eq!(batches[1].images.dims(), [1, 1, 1, 2]);
//! assert_eq!(batches[1].images.flatten_all()?.to_vec1::<f32>()?, [-1.0, 1.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `hub` adds MNIST, Fashion-MNIST and CIFAR-10 from the Hugging Face hub, which [`open`] reads by
//! the names `hub:mnist`, `hub:fashion-mnist` and `hub:cifar10`. Without it these names are refused.

mod alpha;
mod changes;
mod cifar;
mod class_names;
mod content_hash;
mod dataset;
mod decode;
mod division;
mod error;
mod hub;
#[cfg(feature = "hub")]
mod hub_reader;
mod idx;
mod idx_folder;
mod image_files;
mod image_folder;
mod image_format;
mod jpeg_end;
mod loader;
mod manifest;
mod natural;
mod open;
mod options;
mod part_folders;
mod pictures;
mod reading;
mod several;
mod shown;
mod splits;
mod stacked;
mod toy;
mod webp_chunks;

pub use dataset::Dataset;
pub use division::Division;
pub use error::{DataError, UnreadableImage};
pub use hub::hub_name;
pub use loader::{DataLoader, Epoch};
pub use open::open;
pub use options::{Channels, DEFAULT_HELD_OUT, Parts, ReadOptions};
pub use reading::Reading;
pub use splits::{DataSplits, Validation};
pub use stacked::stacked;
pub use toy::Toy;
