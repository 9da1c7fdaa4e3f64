//! A folder in MNIST's layout: IDX files of images and labels for training and testing.

use crate::idx::{self, IdxProblem};
use crate::manifest::Listing;
use crate::reading::Skipped;
use crate::shown::{shown, shown_text};
use crate::splits::{Found, TestSplit};
use crate::{DataError, Dataset, Parts, ReadOptions, class_names};
use gan_core::ImageShape;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The layout's name in messages.
pub(crate) const LAYOUT: &str =
    "IDX files in MNIST's layout (train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz)";

/// A part of a set, as divided by its publisher.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    Train,
    Test,
}

/// Whether one of `names` is that of an IDX file of images.
pub(crate) fn is_idx_folder(names: &[String]) -> bool {
    names.iter().any(|name| stem_of_images(name).is_some())
}

/// Reads the images and labels of `parts`.
pub(crate) fn read(
    folder: &Path,
    names: &[String],
    options: &ReadOptions,
    parts: Parts,
    listing: &Listing,
) -> Result<Found, DataError> {
    let Some(training) = Files::of(folder, names, Split::Train)? else {
        return Err(missing(folder, names, listing));
    };
    let test = Files::of(folder, names, Split::Test)?;
    let mut taken = training.names();
    let mut images = read_files(folder, &training, listing)?;
    options.refuse_size(&shown(folder), images.shape())?;
    if images.labels().is_some()
        && let Some(names) = class_names::read(folder, images.class_count())?
    {
        taken.push(class_names::CLASS_FILE);
        images = images.with_class_names(names)?;
    }
    let sources = taken.join(", ");
    let mut test_split = None;
    if let Some(test) = &test {
        taken.extend(test.names());
        let read = || read_files(folder, test, listing)?.with_classes_of(&images);
        test_split = Some(TestSplit {
            name: shown_text(test.images),
            images: (parts == Parts::All).then(read).transpose()?,
        });
    }
    let skipped = Skipped::beside(folder, &taken);
    Ok(Found {
        images,
        test: test_split,
        hashes: None,
        sources: shown_text(&sources),
        changes: Vec::new(),
        skipped: skipped.map_err(DataError::io(folder, "check its permissions"))?,
        warnings: Vec::new(),
    })
}

/// The names of a part's files.
struct Files<'a> {
    images: &'a str,
    labels: Option<&'a str>,
}

impl<'a> Files<'a> {
    /// The files of `split`, if there are images.
    fn of(folder: &Path, names: &'a [String], split: Split) -> Result<Option<Self>, DataError> {
        let of_split = |name: &str| stem_of_images(name).and_then(split_of) == Some(split);
        let Some(images) = only_one(folder, names, of_split)? else {
            return Ok(None);
        };
        let labels = labels_of(folder, names, images)?;
        Ok(Some(Self { images, labels }))
    }

    fn names(&self) -> Vec<&'a str> {
        [Some(self.images), self.labels]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn read_files(folder: &Path, files: &Files<'_>, listing: &Listing) -> Result<Dataset, DataError> {
    let images = read_file(folder, files.images, listing, idx::read_images)?;
    let shape = ImageShape {
        channels: 1,
        height: images.height,
        width: images.width,
    };
    let data = Dataset::new(shown(folder), shape, images.pixels)?;
    let Some(labels_name) = files.labels else {
        return Ok(data);
    };
    let labels = read_file(folder, labels_name, listing, idx::read_labels)?;
    if labels.len() != data.len() {
        return Err(DataError::Format {
            path: folder.join(labels_name),
            found: format!("{} labels", labels.len()),
            expected: format!("the {} of the images in {}", data.len(), files.images),
            advice: listing.repair_advice(),
        });
    }
    data.with_labels(labels.into_iter().map(u32::from).collect())
}

/// The part before `-images-idx3-ubyte` of a file's name: `train`, or `emnist-letters-train`.
fn stem_of_images(name: &str) -> Option<&str> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    plain
        .strip_suffix("-images-idx3-ubyte")
        .or_else(|| plain.strip_suffix("-images.idx3-ubyte"))
}

fn split_of(stem: &str) -> Option<Split> {
    match stem.rsplit('-').next()? {
        "train" => Some(Split::Train),
        "t10k" | "test" => Some(Split::Test),
        _ => None,
    }
}

/// The labels' file of an images' file: with the same stem, compressed or not.
fn labels_of<'a>(
    folder: &Path,
    names: &'a [String],
    images_name: &str,
) -> Result<Option<&'a str>, DataError> {
    let Some(stem) = stem_of_images(images_name) else {
        return Ok(None);
    };
    let is_labels = |name: &str| {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let end = plain.strip_prefix(stem);
        matches!(end, Some("-labels-idx1-ubyte" | "-labels.idx1-ubyte"))
    };
    only_one(folder, names, is_labels)
}

/// The only name that `wanted` accepts, if there is one.
fn only_one<'a>(
    folder: &Path,
    names: &'a [String],
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<&'a str>, DataError> {
    let mut found = names.iter().filter(|name| wanted(name));
    match (found.next(), found.next()) {
        (first, None) => Ok(first.map(String::as_str)),
        (None, Some(second)) => Ok(Some(second)),
        (Some(first), Some(second)) => Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: shown_text(&format!("{first} and {second}")),
            expected: "only one file for this part of a data set".to_string(),
            advice: "keep one of them in the folder".to_string(),
        }),
    }
}

fn missing(folder: &Path, names: &[String], listing: &Listing) -> DataError {
    let found = names.iter().find(|name| stem_of_images(name).is_some());
    let found = found.map_or("other files", String::as_str);
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("no images to train on beside {}", shown_text(found)),
        expected: "train-images-idx3-ubyte.gz, or a name that ends so".to_string(),
        advice: listing.missing_advice(),
    }
}

/// Checks the file against the manifest, then reads it.
fn read_file<T>(
    folder: &Path,
    name: &str,
    listing: &Listing,
    reader: impl FnOnce(BufReader<File>, u64) -> Result<T, IdxProblem>,
) -> Result<T, DataError> {
    listing.verify(folder, name)?;
    let path = folder.join(name);
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = opened.map_err(DataError::io(&path, "check its permissions"))?;
    reader(BufReader::with_capacity(1 << 16, file), length).map_err(|problem| match problem {
        IdxProblem::Io(error) => DataError::io(&path, listing.repair_advice())(error),
        IdxProblem::Format { found, expected } => DataError::Format {
            path,
            found,
            expected,
            advice: listing.repair_advice(),
        },
    })
}
