//! Sets of images, validated once and held as bytes.

use crate::MetricError;
use candle_core::{Device, Tensor};
use gan_core::{ImageBytes, ImageShape, Purpose, Seed, byte_to_value, value_to_byte};
use rand::Rng;
use rand::seq::SliceRandom;

/// The most images, and the most values, that a network is given at a time.
pub(crate) const BLOCK_IMAGES: usize = 256;
const BLOCK_VALUES: usize = 1 << 20;

/// Rounding may leave a value this far outside of [-1, 1].
const TOLERANCE: f32 = 1e-3;

/// Two or more images of one shape, one byte per value, and a name for messages.
///
/// Real images and image files consist of bytes; so a generator has the same scores as the PNG files of
/// its images.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageSet {
    name: String,
    images: ImageBytes,
    /// The class of each image, if they are known.
    labels: Option<Vec<u32>>,
}

/// What a part of a set is drawn for; each purpose draws other images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Real images to score against.
    Real = 0,
    /// Training images for the whitening of features.
    Whitening = 1,
    /// Real images in place of generated ones, as a control.
    Control = 2,
    /// Training images for the choice of the Parzen window's width.
    ParzenWidth = 3,
    /// Training images fed to the discriminator.
    Discriminator = 4,
    /// Images of a file or a folder that is scored.
    Scored = 5,
    /// The order in which images are divided into the splits of an Inception score.
    Splits = 6,
    /// Training images for the validation of a classifier.
    Validation = 7,
}

impl Draw {
    /// `count` of the numbers below `of`, each once and in ascending order; all if `count` is not below `of`.
    pub fn numbers(self, of: usize, count: usize, seed: Seed) -> Vec<usize> {
        if count >= of {
            return (0..of).collect();
        }
        let mut numbers = rand::seq::index::sample(&mut self.rng(seed), of, count).into_vec();
        numbers.sort_unstable();
        numbers
    }

    /// All numbers below `of` in a random order.
    pub(crate) fn order(self, of: usize, seed: Seed) -> Vec<usize> {
        let mut order: Vec<usize> = (0..of).collect();
        order.shuffle(&mut self.rng(seed));
        order
    }

    fn rng(self, seed: Seed) -> impl Rng {
        seed.rng(Purpose::Representatives, self as u64)
    }
}

impl ImageSet {
    /// A set of `images`. `name` is plural, such as "generated images".
    ///
    /// # Errors
    /// [`MetricError::TooFew`] below two.
    pub fn new(name: impl Into<String>, images: ImageBytes) -> Result<Self, MetricError> {
        let name = name.into();
        if images.len() < 2 {
            return Err(MetricError::TooFew {
                what: name,
                found: images.len(),
                expected: 2,
                why: "for a distribution".to_string(),
            });
        }
        Ok(Self {
            name,
            images,
            labels: None,
        })
    }

    /// `count` images of uniformly distributed bytes: a control that must have bad scores.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] below two; [`MetricError::Shape`] for an empty shape.
    pub fn noise(
        name: impl Into<String>,
        shape: ImageShape,
        count: usize,
        seed: Seed,
    ) -> Result<Self, MetricError> {
        let mut rng = seed.rng(Purpose::NoiseImages, 0);
        let bytes = (0..count * shape.elements()).map(|_| rng.random());
        Self::of_bytes(name.into(), shape, bytes.collect())
    }

