//! A folder of images, with or without subfolders as classes, and with or without a test split.

use crate::image_files::{ImageFiles, find};
use crate::image_format::FORMATS;
use crate::manifest::Listing;
use crate::pictures::{Pictures, ReadPictures};
use crate::reading::{Skipped, counted};
use crate::shown::{shown, shown_text};
use crate::splits::{Found, TestSplit};
use crate::{Channels, DataError, Dataset, Parts, ReadOptions, idx_folder};
use gan_core::ImageShape;
use std::path::Path;

/// Reads all images below `folder`, or those of `parts`.
pub(crate) fn read(
    folder: &Path,
    options: &ReadOptions,
    parts: Parts,
    listing: &Listing,
) -> Result<Found, DataError> {
    let mut layout = find(folder)?;
    if layout.training.paths.is_empty() {
        return Err(no_images(folder, &layout.skipped, listing));
    }
    if let Some((name, files)) = &mut layout.test {
        number_like(&layout.training, files, &folder.join(&*name))?;
    }
    let mut pictures = Pictures::new(folder, options);
    let read = pictures.read(&layout.training.paths)?;
    let channels = channels_in_words(options, &pictures, read.shape);
    let hashes = read.hashes.clone();
    let images = dataset(folder, read, layout.training.classes)?;
    let test = match layout.test {
        Some((name, files)) => Some(test_split(folder, &name, files, parts, &mut pictures)?),
        None => None,
    };
    let changes = pictures.changes();
    let coloured = coloured_test_images(options, changes.made_gray_count());
    let done = changes.in_words(options.image_size());
    Ok(Found {
        images,
        test,
        hashes: Some(hashes),
        sources: changes.formats(),
        changes: layout
            .notes
            .into_iter()
            .chain(done)
            .chain(channels)
            .collect(),
        skipped: layout.skipped,
        warnings: changes
            .warnings()
            .into_iter()
            .chain(coloured)
            .chain(layout.suspicion)
            .collect(),
    })
}

fn no_images(folder: &Path, skipped: &Skipped, listing: &Listing) -> DataError {
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("no images, found {}", skipped.kinds()),
        expected: format!("{} or images ({FORMATS})", idx_folder::LAYOUT),
        advice: listing.missing_advice(),
    }
}

/// The folder `name` of test images, read if `parts` includes it.
fn test_split(
    folder: &Path,
    name: &str,
    files: ImageFiles,
    parts: Parts,
    pictures: &mut Pictures,
) -> Result<TestSplit, DataError> {
    let mut images = None;
    if parts == Parts::All {
        let read = pictures.read(&files.paths)?;
        images = Some(dataset(folder, read, files.classes)?);
    }
    let name = shown_text(name);
    Ok(TestSplit { name, images })
}

fn dataset(
    folder: &Path,
    read: ReadPictures,
    classes: Option<(Vec<u32>, Vec<String>)>,
) -> Result<Dataset, DataError> {
    let data = Dataset::new(shown(folder), read.shape, read.pixels)?;
    match classes {
        Some((labels, names)) => data.with_labels(labels)?.with_class_names(names),
        None => Ok(data),
    }
}

/// Gives the test images in `folder` the class numbers of the training images.
fn number_like(
    training: &ImageFiles,
    test: &mut ImageFiles,
    folder: &Path,
) -> Result<(), DataError> {
    let Some((labels, names)) = &mut test.classes else {
        return Ok(());
    };
    let known = training
        .classes
        .as_ref()
        .map_or(&[][..], |(_, names)| names);
    let number = |name: &String| {
        let number = known.iter().position(|known| known == name);
        number.ok_or_else(|| DataError::Folder {
            path: folder.to_path_buf(),
            found: format!("the class {}", shown_text(name)),
            expected: "only classes that the training images have".to_string(),
            advice: "add training images of the class, or remove its folder".to_string(),
        })
    };
    let numbers: Vec<usize> = names.iter().map(number).collect::<Result<_, _>>()?;
    for label in labels {
        *label = numbers[*label as usize] as u32;
    }
    *names = known.to_vec();
    Ok(())
}

/// Which channels were chosen, if none were requested, and why.
fn channels_in_words(
    options: &ReadOptions,
    pictures: &Pictures,
    shape: ImageShape,
) -> Option<String> {
    (options.channels() == Channels::Auto).then(|| match pictures.coloured() {
        Some(path) if shape.channels > 1 => format!("RGB, because {} has colours", shown(path)),
        _ => "gray, because every pixel is".to_string(),
    })
}

/// A warning about a test split with colours if the training images have none.
fn coloured_test_images(options: &ReadOptions, made_gray: usize) -> Option<String> {
    (options.channels() == Channels::Auto && made_gray > 0).then(|| {
        let images = counted(made_gray, "image");
        format!(
            "{images} of the test split with colours converted to gray like the training images"
        )
    })
}
