//! Numbered images under a seed.

use crate::{Classes, SampleError};
use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, LatentPrior, Mode, Purpose, Seed};
use std::ops::Range;

/// How many images a generator makes at a time, at most.
pub const BLOCK_IMAGES: usize = 256;

/// Values of all results of the images that are computed together, at most: 1 GiB.
const MOST_VALUES: u64 = 1 << 28;

/// Draws numbered images from a generator, each from its own latent vector.
///
/// Image k's latent vector comes from the seed's stream k for [`Purpose::Sample`], so image k is
/// the same to the byte whatever the count and the first number.
///
/// In [`Mode::Eval`] an image depends only on its latent vector. In [`Mode::Train`] batch
/// normalization uses the statistics of the image's block, as the previews of many tutorials do, in a
/// copy of the generator. Neither mode changes it, so several threads may sample from one.
pub struct Sampler<'a> {
    generator: &'a dyn Generator,
    prior: Box<dyn LatentPrior>,
    seed: Seed,
    mode: Mode,
    classes: Classes,
}

impl<'a> Sampler<'a> {
    /// A sampler of `generator`'s images under `seed`; `mode` is usually [`Mode::Eval`].
    ///
    /// # Errors
    /// [`SampleError::LatentDim`] when the prior's vectors do not fit the generator.
    pub fn new(
        generator: &'a dyn Generator,
        prior: Box<dyn LatentPrior>,
        seed: Seed,
        mode: Mode,
    ) -> Result<Self, SampleError> {
        if prior.latent_dim() != generator.latent_dim() {
            return Err(SampleError::LatentDim {
                prior: prior.latent_dim(),
                generator: generator.latent_dim(),
            });
        }
        Ok(Self {
            generator,
            prior,
            seed,
            mode,
            classes: Classes::default(),
        })
    }

    /// The same sampler with these classes.
    ///
    /// # Errors
    /// [`SampleError::Class`] when the generator is not class-conditional or does not have this class.
    pub fn of_classes(mut self, classes: Classes) -> Result<Self, SampleError> {
        let known = self.generator.classes();
        let named = match &classes {
            Classes::One(class) => std::slice::from_ref(class),
            Classes::Rows { among, .. } => among,
            Classes::InTurn | Classes::Shares(_) => &[],
        };
        let unknown = |class: &&u32| known.is_none_or(|known| **class as usize >= known);
        if let Some(class) = named.iter().copied().find(|class| unknown(&class)) {
            return Err(SampleError::Class { class, known });
        }
        self.classes = classes;
        Ok(self)
    }

    /// Image number `image`'s latent vector: `[latent_dim]`, f32 on the CPU.
    ///
    /// # Errors
    /// When the prior fails.
    pub fn latent(&self, image: u64) -> Result<Tensor, SampleError> {
        let mut rng = self.seed.rng(Purpose::Sample, image);
        Ok(self.prior.sample(1, &mut rng)?.squeeze(0)?)
    }

    /// The images with these numbers: `[n, c, h, w]`, f32 on the CPU, in [-1, 1].
    ///
    /// All are held in memory; see [`blocks`](Self::blocks) for many.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`] when one of these images has a value that is not finite. Also when
    /// the generator or the prior fails, or returns tensors of the wrong shape.
    pub fn images(&self, numbers: Range<u64>) -> Result<Tensor, SampleError> {
        let blocks = self.aligned(numbers).collect::<Result<Vec<_>, _>>()?;
        self.concatenate(&blocks)
    }

    /// Images 0 to `count` - 1, at most [`BLOCK_IMAGES`] at a time: tensors `[n, c, h, w]`, f32
    /// on the CPU, in [-1, 1]. Each block is made when it is requested.
    ///
    /// # Errors
    /// An item is an error where [`images`](Self::images) would fail.
    pub fn blocks(&self, count: u64) -> impl Iterator<Item = Result<Tensor, SampleError>> {
        self.aligned(0..count)
    }

    /// The images of given latent vectors. z: `[n, latent_dim]` → `[n, c, h, w]`, f32 on the
    /// CPU, in [-1, 1].
    ///
    /// In [`Mode::Train`] the statistics are those of each [`BLOCK_IMAGES`] vectors. The last ones are repeated
    /// to as many, so they have statistics of their own.
    ///
    /// # Errors
    /// [`SampleError::Shape`] when `z` has another shape; [`SampleError::NotFinite`] with the number of
    /// the vector; when the generator fails.
    pub fn decode(&self, z: &Tensor) -> Result<Tensor, SampleError> {
        let latent_dim = self.generator.latent_dim();
        let count = match *z.dims() {
            [count, width] if width == latent_dim => count,
            _ => {
                return Err(SampleError::Shape {
                    what: "the latent vectors",
                    found: z.dims().to_vec(),
                    expected: format!("[n, {latent_dim}]"),
                });
            }
        };
        let mut blocks = Vec::new();
        let step = self.at_a_time() as usize;
        for first in (0..count).step_by(step) {
            let rows = step.min(count - first);
            let mut block = z.narrow(0, first, rows)?;
            if self.needs_whole_blocks() {
                block = repeat_rows(&block)?;
            }
            let images = self.forward(&block, first as u64)?;
            blocks.push(finite(images.narrow(0, 0, rows)?, first as u64)?);
        }
        self.concatenate(&blocks)
    }

