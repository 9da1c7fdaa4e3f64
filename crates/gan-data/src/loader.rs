//! Data set → shuffled batches of tensors.

use crate::{DataError, Dataset};
use candle_core::{DType, Device, Result, Tensor, WithDType};
use gan_core::{ImageBatch, Pick, Purpose, Seed};
use rand::Rng;
use rand::seq::SliceRandom;
use std::sync::Arc;

/// Gives a data set in shuffled batches, whose order is a function of the seed and the epoch alone.
///
/// An epoch has every image exactly once; its last batch may be smaller. Epochs and batches can be
/// skipped at no cost: `loader.epoch(7).skip(10)` gathers only the images of the batches that it gives.
#[derive(Clone, Debug)]
pub struct DataLoader {
    dataset: Arc<Dataset>,
    batch_size: usize,
    seed: Seed,
    table: Table,
    device: Device,
    mirrors: bool,
}

impl DataLoader {
    /// A loader of batches in `dtype` on `device`.
    ///
    /// # Errors
    /// [`DataError::BatchSize`] when `batch_size` is 0 or more than the data set holds, and
    /// [`DataError::Mismatch`] when `dtype` is neither f32 nor f64.
    pub fn new(
        dataset: impl Into<Arc<Dataset>>,
        batch_size: usize,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, DataError> {
        let dataset = dataset.into();
        if batch_size == 0 || batch_size > dataset.len() {
            return Err(DataError::BatchSize {
                batch_size,
                images: dataset.len(),
                origin: dataset.origin().to_string(),
            });
        }
        Ok(Self {
            dataset,
            batch_size,
            seed,
            table: Table::new(dtype)?,
            device: device.clone(),
            mirrors: false,
        })
    }

    /// The same loader, with each image mirrored left to right with a probability of 1/2.
    #[must_use]
    pub fn mirroring(mut self) -> Self {
        self.mirrors = true;
        self
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The number of images in every batch but the last of an epoch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The number of images in the last batch of an epoch, from 1 to the batch size.
    pub fn last_batch_size(&self) -> usize {
        self.dataset.len() - (self.steps_per_epoch() - 1) * self.batch_size
    }

    /// The number of batches in an epoch, a smaller last one included.
    pub fn steps_per_epoch(&self) -> usize {
        self.dataset.len().div_ceil(self.batch_size)
    }

    /// The order of the images in an epoch, counted from 0: indices into the data set.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        order.shuffle(&mut self.seed.rng(Purpose::Shuffle, epoch));
        order
    }

    /// The batches of an epoch, counted from 0: images `[n, c, h, w]` in [-1, 1], and labels `[n]` if the
    /// data set has them. An item is an error when its tensors cannot be created.
    pub fn epoch(&self, epoch: u64) -> Epoch<'_> {
        let mut rng = self.seed.rng(Purpose::Mirror, epoch);
        let mirrored = if self.mirrors { self.dataset.len() } else { 0 };
        Epoch {
            loader: self,
            order: self.order(epoch),
            mirrored: (0..mirrored).map(|_| rng.random()).collect(),
            position: 0,
        }
    }

    /// The batches of a run from its step `step` on, epoch after epoch without end. The batches before it
    /// are not gathered.
    pub fn batches_from(&self, step: u64) -> impl Iterator<Item = Result<ImageBatch>> {
        self.picks_from(step).map(|picks| self.batch(&picks))
    }

    /// The images of these batches by their numbers, for an engine that has the data set.
    pub fn picks_from(&self, step: u64) -> impl Iterator<Item = Vec<Pick>> + '_ {
        let steps_per_epoch = self.steps_per_epoch() as u64;
        let first = step / steps_per_epoch;
        let passed = (step % steps_per_epoch) as usize;
        (first..).flat_map(move |number| {
            let mut epoch = self.epoch(number);
            if number == first {
                epoch.position = passed * self.batch_size;
            }
            std::iter::from_fn(move || epoch.next_picks())
        })
    }

    fn batch(&self, picks: &[Pick]) -> Result<ImageBatch> {
        let labels = self.dataset.labels().map(|labels| {
            let label = |pick: &Pick| labels[pick.image as usize];
            let labels: Vec<u32> = picks.iter().map(label).collect();
            Tensor::from_vec(labels, picks.len(), &self.device)
        });
        Ok(ImageBatch {
            images: match &self.table {
                Table::F32(table) => self.images(picks, table),
                Table::F64(table) => self.images(picks, table),
            }?,
            labels: labels.transpose()?,
        })
    }

    fn images<T: WithDType>(&self, picks: &[Pick], table: &[T]) -> Result<Tensor> {
        let shape = self.dataset.shape();
        let mut values = Vec::with_capacity(picks.len() * shape.elements());
        for pick in picks {
            let image = self.dataset.image(pick.image as usize).unwrap_or_default();
            let value = |byte: &u8| table[usize::from(*byte)];
            if pick.is_mirrored {
                let rows = image.chunks_exact(shape.width);
                values.extend(rows.flat_map(|row| row.iter().rev().map(value)));
            } else {
                values.extend(image.iter().map(value));
            }
        }
        let shape = (picks.len(), shape.channels, shape.height, shape.width);
        Tensor::from_vec(values, shape, &self.device)
    }
}

/// The batches of one epoch that are still to come; see [`DataLoader::epoch`].
#[derive(Clone, Debug)]
pub struct Epoch<'a> {
    loader: &'a DataLoader,
    order: Vec<usize>,
    /// Whether the image at this place in the order is mirrored; empty if none is.
    mirrored: Vec<bool>,
    position: usize,
}

impl Epoch<'_> {
    /// The images of the next batch; none at the end.
    fn next_picks(&mut self) -> Option<Vec<Pick>> {
        let begin = self.position;
        let end = self.order.len().min(begin + self.loader.batch_size);
        let pick = |place: usize| Pick {
            image: self.order[place] as u32,
            is_mirrored: self.mirrored.get(place) == Some(&true),
        };
        let picks: Vec<Pick> = (begin..end).map(pick).collect();
        self.position = end;
        (!picks.is_empty()).then_some(picks)
    }
}

impl Iterator for Epoch<'_> {
    type Item = Result<ImageBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let picks = self.next_picks()?;
        Some(self.loader.batch(&picks))
    }

    /// Skips `n` batches without gathering them, which makes `skip` cheap.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let passed = n.saturating_mul(self.loader.batch_size);
        self.position = self.position.saturating_add(passed).min(self.order.len());
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.position).div_ceil(self.loader.batch_size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Epoch<'_> {}

/// The value of each of the 256 bytes: x / 127.5 - 1, rounded once.
#[derive(Clone, Debug)]
enum Table {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Table {
    fn new(dtype: DType) -> std::result::Result<Self, DataError> {
        let values = (0..=u8::MAX).map(|byte| f64::from(byte) / 127.5 - 1.0);
        match dtype {
            DType::F32 => Ok(Self::F32(values.map(|value| value as f32).collect())),
            DType::F64 => Ok(Self::F64(values.collect())),
            other => Err(DataError::Mismatch {
                origin: "the data loader's element type".to_string(),
                found: format!("{other:?}"),
                expected: "F32 or F64".to_string(),
            }),
        }
    }
}
