//! From a generator's weights to images: seeded sampling, interpolation, grids and files.
//!
//! A [`Sampler`] numbers the images that a generator can make under a [`Seed`](gan_core::Seed):
//! image 12 has its own latent vector and its own bytes, whether it is drawn alone, among 25 for
//! a preview or among 50,000 for a score. To keep memory small it makes at most [`BLOCK_IMAGES`]
//! images at a time, which [`Sampler::blocks`] hands out. [`spherical_path`] interpolates between
//! two latent vectors; [`Sampler::decode`] draws the images of given vectors.
//!
//! Images are f32 tensors `[n, c, h, w]` in [-1, 1] on the CPU until the last moment. One
//! function converts them to bytes, under a [`PixelRange`], for all pictures: single
//! images and the cells of an [`ImageGrid`] are [`Raster`]s, which [`write_png`],
//! [`write_png_sequence`] and [`write_gif`] store. For programs that compute on images,
//! [`write_npy`] writes floats, and [`read_npy`] reads theirs. No file appears under its name
//! before it is complete.
//!
//! ```
//! use gan_core::{Generator, Mode, Seed, NormalPrior};
//! use gan_sample::{ImageGrid, PixelRange, SampleError, Sampler, write_png};
//! use std::path::Path;
//!
//! /// Images 0 to 5 under seed 7, two rows of three.
//! fn contact_sheet(generator: &dyn Generator, path: &Path) -> Result<(), SampleError> {
//!     let prior = Box::new(NormalPrior::standard(generator.latent_dim()));
//!     let sampler = Sampler::new(generator, prior, Seed(7), Mode::Eval)?;
//!     let grid = ImageGrid { rows: 2, columns: 3, range: PixelRange::Fixed };
//!     write_png(path, &grid.render(&sampler.images(0..6)?)?)
//! }
//! # use candle_core::{DType, Device, Tensor};
//! # use gan_core::{ImageShape, ParameterStore, Purpose};
//! # struct Echo(ParameterStore);
//! # impl Generator for Echo {
//! #     fn forward(&self, z: &Tensor, _: Option<&Tensor>, _: Mode) -> candle_core::Result<Tensor> {
//! #         z.tanh()?.reshape(((), 1, 4, 4))
//! #     }
//! #     fn latent_dim(&self) -> usize { 16 }
//! #     fn image_shape(&self) -> ImageShape {
//! #         ImageShape { channels: 1, height: 4, width: 4 }
//! #     }
//! #     fn parameters(&self) -> &ParameterStore { &self.0 }
//! #     fn copy(&self) -> candle_core::Result<Box<dyn Generator>> {
//! #         Ok(Box::new(Echo(self.0.copy()?)))
//! #     }
//! # }
//! # let rng = Seed(0).rng(Purpose::GeneratorInit, 0);
//! # let generator = Echo(ParameterStore::new(rng, DType::F32, &Device::Cpu));
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("sheet.png");
//! # contact_sheet(&generator, &path)?;
//! # assert_eq!(image::image_dimensions(&path)?, (3 * 6 + 2, 2 * 6 + 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classes;
mod error;
mod file;
mod gif;
mod grid;
mod interpolation;
mod npy;
mod npy_header;
mod pixels;
mod png;
mod png_folder;
mod raster;
mod sampler;
mod scatter;

pub use classes::{ClassShares, Classes};
pub use error::SampleError;
pub use gif::write_gif;
pub use grid::ImageGrid;
pub use interpolation::{slerp, spherical_path};
pub use npy::{NpyImages, read_npy, write_npy};
pub use pixels::PixelRange;
pub use png::{encode_png, write_png};
pub use png_folder::{first_foreign_entry, write_png_sequence};
pub use raster::Raster;
pub use sampler::{BLOCK_IMAGES, Sampler};
pub use scatter::Scatter;
