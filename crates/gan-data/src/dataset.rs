//! A data set in memory.

use crate::DataError;
use crate::shown::shown_text;
use gan_core::{ImageBytes, ImageShape, hex};
use sha2::{Digest, Sha256};
use std::fmt;

/// Class numbers are below this, which bounds tables of classes.
const MAX_CLASSES: usize = 1 << 16;

/// Images as bytes in memory, with their classes if these are known.
///
/// There is at least one image, all have the same shape, and either all or none have labels. Clones and
/// parts of the set ([`select`](Self::select)) share the pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    origin: String,
    images: ImageBytes,
    labels: Option<Vec<u32>>,
    class_names: Option<Vec<String>>,
    class_count: usize,
}

impl Dataset {
    /// A data set from `pixels` in NCHW order, each from 0 to 255. `origin` names its source in messages.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when the shape is empty or `pixels` is not one or more whole images.
    pub fn new(
        origin: impl Into<String>,
        shape: ImageShape,
        pixels: Vec<u8>,
    ) -> Result<Self, DataError> {
        let (origin, bytes) = (origin.into(), pixels.len());
        match ImageBytes::new(shape, pixels) {
            Some(images) => Ok(Self {
                origin,
                images,
                labels: None,
                class_names: None,
                class_count: 0,
            }),
            None => Err(DataError::Mismatch {
                origin,
                found: format!("{bytes} bytes of pixels"),
                expected: format!("one or more whole images of shape {shape}"),
            }),
        }
    }

    /// The data set with one label per image; the classes are those from 0 to the highest label.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when there are fewer or more labels than images, or a label is
    /// 65,536 or more.
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self, DataError> {
        if labels.len() != self.len() {
            let found = format!("{} labels for {} images", labels.len(), self.len());
            return Err(self.mismatch(found, "one label per image"));
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

    /// The data set with the names of its classes, in the order of their numbers. There may be more names
    /// than classes that occur.
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

    /// The data set with the number and names of the classes of `training`, whose test split it is.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when it has a label that `training` does not have.
    pub(crate) fn with_classes_of(mut self, training: &Self) -> Result<Self, DataError> {
        let count = training.class_count;
        if self.class_count > count {
            let found = format!("label {} in the test split", self.class_count - 1);
            let expected = format!("labels below {count}, the classes of the training images");
            return Err(self.mismatch(found, &expected));
        }
        if self.labels.is_some() {
            self.class_count = count;
            self.class_names.clone_from(&training.class_names);
        }
        Ok(self)
    }

    /// The number of images, at least 1 except in an empty selection.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a data set holds at least one image"
    )]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// The shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    /// The name of the data set's source, usually the folder.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The images without their labels.
    pub fn images(&self) -> &ImageBytes {
        &self.images
    }

