//! Which files of a folder are its images, in which order, of which part and of which class.

use crate::DataError;
use crate::image_format::is_image;
use crate::natural::natural_order;
use crate::part_folders::{self, PartFolders};
use crate::reading::{Skipped, counted, is_hidden};
use crate::shown::{shown, shown_text};
use std::fs;
use std::path::{Path, PathBuf};

/// The images of a part, those of a class together and sorted by path.
pub(crate) struct ImageFiles {
    /// One path per image.
    pub(crate) paths: Vec<PathBuf>,
    /// One label per image, and the names of the classes; `None` if no image is in a subfolder.
    pub(crate) classes: Option<(Vec<u32>, Vec<String>)>,
}

/// All images of a folder.
pub(crate) struct Layout {
    /// All images, or the training images if there is a test split.
    pub(crate) training: ImageFiles,
    /// The name of the folder of the test split, and its images.
    pub(crate) test: Option<(String, ImageFiles)>,
    pub(crate) skipped: Skipped,
    /// What was skipped besides, in words.
    pub(crate) notes: Vec<String>,
    /// A warning about folders that may not be classes.
    pub(crate) suspicion: Option<String>,
}

/// Finds the images directly in `folder`, or those in its subfolders with these as classes, or the
/// same in its subfolders for training and testing.
pub(crate) fn find(folder: &Path) -> Result<Layout, DataError> {
    let mut walk = Walk::default();
    let root = walk.enter(folder)?;
    let mut suspicion = None;
    let (training, test) = match PartFolders::among(folder, &root.subfolders)? {
        None => {
            suspicion = part_folders::suspicion(&root.subfolders);
            (walk.part(folder, root)?, None)
        }
        Some(parts) => {
            walk.beside(folder, root, &parts)?;
            let training = walk.filled(&parts.training)?;
            let test = (name(&parts.test), walk.filled(&parts.test)?);
            (training, Some(test))
        }
    };
    Ok(Layout {
        training,
        test,
        skipped: walk.skipped,
        notes: walk.notes,
        suspicion,
    })
}

/// The name of a class or a part: that of its folder.
fn name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The entries of one folder, sorted by path.
struct Entries {
    images: Vec<PathBuf>,
    subfolders: Vec<PathBuf>,
}

/// A walk through a tree of folders. Links are followed.
#[derive(Default)]
struct Walk {
    skipped: Skipped,
    notes: Vec<String>,
    /// The current folder and those above it, by their paths without links.
    above: Vec<PathBuf>,
}

impl Walk {
    /// The images directly in a folder and its subfolders; hidden ones and other files are counted
    /// and skipped.
    fn enter(&mut self, folder: &Path) -> Result<Entries, DataError> {
        let failed = |error| DataError::io(folder, "check the folder's permissions")(error);
        let real = fs::canonicalize(folder).map_err(failed)?;
        if self.above.contains(&real) {
            return Err(DataError::Folder {
                path: folder.to_path_buf(),
                found: format!("a link back to {}, which contains it", shown(&real)),
                expected: "links that lead to other folders".to_string(),
                advice: "remove the link".to_string(),
            });
        }
        self.above.push(real);
        let (mut images, mut subfolders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if is_hidden(&path) {
                self.skipped.add_file(&path);
            } else if path.is_dir() {
                subfolders.push(path);
            } else if is_image(&path) {
                images.push(path);
            } else {
                self.skipped.add_file(&path);
            }
        }
        images.sort();
        subfolders.sort();
        Ok(Entries { images, subfolders })
    }

    fn leave(&mut self) {
        self.above.pop();
    }

    /// All images below a folder, at any depth, sorted by path.
    fn below(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        let Entries {
            mut images,
            subfolders,
        } = self.enter(folder)?;
        for subfolder in subfolders {
            images.extend(self.below(&subfolder)?);
        }
        self.leave();
        images.sort();
        Ok(images)
    }

    /// The images of a part, or of a set without parts, and leaves its folder.
    fn part(&mut self, folder: &Path, entries: Entries) -> Result<ImageFiles, DataError> {
        let Entries {
            images: direct,
            mut subfolders,
        } = entries;
        subfolders.sort_by(|a, b| natural_order(&name(a), &name(b)));
        let mut paths = Vec::new();
        let (mut labels, mut names) = (Vec::new(), Vec::new());
        let mut empty = None;
        for subfolder in subfolders {
            let before = std::mem::take(&mut self.skipped);
            let images = self.below(&subfolder)?;
            let inside = std::mem::replace(&mut self.skipped, before);
            self.skipped.add(&inside);
            if images.is_empty() {
                self.skipped.add_folder();
                empty.get_or_insert((subfolder, inside));
                continue;
            }
            labels.resize(labels.len() + images.len(), names.len() as u32);
            names.push(name(&subfolder));
            paths.extend(images);
        }
        self.leave();
        match (direct.first(), paths.first(), empty) {
            (Some(direct), Some(nested), _) => Err(mixture(folder, direct, nested)),
            (None, Some(_), Some((class, inside))) => Err(empty_class(&class, &inside)),
            (None, Some(_), None) => Ok(ImageFiles {
                paths,
                classes: Some((labels, names)),
            }),
            (_, None, _) => Ok(ImageFiles {
                paths: direct,
                classes: None,
            }),
        }
    }

    /// Counts what is skipped beside the parts of a set, and refuses further images there.
    fn beside(
        &mut self,
        folder: &Path,
        root: Entries,
        parts: &PartFolders,
    ) -> Result<(), DataError> {
        let mut foreign = root.images;
        for subfolder in root.subfolders.iter().filter(|path| !parts.has(path)) {
            let images = self.below(subfolder)?;
            if images.is_empty() {
                self.skipped.add_folder();
            }
            foreign.extend(images);
        }
        if let Some(foreign) = foreign.first() {
            return Err(beside_parts(folder, foreign, parts));
        }
        for spare in &parts.spare {
            let images = counted(self.below(spare)?.len(), "image");
            let name = shown_text(&name(spare));
            self.notes.push(format!("{name} with {images} skipped"));
        }
        Ok(())
    }

    /// The images of a part, at least one.
    fn filled(&mut self, folder: &Path) -> Result<ImageFiles, DataError> {
        let before = std::mem::take(&mut self.skipped);
        let entries = self.enter(folder)?;
        let files = self.part(folder, entries)?;
        let inside = std::mem::replace(&mut self.skipped, before);
        if files.paths.is_empty() {
            return Err(empty_class(folder, &inside));
        }
        self.skipped.add(&inside);
        Ok(files)
    }
}

fn mixture(folder: &Path, direct: &Path, nested: &Path) -> DataError {
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("both {} and {}", shown(direct), shown(nested)),
        expected: "images directly in the folder (no classes) or all in subfolders (one per class)"
            .to_string(),
        advice: "move the images, or give one of the folders".to_string(),
    }
}

fn beside_parts(folder: &Path, foreign: &Path, parts: &PartFolders) -> DataError {
    let [training, test] = [&parts.training, &parts.test].map(|part| shown_text(&name(part)));
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("{} beside {training} and {test}", shown(foreign)),
        expected: "no images beside the folders for training and testing".to_string(),
        advice: "move the images, or give one of the folders".to_string(),
    }
}

/// The error for a folder of a class or of a part without images.
fn empty_class(folder: &Path, inside: &Skipped) -> DataError {
    DataError::Folder {
        path: folder.to_path_buf(),
        found: format!("no images, found {}", inside.kinds()),
        expected: "images, since the folders beside it are classes or parts of the set".to_string(),
        advice: "put its images there, or remove the folder".to_string(),
    }
}
