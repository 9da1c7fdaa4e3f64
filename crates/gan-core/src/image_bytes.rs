//! Images as bytes in shared memory.

use crate::ImageShape;
use std::sync::Arc;

/// Images of one shape, one byte per value from 0 to 255, each in CHW order.
///
/// Clones and selections share the pixels: a part of a data set takes no memory of its own.
#[derive(Clone, Debug)]
pub struct ImageBytes {
    shape: ImageShape,
    pixels: Arc<Vec<u8>>,
    /// The indices of these images in `pixels`; `None`: all of them.
    selected: Option<Arc<[u32]>>,
}

impl ImageBytes {
    /// The images that lie in `pixels` one after the other. `None` if the shape is empty, `pixels` does
    /// not hold one or more whole images, or they have 2³² channels or more in all.
    pub fn new(shape: ImageShape, pixels: Vec<u8>) -> Option<Self> {
        let sides = shape.channels.checked_mul(shape.height);
        let elements = sides.and_then(|n| n.checked_mul(shape.width))?;
        let whole = elements > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(elements);
        let planes = pixels.len() / shape.height.max(1) / shape.width.max(1);
        (whole && u32::try_from(planes).is_ok()).then(|| Self {
            shape,
            pixels: Arc::new(pixels),
            selected: None,
        })
    }

    /// The shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        match &self.selected {
            Some(selected) => selected.len(),
            None => self.pixels.len() / self.shape.elements(),
        }
    }

    /// Whether there are no images, which only a selection can have.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of image `index`, CHW, or `None` beyond the last image.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let place = match &self.selected {
            Some(selected) => *selected.get(index)? as usize,
            None => index,
        };
        let elements = self.shape.elements();
        let start = place.checked_mul(elements)?;
        self.pixels.get(start..start.checked_add(elements)?)
    }

    /// All images, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// The images with these numbers, from 0, in their order; numbers may repeat.
    ///
    /// # Panics
    /// When a number is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, numbers: impl IntoIterator<Item = usize>) -> Self {
        let count = self.len();
        let place = |number: usize| {
            assert!(number < count, "image {number} of {count}");
            match &self.selected {
                Some(selected) => selected[number],
                // `new` refuses more images than a u32 counts.
                None => number as u32,
            }
        };
        Self {
            shape: self.shape,
            pixels: Arc::clone(&self.pixels),
            selected: Some(numbers.into_iter().map(place).collect()),
        }
    }

    /// Every channel as an image of one channel, in order.
    #[must_use]
    pub fn split_channels(&self) -> Self {
        let channels = self.shape.channels;
        let split = |selected: &Arc<[u32]>| {
            let first = selected.iter().map(|place| place * channels as u32);
            first
                .flat_map(|first| first..first + channels as u32)
                .collect()
        };
        Self {
            shape: ImageShape {
                channels: 1,
                ..self.shape
            },
            pixels: Arc::clone(&self.pixels),
            selected: self.selected.as_ref().map(split),
        }
    }
}

impl PartialEq for ImageBytes {
    /// Whether both are equal images in the same order, in shared memory or not.
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.iter().eq(other.iter())
    }
}

impl Eq for ImageBytes {}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };

    #[test]
    fn images_lie_one_after_the_other() {
        let images = ImageBytes::new(SHAPE, vec![0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(images.len(), 3);
        assert_eq!(images.get(2), Some(&[4, 5][..]));
        assert_eq!(images.get(3), None);
        assert_eq!(images.get(usize::MAX), None);
    }

    #[test]
    fn pixels_that_are_not_whole_images_are_refused() {
        let shape = |width| ImageShape { width, ..SHAPE };
        let tall = ImageShape {
            height: 1 << 63,
            ..SHAPE
        };
        for (shape, bytes) in [
            (shape(2), 0),
            (shape(2), 3),
            (shape(0), 0),
            (shape(0), 4),
            (tall, 4),
        ] {
            assert!(ImageBytes::new(shape, vec![0; bytes]).is_none());
        }
    }

    #[test]
    fn a_selection_shares_the_pixels_and_can_be_selected_from() {
        let images = ImageBytes::new(SHAPE, (0..8).collect()).unwrap();
        let some = images.select([3, 1, 1]);
        let bytes = |images: &ImageBytes| images.iter().flatten().copied().collect::<Vec<_>>();
        assert_eq!(bytes(&some), [6, 7, 2, 3, 2, 3]);
        let two = some.select([2, 0]);
        assert_eq!(bytes(&two), [2, 3, 6, 7]);
        assert!(Arc::ptr_eq(&images.pixels, &two.pixels));
        assert_eq!(two, ImageBytes::new(SHAPE, vec![2, 3, 6, 7]).unwrap());
        assert!(images.select([]).is_empty());
    }

    #[test]
    fn channels_of_a_selection_become_images() {
        let shape = ImageShape {
            channels: 2,
            height: 1,
            width: 1,
        };
        let images = ImageBytes::new(shape, (0..6).collect()).unwrap();
        let bytes = |images: &ImageBytes| images.iter().flatten().copied().collect::<Vec<_>>();
        assert_eq!(images.split_channels().len(), 6);
        assert_eq!(bytes(&images.select([2, 0]).split_channels()), [4, 5, 0, 1]);
    }
}