    /// The pixels of image `index`, CHW, or `None` beyond the last image.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.images.get(index)
    }

    /// The mean of all images, with values in [0, 1], CHW.
    pub fn mean_image(&self) -> Vec<f64> {
        let mut sums = vec![0_u64; self.shape().elements()];
        for image in self.images.iter() {
            let pairs = sums.iter_mut().zip(image);
            pairs.for_each(|(sum, pixel)| *sum += u64::from(*pixel));
        }
        let whole = 255.0 * self.len() as f64;
        sums.iter().map(|sum| *sum as f64 / whole).collect()
    }

    /// The part of the set with these images, in the order of `numbers`, which may repeat. It shares the
    /// pixels and has the same classes, even those without images in it.
    ///
    /// # Panics
    /// When a number is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, numbers: &[usize]) -> Self {
        let of_images = |labels: &Vec<u32>| numbers.iter().map(|k| labels[*k]).collect();
        Self {
            origin: self.origin.clone(),
            images: self.images.select(numbers.iter().copied()),
            labels: self.labels.as_ref().map(of_images),
            class_names: self.class_names.clone(),
            class_count: self.class_count,
        }
    }

    /// One class number per image, each below [`class_count`](Self::class_count).
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The number of classes, 0 without labels: the number of names if these are known, else one more than
    /// the highest label.
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// The names of the classes by number, if they are known.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// The name of a class in messages, with control characters escaped; its number if there are no names.
    pub fn class_name(&self, class: usize) -> String {
        match self.class_names.as_ref().and_then(|names| names.get(class)) {
            Some(name) => shown_text(name),
            None => class.to_string(),
        }
    }

    /// How many images each class has, `[class_count]`; empty without labels.
    pub fn images_per_class(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_count];
        for label in self.labels.iter().flatten() {
            counts[*label as usize] += 1;
        }
        counts
    }

    /// SHA-256 of shape, pixels and labels as 64 hexadecimal digits: equal exactly for equal contents of any
    /// source. Each call computes it again.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        let shape = self.shape();
        for size in [self.len(), shape.channels, shape.height, shape.width] {
            hasher.update((size as u64).to_le_bytes());
        }
        for image in self.images.iter() {
            hasher.update(image);
        }
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
            .field("shape", &self.shape())
            .field("class_count", &self.class_count)
            .finish_non_exhaustive()
    }
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
    fn pixels_that_are_not_whole_images_are_refused() {
        let error = Dataset::new("bad", SHAPE, vec![0; 3]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("bad: 3 bytes"), "{text}");
    }

    #[test]
    fn a_selection_keeps_labels_and_classes() {
        let names = ["a", "b\u{1b}", "c"].map(str::to_string).to_vec();
        let data = three().with_labels(vec![2, 0, 1]).unwrap();
        let data = data.with_class_names(names).unwrap();
        let some = data.select(&[2, 0, 2]);
        assert_eq!(some.images().iter().flatten().count(), 6);
        assert_eq!((some.image(1), some.len()), (Some(&[0, 1][..]), 3));
        assert_eq!(some.labels().unwrap(), [1, 2, 1]);
        assert_eq!(some.images_per_class(), [0, 2, 1]);
        assert_eq!(some.class_name(1), "b\\u{1b}");
        assert_eq!(three().class_name(7), "7");
        let copied = Dataset::new("copy", SHAPE, vec![4, 5, 0, 1, 4, 5]).unwrap();
        let copied = copied.with_labels(vec![1, 2, 1]).unwrap();
        assert_eq!(some.sha256(), copied.sha256());
    }

    #[test]
    fn a_test_split_has_the_classes_of_its_training_images() {
        let training = three().with_labels(vec![0, 1, 2]).unwrap();
        let test = |labels| three().with_labels(labels).unwrap();
        let fitted = test(vec![0, 0, 1]).with_classes_of(&training).unwrap();
        assert_eq!(fitted.images_per_class(), [2, 1, 0]);
        let error = test(vec![0, 0, 3]).with_classes_of(&training).unwrap_err();
        assert!(error.to_string().contains("label 3"), "{error}");
        assert!(
            three()
                .with_classes_of(&training)
                .unwrap()
                .labels()
                .is_none()
        );
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

    /// Python: hashlib.sha256(struct.pack('<4Q3I', 3, 1, 1, 2, 2, 0, 2)) with bytes(range(6)) between
    /// the sizes and the labels.
    #[test]
    fn the_hash_is_that_of_sizes_pixels_and_labels() {
        let hash = three().with_labels(vec![2, 0, 2]).unwrap().sha256();
        assert_eq!(
            hash,
            "2459310e3616fcd4e036addd1b30666867e0d4aea4e51b2c6303c23919390acf"
        );
    }

    #[test]
    fn the_hash_follows_shape_pixels_and_labels_but_not_the_origin() {
        let hash = |data: Dataset| data.sha256();
        let reference = hash(three());
        assert_eq!(reference.len(), 64);
        let elsewhere = Dataset::new("elsewhere", SHAPE, vec![0, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(reference, hash(elsewhere));
        let tall = ImageShape {
            height: 2,
            width: 1,
            ..SHAPE
        };
        let others = [
            Dataset::new("three", tall, vec![0, 1, 2, 3, 4, 5]).unwrap(),
            Dataset::new("three", SHAPE, vec![0, 1, 2, 3, 4, 6]).unwrap(),
            three().with_labels(vec![0, 0, 0]).unwrap(),
        ];
        for other in others {
            assert_ne!(reference, hash(other));
        }
    }
}
