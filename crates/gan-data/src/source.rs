//! Which kind of data set a folder holds.

use crate::manifest::Listing;
use crate::{DataError, Dataset, ImageFolderOptions, Split, cifar, idx_folder, image_folder};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Reads the data set in a folder: IDX files where there are any, else CIFAR-10's binary files, else
/// PNG and JPEG images.
///
/// IDX files carry MNIST's names (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`), with
/// something before them as in EMNIST (`emnist-letters-train-…`, `…-test-…`), plain or gzip;
/// they give images of one channel as they lie in the file, which `options` do not touch (EMNIST's
/// are transposed, and stay so). CIFAR-10's binary files are taken alone or in the archive that they
/// come in. Where `folder/../MANIFEST.toml`
/// lists a file, its SHA-256 is checked. Images directly in the folder have no labels; images in
/// subfolders are labelled by them. Files whose names begin with a dot are not looked at.
///
/// # Errors
/// When the folder or a file in it is missing, cannot be read, is damaged or not the listed one,
/// or holds no such split. Nothing is left out silently.
pub fn open(
    folder: &Path,
    options: &ImageFolderOptions,
    split: Split,
) -> Result<Dataset, DataError> {
    let listing = Listing::of(folder)?;
    let metadata = fs::metadata(folder).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::NotFound => listing.missing_advice(),
            _ => "check the path and its permissions".to_string(),
        };
        DataError::io(folder, advice)(error)
    })?;
    if !metadata.is_dir() {
        return Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: "this is a file".to_string(),
            expected: format!("a folder of {} or of PNG/JPEG images", idx_folder::LAYOUT),
            advice: "give the folder that it lies in".to_string(),
        });
    }
    let names =
        file_names(folder).map_err(DataError::io(folder, "check the folder's permissions"))?;
    if idx_folder::is_idx_folder(&names) {
        return idx_folder::read(folder, &names, split, &listing);
    }
    if cifar::is_cifar_folder(&names) {
        return cifar::read(folder, &names, split, &listing);
    }
    if split == Split::Test {
        return Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: "no IDX files, and a folder of images has no test split".to_string(),
            expected: idx_folder::LAYOUT.to_string(),
            advice: "use the training split, or give the folder of the test images".to_string(),
        });
    }
    image_folder::read(folder, options, &listing)
}

/// The names of the visible entries that are text, in order.
fn file_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
