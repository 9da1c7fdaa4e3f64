//! A folder of PNG and JPEG images, with classes by subfolder or without.

use crate::decode::decode;
use crate::error::UnreadableImage;
use crate::image_files::{ImageFiles, find};
use crate::manifest::Listing;
use crate::{DataError, Dataset, ImageFolderOptions, idx_folder};
use gan_core::ImageShape;
use std::path::{Path, PathBuf};

/// How many unreadable images a message names.
const EXAMPLES: usize = 10;

/// Reads all images below `folder`.
pub(crate) fn read(
    folder: &Path,
    options: &ImageFolderOptions,
    listing: &Listing,
) -> Result<Dataset, DataError> {
    let files = find(folder)?;
    if files.paths.is_empty() {
        return Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: "no images".to_string(),
            expected: format!("{} or PNG/JPEG images", idx_folder::LAYOUT),
            advice: listing.missing_advice(),
        });
    }
    let (shape, pixels) = read_pixels(folder, &files.paths, options)?;
    let data = Dataset::new(folder.display().to_string(), shape, pixels)?;
    let ImageFiles { classes, .. } = files;
    match classes {
        Some((labels, names)) => data.with_labels(labels)?.with_class_names(names),
        None => Ok(data),
    }
}

/// The pixels of all images as bytes CHW, one after the other.
fn read_pixels(
    folder: &Path,
    paths: &[PathBuf],
    options: &ImageFolderOptions,
) -> Result<(ImageShape, Vec<u8>), DataError> {
    let mut first: Option<(&Path, ImageShape)> = None;
    let mut pixels = Vec::new();
    let (mut examples, mut unreadable) = (Vec::new(), 0);
    for path in paths {
        let (shape, image) = match decode(path, options) {
            Ok(decoded) => decoded,
            Err(reason) => {
                unreadable += 1;
                if examples.len() < EXAMPLES {
                    let path = path.clone();
                    examples.push(UnreadableImage { path, reason });
                }
                continue;
            }
        };
        let (first_path, first_shape) = *first.get_or_insert((path, shape));
        if shape != first_shape {
            return Err(DataError::ImageSizes {
                path: path.clone(),
                found: size_in_words(shape),
                expected: size_in_words(first_shape),
                first_path: first_path.to_path_buf(),
            });
        }
        if pixels.is_empty() {
            reserve(folder, &mut pixels, paths.len(), shape)?;
        }
        pixels.extend_from_slice(&image);
    }
    match first {
        Some((_, shape)) if unreadable == 0 => Ok((shape, pixels)),
        _ => Err(DataError::UnreadableImages {
            folder: folder.to_path_buf(),
            unreadable,
            total: paths.len(),
            examples,
        }),
    }
}

/// Takes the memory for all images at once, or says that there is not enough.
fn reserve(
    folder: &Path,
    pixels: &mut Vec<u8>,
    images: usize,
    shape: ImageShape,
) -> Result<(), DataError> {
    let bytes = images.saturating_mul(shape.elements());
    pixels
        .try_reserve_exact(bytes)
        .map_err(|_| DataError::Mismatch {
            origin: folder.display().to_string(),
            found: format!("{images} images of shape {shape}, {bytes} bytes in all"),
            expected: "a data set that fits into memory; pass a smaller --image-size".to_string(),
        })
}

fn size_in_words(shape: ImageShape) -> String {
    format!("{}x{}", shape.width, shape.height)
}
