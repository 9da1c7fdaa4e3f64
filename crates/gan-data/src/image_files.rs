//! Which files of a folder are its images, in which order, and of which class.

use crate::DataError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The images below a folder, sorted by path.
pub(crate) struct ImageFiles {
    /// One path an image.
    pub(crate) paths: Vec<PathBuf>,
    /// One label an image, and the names of the classes; none where no image is in a subfolder.
    pub(crate) classes: Option<(Vec<u32>, Vec<String>)>,
}

/// Finds the images directly in `folder`, or those in its subfolders with these as classes.
pub(crate) fn find(folder: &Path) -> Result<ImageFiles, DataError> {
    let (direct, subfolders) = entries(folder)?;
    let mut paths = Vec::new();
    let (mut labels, mut names) = (Vec::new(), Vec::new());
    for subfolder in subfolders {
        let images = images_below(&subfolder)?;
        if images.is_empty() {
            continue;
        }
        labels.resize(labels.len() + images.len(), names.len() as u32);
        names.push(
            subfolder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        );
        paths.extend(images);
    }
    match (direct.first(), paths.first()) {
        (Some(direct), Some(nested)) => Err(mixture(folder, direct, nested)),
        (None, Some(_)) => Ok(ImageFiles {
            paths,
            classes: Some((labels, names)),
        }),
        (_, None) => Ok(ImageFiles {
            paths: direct,
            classes: None,
        }),
    }
}

fn mixture(folder: &Path, direct: &Path, nested: &Path) -> DataError {
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("both {} and {}", direct.display(), nested.display()),
        expected: "images directly in the folder (no classes) or all in subfolders (one a class)"
            .to_string(),
        advice: "move the images, or give one of the folders".to_string(),
    }
}

/// All images below a class's folder, at any depth. Links to folders are not followed here, so
/// that a circle of them ends.
fn images_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        let (direct, subfolders) = entries(&folder)?;
        images.extend(direct);
        pending.extend(subfolders.into_iter().filter(|path| !path.is_symlink()));
    }
    images.sort();
    Ok(images)
}

/// The images directly in a folder and its subfolders, each sorted; hidden ones and other files
/// are passed over.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    visible(folder).map_err(DataError::io(folder, "check the folder's permissions"))
}

fn visible(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut images, mut subfolders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() {
            subfolders.push(path);
        } else if has_image_extension(&path) {
            images.push(path);
        }
    }
    images.sort();
    subfolders.sort();
    Ok((images, subfolders))
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["png", "jpg", "jpeg"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}