    /// Whether other images of a block, and their number, may change an image's bytes. If so it always has the
    /// same row of the same whole block.
    ///
    /// In training mode batch statistics depend on all images. In evaluation mode a graph computes each image
    /// by itself on the CPU; other matrix products may round differently for another number of rows.
    fn needs_whole_blocks(&self) -> bool {
        let is_on_cpu = self.generator.parameters().device().is_cpu();
        let is_by_itself = self.generator.graph().is_some() && is_on_cpu;
        self.mode == Mode::Train || !is_by_itself
    }

    /// How many images are computed together: fewer than a block if a network's results are large and its images
    /// do not depend on each other, lest they fill the memory.
    fn at_a_time(&self) -> u64 {
        let block = BLOCK_IMAGES as u64;
        match self.generator.graph() {
            Some(graph) if !self.needs_whole_blocks() => {
                let results = graph.nodes().iter().map(|node| node.shape().elements());
                let values = results.fold(1, usize::saturating_add) as u64;
                (MOST_VALUES / values).clamp(1, block)
            }
            _ => block,
        }
    }

    /// The images with these numbers, split where the aligned blocks end.
    fn aligned(&self, numbers: Range<u64>) -> impl Iterator<Item = Result<Tensor, SampleError>> {
        const SIZE: u64 = BLOCK_IMAGES as u64;
        let mut next = numbers.start;
        std::iter::from_fn(move || {
            if next >= numbers.end {
                return None;
            }
            let left = (SIZE - next % SIZE)
                .min(numbers.end - next)
                .min(self.at_a_time());
            let (first, rows) = (next, left as usize);
            next += left;
            Some(self.within_block(first, rows))
        })
    }

    /// `rows` images of one aligned block, from number `first`.
    fn within_block(&self, first: u64, rows: usize) -> Result<Tensor, SampleError> {
        let (offset, computed) = match self.needs_whole_blocks() {
            true => (first % BLOCK_IMAGES as u64, BLOCK_IMAGES),
            false => (0, rows),
        };
        let images = self.forward(&self.latents(first - offset, computed)?, first - offset)?;
        finite(images.narrow(0, offset as usize, rows)?, first)
    }

    /// `[rows, latent_dim]`, from image number `first`.
    fn latents(&self, first: u64, rows: usize) -> Result<Tensor, SampleError> {
        let mut latents = Vec::with_capacity(rows * self.prior.latent_dim());
        for row in 0..rows as u64 {
            latents.extend(self.latent(first + row)?.to_vec1::<f32>()?);
        }
        let shape = (rows, self.prior.latent_dim());
        Ok(Tensor::from_vec(latents, shape, &Device::Cpu)?)
    }

    /// Runs vectors `[n, latent_dim]` through the generator, which stays unchanged; `first`: the number of the
    /// first image.
    fn forward(&self, z: &Tensor, first: u64) -> Result<Tensor, SampleError> {
        let rows = z.dim(0)?;
        let parameters = self.generator.parameters();
        let z = z
            .to_dtype(parameters.dtype())?
            .to_device(parameters.device())?;
        let labels = self.labels(first, rows)?;
        let images = match self.mode {
            Mode::Eval => self.generator.infer(&z, labels.as_ref(), Mode::Eval)?,
            // The pass changes running statistics, which other threads may be reading.
            Mode::Train => self
                .generator
                .copy()?
                .infer(&z, labels.as_ref(), Mode::Train)?,
        };
        let shape = self.generator.image_shape();
        let expected = [rows, shape.channels, shape.height, shape.width];
        if images.dims() != expected {
            return Err(SampleError::Shape {
                what: "the generator's images",
                found: images.dims().to_vec(),
                expected: format!("{expected:?}"),
            });
        }
        let images = images.detach().to_device(&Device::Cpu)?;
        Ok(images.to_dtype(DType::F32)?.contiguous()?)
    }

    /// `[rows]`, if the generator is class-conditional.
    fn labels(&self, first: u64, rows: usize) -> Result<Option<Tensor>, SampleError> {
        let Some(known) = self.generator.classes() else {
            return Ok(None);
        };
        let numbers = (0..rows as u64).map(|row| first + row);
        let labels: Vec<u32> = numbers.map(|k| self.classes.of(k, known)).collect();
        Ok(Some(Tensor::new(labels, &Device::Cpu)?))
    }

    /// `[n, c, h, w]` of all blocks, even if there are none.
    fn concatenate(&self, blocks: &[Tensor]) -> Result<Tensor, SampleError> {
        let shape = self.generator.image_shape();
        let none = (0, shape.channels, shape.height, shape.width);
        Ok(match blocks {
            [] => Tensor::zeros(none, DType::F32, &Device::Cpu)?,
            [block] => block.contiguous()?,
            _ => Tensor::cat(blocks, 0)?,
        })
    }
}

/// z: `[n, latent_dim]`, 0 < n ≤ [`BLOCK_IMAGES`] → its rows repeated to [`BLOCK_IMAGES`] rows.
fn repeat_rows(z: &Tensor) -> candle_core::Result<Tensor> {
    let count = z.dim(0)? as u32;
    let rows: Vec<u32> = (0..BLOCK_IMAGES as u32).map(|row| row % count).collect();
    z.index_select(&Tensor::new(rows, z.device())?, 0)
}

/// The images `[n, c, h, w]`, f32 on the CPU, if all values are finite; `first`: the number of the first
/// one.
fn finite(images: Tensor, first: u64) -> Result<Tensor, SampleError> {
    let size = images.dims().iter().skip(1).product::<usize>().max(1);
    let values = images.flatten_all()?.to_vec1::<f32>()?;
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(images),
        Some(place) => Err(SampleError::NotFinite {
            image: first + (place / size) as u64,
            value: place % size,
            found: values[place],
        }),
    }
}
