//! A data set in memory.

use crate::DataError;
use gan_core::ImageShape;
use sha2::{Digest, Sha256};
use std::fmt;

/// Class numbers stay below this, so that whoever counts or embeds classes need not fear them.
const MAX_CLASSES: usize = 1 << 16;

/// Images as bytes, one after the other in memory, with their classes where these are known.
///
/// All images have one shape, there is at least one, and each has a label or none has.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    origin: String,
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Option<Vec<u32>>,
    class_names: Option<Vec<String>>,
    class_count: usize,
}

impl Dataset {
    /// A data set from `pixels` in NCHW order, each from 0 to 255. `origin` says in messages where
    /// it came from.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when the shape is empty or `pixels` is not one or more whole images.
    pub fn new(
        origin: impl Into<String>,
        shape: ImageShape,
        pixels: Vec<u8>,
    ) -> Result<Self, DataError> {
        let origin = origin.into();
        if !holds_whole_images(shape, pixels.len()) {
            return Err(DataError::Mismatch {
                origin,
                found: format!("{} bytes of pixels", pixels.len()),
                expected: format!("one or more whole images of shape {shape}"),
            });
        }
        Ok(Self {
            origin,
            shape,
            pixels,
            labels: None,
            class_names: None,
            class_count: 0,
        })
    }

    /// The data set with one label an image; the classes are those from 0 to the highest label.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when there are fewer or more labels than images, or a label is
    /// 65,536 or more.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self, DataError> {
        if labels.len() != self.len() {
            let found = format!("{} labels for {} images", labels.len(), self.len());
            return Err(self.mismatch(found, "one label an image"));
        }
        let highest = labels.iter().copied().max().unwrap_or(0);
        self.class_count = highest as usize + 1;
        if self.class_count > MAX_CLASSES {
            let expected = format!("labels below {MAX_CLASSES}");
            return Err(self.mismatch(format!("label {highest}"), &expected));
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// The data set with the names of its classes, in the order of their numbers. Names may
    /// follow after the last class that occurs.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when there are no labels, fewer names than classes, or more than
    /// 65,536.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self, DataError> {
        if self.labels.is_none() || !(self.class_count..=MAX_CLASSES).contains(&names.len()) {
            let found = format!(
                "{} class names for {}",
                names.len(),
                self.classes_in_words()
            );
            return Err(self.mismatch(found, "a name for each class"));
        }
        self.class_count = names.len();
        self.class_names = Some(names);
        Ok(self)
    }

    /// The number of images, at least 1.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a data set holds at least one image"
    )]
    pub fn len(&self) -> usize {
        self.pixels.len() / self.shape.elements()
    }

    /// The shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Where the data set came from, as a person would call it: usually the folder.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The pixels of all images, NCHW.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixels of image `index`, CHW, or none beyond the last image.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let elements = self.shape.elements();
        let start = index.checked_mul(elements)?;
        self.pixels.get(start..start.checked_add(elements)?)
    }

    /// One class number an image, each below [`class_count`](Self::class_count).
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The number of classes, 0 without labels: that of the names where they are known, else one
    /// more than the highest label.
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// The names of the classes by number, where they are known.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// How many images each class has, `[class_count]`; empty without labels.
    pub fn images_per_class(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_count];
        for label in self.labels.iter().flatten() {
            counts[*label as usize] += 1;
        }
        counts
    }

    /// SHA-256 of shape, pixels and labels as 64 hexadecimal digits: equal exactly for equal
    /// contents, wherever they came from. Computed anew with each call.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        let shape = self.shape;
        for size in [self.len(), shape.channels, shape.height, shape.width] {
            hasher.update((size as u64).to_le_bytes());
        }
        hasher.update(&self.pixels);
        for label in self.labels.iter().flatten() {
            hasher.update(label.to_le_bytes());
        }
        hex(&hasher.finalize())
    }

    fn classes_in_words(&self) -> String {
        match &self.labels {
            Some(_) => format!("labels from 0 to {}", self.class_count - 1),
            None => "images without labels".to_string(),
        }
    }

    fn mismatch(self, found: String, expected: &str) -> DataError {
        DataError::Mismatch {
            origin: self.origin,
            found,
            expected: expected.to_string(),
        }
    }
}

impl fmt::Debug for Dataset {
    /// Everything but the pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("origin", &self.origin)
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("class_count", &self.class_count)
            .finish_non_exhaustive()
    }
}

/// Lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds_whole_images(shape: ImageShape, bytes: usize) -> bool {
    let elements = shape
        .channels
        .checked_mul(shape.height)
        .and_then(|n| n.checked_mul(shape.width));
    matches!(elements, Some(1..)) && bytes > 0 && bytes.is_multiple_of(shape.elements())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };

    fn three() -> Dataset {
        Dataset::new("three", SHAPE, vec![0, 1, 2, 3, 4, 5]).unwrap()
    }

    #[test]
    fn images_lie_one_after_the_other() {
        let data = three();
        assert_eq!(data.len(), 3);
        assert_eq!(data.image(2), Some(&[4, 5][..]));
        assert_eq!(data.image(3), None);
        assert_eq!(data.image(usize::MAX), None);
    }

    #[test]
    fn pixels_that_are_no_whole_images_are_refused() {
        let shape = |width| ImageShape { width, ..SHAPE };
        for (shape, bytes) in [
            (shape(2), 0),
            (shape(2), 3),
            (shape(0), 0),
            (shape(0), 4),
            (
                ImageShape {
                    height: 1 << 63,
                    ..SHAPE
                },
                4,
            ),
        ] {
            let error = Dataset::new("bad", shape, vec![0; bytes]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("{bytes} bytes")), "{text}");
        }
    }

    #[test]
    fn labels_must_be_as_many_as_images_and_small() {
        let error = three().with_labels(vec![0, 1]).unwrap_err().to_string();
        assert!(error.contains("2 labels for 3 images"), "{error}");
        assert!(three().with_labels(vec![0, 0, 65_535]).is_ok());
        let error = three().with_labels(vec![0, 0, 65_536]).unwrap_err();
        assert!(error.to_string().contains("label 65536"), "{error}");
    }

    #[test]
    fn every_class_needs_a_name() {
        let names = |n: usize| vec!["x".to_string(); n];
        let labelled = || three().with_labels(vec![2, 0, 2]).unwrap();
        assert_eq!(labelled().images_per_class(), [1, 0, 2]);
        assert!(labelled().with_class_names(names(2)).is_err());
        assert!(three().with_class_names(names(0)).is_err());
        let named = labelled().with_class_names(names(4)).unwrap();
        assert_eq!(named.images_per_class(), [1, 0, 2, 0]);
    }

    #[test]
    fn the_hash_follows_shape_pixels_and_labels_but_not_the_origin() {
        let hash = |data: Dataset| data.sha256();
        let reference = hash(three());
        assert_eq!(reference.len(), 64);
        let elsewhere = Dataset::new("elsewhere", SHAPE, three().pixels).unwrap();
        assert_eq!(reference, hash(elsewhere));
        let tall = ImageShape {
            height: 2,
            width: 1,
            ..SHAPE
        };
        let others = [
            Dataset::new("three", tall, three().pixels).unwrap(),
            Dataset::new("three", SHAPE, vec![0, 1, 2, 3, 4, 6]).unwrap(),
            three().with_labels(vec![0, 0, 0]).unwrap(),
        ];
        for other in others {
            assert_ne!(reference, hash(other));
        }
    }
}
