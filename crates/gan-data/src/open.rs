//! Which kind of data set a folder or a name stands for.

use crate::image_format::FORMATS;
use crate::manifest::Listing;
use crate::{
    DataError, DataSplits, Parts, ReadOptions, cifar, hub, idx_folder, image_folder,
    reading::is_hidden,
};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Reads the data set in a folder: IDX files if there are any, else CIFAR-10's binary files, else images
/// (PNG, JPEG, BMP, GIF, WebP, TIFF). `hub:mnist`, `hub:fashion-mnist` and `hub:cifar10` are no folders but data
/// sets of the Hugging Face hub, with the images of the same set in a folder; see [`hub_name`](crate::hub_name).
///
/// IDX files have MNIST's names (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`), possibly with a
/// prefix as in EMNIST (`emnist-letters-train-…`, `…-test-…`), plain or gzip. Their images have one
/// channel and are not changed by `options` (EMNIST's are transposed and stay so). A `classes.txt` beside
/// them names their classes, one per line. CIFAR-10's binary files are read directly or from their
/// archive. If `folder/../MANIFEST.toml` lists a file, its SHA-256 is checked.
///
/// A file is an image by its name or by its first bytes. Images directly in the folder have no labels;
/// images in subfolders are labelled by them, in natural order (2 before 10). Links are followed.
/// Transparent images are composited onto white. Files whose names begin with a dot are skipped.
///
/// The publisher's test split is held out: IDX files called `t10k` or `test`, CIFAR-10's `test_batch`, that
/// of a set of the hub, or a subfolder `test` (else `val`, `valid` or `validation`) beside one called `train` or `training`. Of
/// other sets a share of the images is held out by a hash of their contents, so that equal images are on
/// the same side, regardless of their files and the seed: those whose SHA-256 over width, height and RGB
/// pixels, before any resizing, is below the share. See [`Division`](crate::Division). Of a set with a test split,
/// the training images of such a share are kept apart if `options` ask for it: [`Validation`](crate::Validation).
///
/// # Errors
/// When the folder or a file in it is missing, cannot be read, is damaged or differs from the manifest;
/// when it is not clear which file is which part or class; when no training images can be kept apart though `options`
/// ask for it; or when a set of the hub is not known or cannot be fetched, or the feature `hub` is off. Nothing is skipped silently: [`Reading`](crate::Reading) says what was skipped
/// and changed.
pub fn open(folder: &Path, options: &ReadOptions, parts: Parts) -> Result<DataSplits, DataError> {
    if let Some(name) = hub::hub_name(folder) {
        return hub::open(name, options, parts);
    }
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
            advice: advice_for_file(folder).to_string(),
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
    found?.divide(options, parts)
}

/// The names of the visible entries that are valid UTF-8, in order.
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

/// An archive must be unpacked; any other file lies in the folder that is meant.
fn advice_for_file(path: &Path) -> &'static str {
    const ARCHIVES: [&str; 9] = ["zip", "tar", "tgz", "gz", "bz2", "xz", "zst", "7z", "rar"];
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase);
    match ending.is_some_and(|ending| ARCHIVES.contains(&ending.as_str())) {
        true => "unpack it and give the folder",
        false => "give the folder that contains it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_to_be_unpacked() {
        for (name, word) in [
            ("emoji.zip", "unpack"),
            ("a.tar.GZ", "unpack"),
            ("a.png", "contains"),
            ("a", "contains"),
        ] {
            assert!(advice_for_file(Path::new(name)).contains(word), "{name}");
        }
    }
}
