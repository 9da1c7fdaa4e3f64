//! What a reader found, divided into the images to train on and those held out.

use crate::reading::{self, PassedOver, counted};
use crate::shown::thousands;
use crate::{DataError, Dataset, Division, Reading, division};

/// A data set in the parts that a training run and its evaluation need.
#[derive(Clone, Debug)]
pub struct DataSplits {
    /// The images to train on.
    pub training: Dataset,
    /// The images held out, where there are any and they were to be read.
    pub held_out: Option<Dataset>,
    /// How the two were divided.
    pub division: Division,
    /// What was taken, changed and left out.
    pub reading: Reading,
}

/// A data set as it was read, before anything is held out of it.
pub(crate) struct Found {
    /// All images, or those to train on where there is a test split.
    pub(crate) images: Dataset,
    /// The set's own test split.
    pub(crate) test: Option<TestSplit>,
    /// One an image of `images`; not needed where there is a test split.
    pub(crate) hashes: Vec<u64>,
    /// What the images were read from: `4 PNG, 1 JPEG`, or names of files.
    pub(crate) sources: String,
    /// What the reader changed, for the summary.
    pub(crate) changes: Vec<String>,
    pub(crate) passed_over: PassedOver,
    pub(crate) warnings: Vec<String>,
}

/// A published test split.
pub(crate) struct TestSplit {
    /// Its file or folder.
    pub(crate) name: String,
    /// None where it was not to be read.
    pub(crate) images: Option<Dataset>,
}

impl Found {
    /// The parts, and all that is to be said of them. share: what is held out where there is no test
    /// split.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when the test split has images of another shape.
    pub(crate) fn divide(self, share: f64) -> Result<DataSplits, DataError> {
        self.check_test_shape()?;
        let (origin, shape) = (self.images.origin().to_string(), self.images.shape());
        let (training, held_out, division, last) = match self.test {
            Some(TestSplit { name, images }) => {
                let words = match &images {
                    Some(images) => format!("{} of them", thousands(images.len())),
                    None => "beside them the set's own test split".to_string(),
                };
                let words = format!("{words} held out as published ({name})");
                (self.images, images, Division::Published, words)
            }
            None => by_content(self.images, &self.hashes, share),
        };
        let images = training.len() + held_out.as_ref().map_or(0, Dataset::len);
        let images = counted(images, "image");
        let mut parts = vec![format!("{origin}: {images} {shape} ({})", self.sources)];
        parts.extend(self.passed_over.in_words());
        parts.extend(self.changes);
        parts.push(last);
        let reading = Reading {
            summary: parts.join("; "),
            classes: reading::classes(&training, held_out.as_ref()),
            warnings: self.warnings,
        };
        Ok(DataSplits {
            training,
            held_out,
            division,
            reading,
        })
    }

    fn check_test_shape(&self) -> Result<(), DataError> {
        let expected = self.images.shape();
        match &self.test {
            Some(TestSplit {
                name,
                images: Some(images),
            }) if images.shape() != expected => Err(DataError::Mismatch {
                origin: format!("{}: the test split {name}", self.images.origin()),
                found: format!("images of shape {}", images.shape()),
                expected: format!("{expected}, as the training images"),
            }),
            _ => Ok(()),
        }
    }
}

/// Both parts share the pixels of `images`.
fn by_content(
    images: Dataset,
    hashes: &[u64],
    share: f64,
) -> (Dataset, Option<Dataset>, Division, String) {
    match division::divide(hashes, images.labels(), share) {
        Ok(sides) => {
            let held_out = images.select(&sides.held_out);
            let words = format!("{} of them held out by content", thousands(held_out.len()));
            let training = images.select(&sides.training);
            (
                training,
                Some(held_out),
                Division::ByContent { share },
                words,
            )
        }
        Err(reason) => {
            let words = format!("none held out: {reason}");
            (images, None, Division::Nothing { reason }, words)
        }
    }
}
