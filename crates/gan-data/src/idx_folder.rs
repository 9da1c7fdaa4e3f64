//! A folder in MNIST's layout: IDX files of images and labels for training and testing.

use crate::idx::{self, IdxProblem};
use crate::manifest::Listing;
use crate::{DataError, Dataset, Split};
use gan_core::ImageShape;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// What the messages call the layout.
pub(crate) const LAYOUT: &str =
    "IDX files in MNIST's layout (train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz)";

/// Whether one of `names` is that of an IDX file of images.
pub(crate) fn is_idx_folder(names: &[String]) -> bool {
    names.iter().any(|name| stem_of_images(name).is_some())
}

/// Reads the images of `split`, and their labels where there is a file for them.
pub(crate) fn read(
    folder: &Path,
    names: &[String],
    split: Split,
    listing: &Listing,
) -> Result<Dataset, DataError> {
    let of_split = |name: &str| stem_of_images(name).and_then(split_of) == Some(split);
    let Some(images_name) = only_one(folder, names, of_split)? else {
        return Err(missing(folder, names, split, listing));
    };
    let images = read_file(folder, images_name, listing, idx::read_images)?;
    let shape = ImageShape {
        channels: 1,
        height: images.height,
        width: images.width,
    };
    let data = Dataset::new(folder.display().to_string(), shape, images.pixels)?;
    let labels_name = labels_of(folder, names, images_name)?;
    let Some(labels_name) = labels_name else {
        return Ok(data);
    };
    let labels = read_file(folder, labels_name, listing, idx::read_labels)?;
    if labels.len() != data.len() {
        return Err(DataError::Format {
            path: folder.join(labels_name),
            found: format!("{} labels", labels.len()),
            expected: format!("the {} of the images in {images_name}", data.len()),
            advice: listing.repair_advice(),
        });
    }
    data.with_labels(labels.into_iter().map(u32::from).collect())
}

/// What stands before `-images-idx3-ubyte` in a file's name: `train`, or `emnist-letters-train`.
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

/// The file of the labels that belong to the images: named like them, packed like them or not.
fn labels_of<'a>(
    folder: &Path,
    names: &'a [String],
    images_name: &str,
) -> Result<Option<&'a String>, DataError> {
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

/// The name that `wanted` fits, where there is one.
fn only_one<'a>(
    folder: &Path,
    names: &'a [String],
    wanted: impl Fn(&str) -> bool,
) -> Result<Option<&'a String>, DataError> {
    let mut found = names.iter().filter(|name| wanted(name));
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (None, Some(second)) => Ok(Some(second)),
        (Some(first), Some(second)) => Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: format!("{first} and {second}"),
            expected: "only one file for this part of a data set".to_string(),
            advice: "keep one of them in the folder".to_string(),
        }),
    }
}

fn missing(folder: &Path, names: &[String], split: Split, listing: &Listing) -> DataError {
    let found = names.iter().find(|name| stem_of_images(name).is_some());
    let found = found.map_or("other files", String::as_str);
    let expected = match split {
        Split::Train => "train-images-idx3-ubyte.gz",
        Split::Test => "t10k-images-idx3-ubyte.gz",
    };
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("no images of the {split} split beside {found}"),
        expected: format!("{expected}, or a name that ends so"),
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
