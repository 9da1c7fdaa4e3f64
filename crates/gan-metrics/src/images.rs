//! Sets of images, checked once.

use crate::{Features, MetricError};
use candle_core::{Device, Tensor};
use gan_core::{ImageShape, Purpose, Seed};
use rand::Rng;
use std::sync::Arc;

/// How many images a network or a search is given at a time.
pub(crate) const BLOCK_IMAGES: usize = 256;

/// Rounding may leave a value this far outside of [-1, 1].
const TOLERANCE: f32 = 1e-3;

/// Two or more images of one shape with finite values in [-1, 1], and a name for messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSet {
    name: String,
    shape: ImageShape,
    /// Shared by clones: MNIST's training images take 188 MB.
    pixels: Arc<Vec<f32>>,
    /// Of each image, where they are known.
    labels: Option<Vec<u32>>,
}

impl ImageSet {
    /// Images from `pixels` in NCHW order. `name` is plural, as "generated images".
    ///
    /// # Errors
    /// [`MetricError::Shape`] where they are no whole images, [`MetricError::TooFew`] below two,
    /// [`MetricError::NotFinite`], [`MetricError::PixelRange`].
    pub fn new(
        name: impl Into<String>,
        shape: ImageShape,
        pixels: Vec<f32>,
    ) -> Result<Self, MetricError> {
        let (name, values) = (name.into(), shape.elements());
        if values == 0 || !pixels.len().is_multiple_of(values) {
            return Err(MetricError::Shape {
                what: name,
                values: pixels.len(),
                dimensions: values,
            });
        }
        let at = |place: usize| (place / values, place % values, f64::from(pixels[place]));
        if let Some(place) = pixels.iter().position(|pixel| !pixel.is_finite()) {
            let (row, column, found) = at(place);
            return Err(MetricError::NotFinite {
                what: name,
                row,
                column,
                found,
            });
        }
        let inside = |pixel: &f32| pixel.abs() <= 1.0 + TOLERANCE;
        if let Some(place) = pixels.iter().position(|pixel| !inside(pixel)) {
            let (row, column, found) = at(place);
            return Err(MetricError::PixelRange {
                what: name,
                row,
                column,
                found,
            });
        }
        let images = Self {
            name,
            shape,
            pixels: Arc::new(pixels),
            labels: None,
        };
        if images.count() < 2 {
            return Err(MetricError::TooFew {
                what: images.name.clone(),
                found: images.count(),
                expected: 2,
                why: "to speak of a distribution".to_string(),
            });
        }
        Ok(images)
    }

    /// The images with their classes, one each, which a class-conditional discriminator is told.
    ///
    /// # Errors
    /// [`MetricError::Shape`] for another number of labels.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self, MetricError> {
        if labels.len() != self.count() {
            return Err(MetricError::Shape {
                what: format!("the labels of {}", self.name),
                values: labels.len(),
                dimensions: self.count(),
            });
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// The class of each image, where it is known.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// As [`new`](Self::new), from bytes: 0 becomes -1 and 255 becomes 1.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_bytes(
        name: impl Into<String>,
        shape: ImageShape,
        bytes: &[u8],
    ) -> Result<Self, MetricError> {
        let pixels = bytes.iter().map(|byte| f32::from(*byte) / 127.5 - 1.0);
        Self::new(name, shape, pixels.collect())
    }

    /// `count` images whose every value is uniform in [-1, 1]: a control that no score may like.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn noise(
        name: impl Into<String>,
        shape: ImageShape,
        count: usize,
        seed: Seed,
    ) -> Result<Self, MetricError> {
        let mut rng = seed.rng(Purpose::NoiseImages, 0);
        let values = (0..count * shape.elements()).map(|_| rng.random_range(-1.0..=1.0));
        Self::new(name, shape, values.collect())
    }

    /// Every channel as an image of its own, in order.
    #[must_use]
    pub fn split_channels(mut self) -> Self {
        self.shape.channels = 1;
        self.labels = None;
        self
    }

    /// What the images are, in the plural.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of each.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// How many there are, at least 2.
    pub fn count(&self) -> usize {
        self.pixels.len() / self.shape.elements()
    }

    /// The values of image `index`, CHW.
    ///
    /// # Panics
    /// Beyond the last image.
    pub fn image(&self, index: usize) -> &[f32] {
        let values = self.shape.elements();
        &self.pixels[index * values..][..values]
    }

    /// The values of all images, one after the other.
    pub fn images(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.pixels.chunks_exact(self.shape.elements())
    }

    /// All values, image by image.
    pub(crate) fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// All images as `[n, c, h, w]` tensors of at most 256 each.
    pub fn blocks(&self) -> impl Iterator<Item = candle_core::Result<Tensor>> {
        let shape = self.shape;
        let blocks = self.pixels.chunks(BLOCK_IMAGES * shape.elements());
        blocks.map(move |block| {
            let count = block.len() / shape.elements();
            let dims = (count, shape.channels, shape.height, shape.width);
            Tensor::from_slice(block, dims, &Device::Cpu)
        })
    }

    /// The images numbered `range` as rows of pixels in [0, 1], as the Parzen window takes them.
    ///
    /// # Panics
    /// Beyond the last image.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] below two images.
    pub fn unit_pixels(&self, range: std::ops::Range<usize>) -> Result<Features, MetricError> {
        let values = self.shape.elements();
        let pixels = &self.pixels[range.start * values..range.end * values];
        let unit = pixels.iter().map(|pixel| 0.5 * (f64::from(*pixel) + 1.0));
        Features::new(self.name.clone(), unit.collect(), values)
    }
}
