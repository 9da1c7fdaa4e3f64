//! Which kind of data set a folder holds.

use crate::image_format::FORMATS;
use crate::manifest::Listing;
use crate::{
    DataError, DataSplits, Parts, ReadOptions, cifar, idx_folder, image_folder, reading::is_hidden,
};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Reads the data set in a folder: IDX files where there are any, else CIFAR-10's binary files, else
/// images (PNG, JPEG, BMP, GIF, WebP, TIFF).
///
/// IDX files carry MNIST's names (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`), with
/// something before them as in EMNIST (`emnist-letters-train-…`, `…-test-…`), plain or gzip;
/// they give images of one channel as they lie in the file, whose channels and size `options` do not
/// touch (EMNIST's are transposed, and stay so). A `classes.txt` beside them names their classes, one
/// a line. CIFAR-10's binary files are taken alone or in the archive that they come in. Where
/// `folder/../MANIFEST.toml` lists a file, its SHA-256 is checked.
///
/// A file is an image by its name or by its first bytes. Images directly in the folder have no labels;
/// images in subfolders are labelled by them, in natural order (2 before 10). Links are followed.
/// Transparent images are laid onto white. Files whose names begin with a dot are not looked at.
///
/// Held out is the test split that the publishers made: IDX files called `t10k` or `test`, CIFAR-10's
/// `test_batch`, or a subfolder `test` (else `val`, `valid` or `validation`) beside one called `train`
/// or `training`. Of other sets it is a share of the images by a hash of their contents, so that equal
/// images stand on one side, whatever their files, sizes and the seed: those whose SHA-256 over width,
/// height and RGB pixels, before any resizing, is below the share. See [`Division`](crate::Division).
///
/// # Errors
/// When the folder or a file in it is missing, cannot be read, is damaged or not the listed one,
/// when it is not clear which file is which part or class, or when `options` ask for a share of a set
/// that has a test split. Nothing is left out silently: [`Reading`](crate::Reading) says what was
/// passed over and changed.
pub fn open(folder: &Path, options: &ReadOptions, parts: Parts) -> Result<DataSplits, DataError> {
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
            expected: format!(
                "a folder of {} or of images ({FORMATS})",
                idx_folder::LAYOUT
            ),
            advice: "give the folder that it lies in".to_string(),
        });
    }
    let names =
        file_names(folder).map_err(DataError::io(folder, "check the folder's permissions"))?;
    let found = if idx_folder::is_idx_folder(&names) {
        idx_folder::read(folder, &names, options, parts, &listing)
    } else if cifar::is_cifar_folder(&names) {
        cifar::read(folder, &names, options, parts, &listing)
    } else {
        image_folder::read(folder, options, parts, &listing)
    };
    let share = match parts {
        Parts::Training | Parts::All => options.share(),
        Parts::Undivided => 0.0,
    };
    found?.divide(share)
}

/// The names of the visible entries that are text, in order.
fn file_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        names.extend(name.filter(|_| !is_hidden(&path)).map(str::to_string));
    }
    names.sort();
    Ok(names)
}