    /// The same images, each pixel a mean of itself and its neighbours with the weights ¼, ½ and ¼ in either direction;
    /// beyond the edges lie the pixels at the edges.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn blurred(&self, name: impl Into<String>) -> Result<Self, MetricError> {
        let shape = self.shape();
        let mut bytes = Vec::with_capacity(self.count() * shape.elements());
        for plane in self
            .images()
            .flat_map(|image| image.chunks_exact(shape.height * shape.width))
        {
            bytes.extend(blurred(plane, shape.width));
        }
        Self::of_bytes(name.into(), shape, bytes)
    }

    fn of_bytes(name: String, shape: ImageShape, bytes: Vec<u8>) -> Result<Self, MetricError> {
        let values = bytes.len();
        match ImageBytes::new(shape, bytes) {
            Some(images) => Self::new(name, images),
            None => Err(MetricError::Shape {
                what: name,
                values,
                dimensions: shape.elements(),
            }),
        }
    }

    /// The set with the class of each image, for a class-conditional discriminator.
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

    /// The class of each image, if they are known.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The same images under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The images with these numbers, which share this set's memory.
    ///
    /// # Panics
    /// Beyond the last image.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] below two.
    pub fn select(&self, numbers: &[usize]) -> Result<Self, MetricError> {
        let images = self.images.select(numbers.iter().copied());
        let labels = self.labels.as_ref();
        Ok(Self {
            labels: labels.map(|labels| numbers.iter().map(|i| labels[*i]).collect()),
            ..Self::new(self.name.clone(), images)?
        })
    }

    /// `count` of the images, drawn at random, in their order; all if there are no more.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] for a `count` below two.
    pub fn draw(&self, draw: Draw, count: usize, seed: Seed) -> Result<Self, MetricError> {
        if count >= self.count() {
            return Ok(self.clone());
        }
        self.select(&draw.numbers(self.count(), count, seed))
    }

    /// Every channel as an image of one channel, in order.
    #[must_use]
    pub fn split_channels(self) -> Self {
        Self {
            images: self.images.split_channels(),
            labels: None,
            name: self.name,
        }
    }

    /// What the images are, in the plural.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of each image.
    pub fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    /// The number of images, at least 2.
    pub fn count(&self) -> usize {
        self.images.len()
    }

    /// The bytes of image `index`, CHW.
    ///
    /// # Panics
    /// Beyond the last image.
    pub fn image(&self, index: usize) -> &[u8] {
        match self.images.get(index) {
            Some(image) => image,
            None => panic!("image {index} of {}", self.count()),
        }
    }

    /// The bytes of all images, image by image.
    pub fn images(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.images.iter()
    }

    /// Refuses a set whose images have another shape.
    pub(crate) fn alike(&self, other: &Self) -> Result<(), MetricError> {
        if self.shape() == other.shape() {
            return Ok(());
        }
        Err(MetricError::Dimensions {
            first: self.name.clone(),
            first_dimensions: self.shape().elements(),
            second: other.name.clone(),
            second_dimensions: other.shape().elements(),
        })
    }

    /// All images in [-1, 1] as `[n, c, h, w]` tensors of 256 images; fewer if they are large, to bound the
    /// memory of a network's activations.
    pub fn blocks(&self) -> impl Iterator<Item = candle_core::Result<Tensor>> {
        let shape = self.shape();
        let most = (BLOCK_VALUES / shape.elements()).clamp(1, BLOCK_IMAGES);
        (0..self.count()).step_by(most).map(move |first| {
            let count = most.min(self.count() - first);
            let bytes = (first..first + count).flat_map(|i| self.image(i));
            let values: Vec<f32> = bytes.map(|byte| byte_to_value(*byte)).collect();
            let dims = (count, shape.channels, shape.height, shape.width);
            Tensor::from_vec(values, dims, &Device::Cpu)
        })
    }
}

/// See [`ImageSet::blurred`]; halves are rounded up.
fn blurred(plane: &[u8], width: usize) -> Vec<u8> {
    let height = plane.len() / width;
    let pixel = |row: usize, column: usize| u32::from(plane[row * width + column]);
    // Four times the mean along the row.
    let along = |row: usize, column: usize| {
        let (before, after) = (column.saturating_sub(1), (column + 1).min(width - 1));
        pixel(row, before) + 2 * pixel(row, column) + pixel(row, after)
    };
    let places = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let mean = |(row, column): (usize, usize)| {
        let (before, after) = (row.saturating_sub(1), (row + 1).min(height - 1));
        let sum = along(before, column) + 2 * along(row, column) + along(after, column);
        ((sum + 8) / 16) as u8
    };
    places.map(mean).collect()
}

/// Rounds values in [-1, 1] to bytes, one part after the other.
pub struct ImageRounding {
    name: String,
    shape: ImageShape,
    bytes: Vec<u8>,
}

impl ImageRounding {
    /// Reserves memory for `count` images of `shape`. `name` is plural, such as "generated images".
    pub fn new(name: impl Into<String>, shape: ImageShape, count: usize) -> Self {
        Self {
            name: name.into(),
            shape,
            bytes: Vec::with_capacity(count.saturating_mul(shape.elements())),
        }
    }

    /// Takes the next values, image by image in CHW order, each in [-1, 1].
    ///
    /// # Errors
    /// [`MetricError::NotFinite`], [`MetricError::PixelRange`].
    pub fn push(&mut self, values: &[f32]) -> Result<(), MetricError> {
        let inside = |value: &f32| value.abs() <= 1.0 + TOLERANCE;
        if let Some(place) = values.iter().position(|value| !inside(value)) {
            let found = f64::from(values[place]);
            let elements = self.shape.elements().max(1);
            let place = self.bytes.len() + place;
            let (what, row, column) = (self.name.clone(), place / elements, place % elements);
            return Err(if found.is_finite() {
                MetricError::PixelRange {
                    what,
                    row,
                    column,
                    found,
                }
            } else {
                MetricError::NotFinite {
                    what,
                    row,
                    column,
                    found,
                }
            });
        }
        self.bytes.extend(values.iter().copied().map(value_to_byte));
        Ok(())
    }

    /// The set of all images.
    ///
    /// # Errors
    /// [`MetricError::Shape`] if the values are not whole images, [`MetricError::TooFew`] below two images.
    pub fn finish(self) -> Result<ImageSet, MetricError> {
        ImageSet::of_bytes(self.name, self.shape, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16 at one pixel becomes the products of ¼, ½ and ¼; at an edge it counts for the pixel beyond it too.
    #[test]
    fn a_blurred_point_is_a_small_pyramid() {
        let shape = ImageShape {
            channels: 1,
            height: 3,
            width: 4,
        };
        let images = vec![
            0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let images = ImageSet::of_bytes("points".to_string(), shape, images).unwrap();
        let blurred = images.blurred("blurred points").unwrap();
        assert_eq!(blurred.image(0), [1, 2, 1, 0, 2, 4, 2, 0, 1, 2, 1, 0]);
        assert_eq!(blurred.image(1), [9, 3, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(blurred.name(), "blurred points");
    }
}
