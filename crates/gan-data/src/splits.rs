//! What a reader found, divided into the images to train on and those held out.

use crate::reading::{self, Skipped, counted};
use crate::shown::thousands;
use crate::{DataError, Dataset, Division, Parts, ReadOptions, Reading, content_hash, division};
use gan_core::{packed, shown_text};

/// A data set in the parts that a training run and its evaluation need.
#[derive(Clone, Debug)]
pub struct DataSplits {
    /// The images to train on.
    pub training: Dataset,
    /// The held-out images, if there are any and they were to be read.
    pub held_out: Option<Dataset>,
    /// Training images that are kept apart to choose by, if the publisher's test split is held out and a share was
    /// asked for.
    pub validation: Option<Validation>,
    /// How the two were divided.
    pub division: Division,
    /// What was read, changed and skipped.
    pub reading: Reading,
}

/// Published training images that are neither trained on nor reported on: choices are made by them.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The images, chosen by their contents.
    pub images: Dataset,
    /// The SHA-256 of all published training images and labels.
    pub published_sha256: String,
}

impl DataSplits {
    /// What was read, on as few lines of 80 columns as it takes, without the names of files.
    pub fn in_brief(&self) -> String {
        let (reading, training) = (&self.reading, &self.training);
        let mut parts = reading.brief.clone();
        let names = training.class_names().and(reading.classes.as_ref());
        if training.labels().is_some() && names.is_none() {
            parts.push(format!("{} classes", training.class_count()));
        }
        let last = parts.len().saturating_sub(1);
        parts[..last].iter_mut().for_each(|part| part.push(';'));
        let parts: Vec<String> = parts.iter().map(|part| shown_text(part)).collect();
        let mut text = packed(parts.iter().map(String::as_str), " ", 2);
        if let Some(names) = names {
            let names = format!("Classes: {}", shown_text(names));
            text += &format!("\n{}", packed(names.split_inclusive(", "), "", 2));
        }
        text
    }

    /// A data set that the program made itself. Without `held_out`, `why` is the reason that nothing is held
    /// out.
    pub fn in_memory(training: Dataset, held_out: Option<Dataset>, why: &str) -> Self {
        let (count, origin) = (thousands(training.len()), training.origin());
        let summary = format!("{origin}: {count} images {}", training.shape());
        Self {
            reading: Reading {
                brief: vec![summary.clone()],
                summary,
                classes: reading::classes(&training, held_out.as_ref()),
                warnings: Vec::new(),
            },
            division: match &held_out {
                Some(_) => Division::Published,
                None => Division::Nothing {
                    reason: why.to_string(),
                },
            },
            training,
            held_out,
            validation: None,
        }
    }
}

/// A data set as it was read, before anything is held out of it.
pub(crate) struct Found {
    /// All images, or the training images if there is a test split.
    pub(crate) images: Dataset,
    /// The set's own test split.
    pub(crate) test: Option<TestSplit>,
    /// A hash of each picture that became one of `images`. None: the images are as they were published.
    pub(crate) hashes: Option<Vec<u64>>,
    /// What the images were read from: `4 PNG, 1 JPEG`, or names of files.
    pub(crate) sources: String,
    /// What the reader changed, for the summary.
    pub(crate) changes: Vec<String>,
    pub(crate) skipped: Skipped,
    pub(crate) warnings: Vec<String>,
}

/// A published test split.
pub(crate) struct TestSplit {
    /// Its file or folder.
    pub(crate) name: String,
    /// `None` if it was not to be read.
    pub(crate) images: Option<Dataset>,
}

impl Found {
    /// The parts, and what is reported about them.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when the test split has images of another shape, or no training images can be kept apart
    /// though `options` ask for it.
    pub(crate) fn divide(
        self,
        options: &ReadOptions,
        parts: Parts,
    ) -> Result<DataSplits, DataError> {
        self.check_test_shape()?;
        let (share, validation_share) = match parts {
            Parts::Training | Parts::All => (options.share(), options.validation_share()),
            Parts::Undivided => (0.0, None),
        };
        let (origin, shape) = (self.images.origin().to_string(), self.images.shape());
        let mut validation = None;
        let (training, held_out, division, [last, brief_last]) = match self.test {
            Some(TestSplit { name, images }) => {
                let words = match &images {
                    Some(images) => format!("{} of them", thousands(images.len())),
                    None => "the test split".to_string(),
                };
                let mut words = format!("{words} held out by the publisher ({name})");
                let mut brief = "test split held out".to_string();
                let mut training = self.images;
                if let Some(share) = validation_share {
                    let (rest, apart) =
                        kept_apart(&training, &hashes(&training, self.hashes), share)?;
                    let said = format!(", {} to choose by", thousands(apart.images.len()));
                    words.push_str(&said);
                    brief.push_str(&said);
                    (training, validation) = (rest, Some(apart));
                }
                (training, images, Division::Published, [words, brief])
            }
            None => {
                let hashes = hashes(&self.images, self.hashes);
                by_content(self.images, &hashes, share)
            }
        };
        let apart = validation.as_ref().map(|apart| &apart.images);
        let others = [held_out.as_ref(), apart].into_iter().flatten();
        let images = training.len() + others.map(Dataset::len).sum::<usize>();
        let images = counted(images, "image");
        let mut parts = vec![format!("{origin}: {images} {shape} ({})", self.sources)];
        parts.extend(self.skipped.in_words());
        parts.extend(self.changes);
        let mut brief = parts.clone();
        brief[0] = format!("{origin}: {images} {shape}");
        brief.push(brief_last);
        parts.push(last);
        let reading = Reading {
            summary: parts.join("; "),
            brief,
            classes: reading::classes(&training, held_out.as_ref()),
            warnings: self.warnings,
        };
        Ok(DataSplits {
            training,
            held_out,
            validation,
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
                expected: format!("{expected} like the training images"),
            }),
            _ => Ok(()),
        }
    }
}

/// The known hashes, or those of the images themselves.
fn hashes(images: &Dataset, known: Option<Vec<u64>>) -> Vec<u64> {
    let hash = |image| content_hash::of_planes(images.shape(), image);
    known.unwrap_or_else(|| images.images().iter().map(hash).collect())
}

/// The images to train on and those to choose by, which share the pixels of `images`.
fn kept_apart(
    images: &Dataset,
    hashes: &[u64],
    share: f64,
) -> Result<(Dataset, Validation), DataError> {
    match division::divide(hashes, images.labels(), share) {
        Ok(sides) => Ok((
            images.select(&sides.training),
            Validation {
                images: images.select(&sides.held_out),
                published_sha256: images.sha256(),
            },
        )),
        Err(reason) => Err(DataError::Mismatch {
            origin: "`data.held_out`".to_string(),
            found: share.to_string(),
            expected: format!(
                "no share, as no training images of {} can be kept apart: {reason}",
                images.origin()
            ),
        }),
    }
}

/// Both parts share the pixels of `images`; what is said of them in full and briefly is the same.
fn by_content(
    images: Dataset,
    hashes: &[u64],
    share: f64,
) -> (Dataset, Option<Dataset>, Division, [String; 2]) {
    match division::divide(hashes, images.labels(), share) {
        Ok(sides) => {
            let held_out = images.select(&sides.held_out);
            let words = format!("{} of them held out by content", thousands(held_out.len()));
            let training = images.select(&sides.training);
            (
                training,
                Some(held_out),
                Division::ByContent { share },
                [words.clone(), words],
            )
        }
        Err(reason) => {
            let words = format!("none held out: {reason}");
            (
                images,
                None,
                Division::Nothing { reason },
                [words.clone(), words],
            )
        }
    }
}
