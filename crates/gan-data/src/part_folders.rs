//! Which subfolders of a folder are its parts for training and testing.

use crate::DataError;
use crate::shown::shown;
use std::path::{Path, PathBuf};

/// Names of the subfolders that are parts of a set, in any letter case, best first.
const TRAINING: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];

/// The subfolders that are parts of a set.
pub(crate) struct PartFolders {
    pub(crate) training: PathBuf,
    pub(crate) test: PathBuf,
    /// Validation images beside test images.
    pub(crate) spare: Vec<PathBuf>,
}

impl PartFolders {
    /// The parts among `subfolders`, if one is for training and another for testing.
    pub(crate) fn among(folder: &Path, subfolders: &[PathBuf]) -> Result<Option<Self>, DataError> {
        let called = |names: &[&str]| -> Vec<PathBuf> {
            let is_one = |path: &&PathBuf| names.iter().any(|name| is_called(path, name));
            subfolders.iter().filter(is_one).cloned().collect()
        };
        let (training, test, validation) = (called(&TRAINING), called(&TEST), called(&VALIDATION));
        let (test, spare) = if test.is_empty() {
            (validation, Vec::new())
        } else {
            (test, validation)
        };
        if training.is_empty() || test.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            training: only(folder, training)?,
            test: only(folder, test)?,
            spare,
        }))
    }

    /// Whether the images are those of a part.
    pub(crate) fn has(&self, path: &Path) -> bool {
        path == self.training || path == self.test || self.spare.iter().any(|spare| path == spare)
    }
}

/// Prefixes of the names of parts, in lower case.
const PARTS: [&str; 8] = [
    "train", "test", "val", "dev", "eval", "holdout", "hold-out", "heldout",
];

/// A warning if the folders of classes look like parts of a set, or contain such folders: their images
/// would be training images.
pub(crate) fn suspicion(classes: &[PathBuf]) -> Option<String> {
    let looks_like_part = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        PARTS.iter().any(|part| {
            let rest = name.strip_prefix(part);
            let word = |rest: &str| {
                let rest = rest.trim_start_matches("ing").trim_start_matches("idation");
                // `trains` may be a class.
                (rest.len() <= 1 && rest != "s")
                    || rest.starts_with(['-', '_', ' ', '.'])
                    || rest == "set"
            };
            rest.is_some_and(word)
        })
    };
    let below = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut parts = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir());
        parts.find(|path| looks_like_part(path))
    };
    let direct = classes.iter().find(|path| looks_like_part(path)).cloned();
    let found = direct.or_else(|| classes.iter().find_map(|path| below(path)))?;
    Some(format!(
        "{} looks like a part of a data set, but is read as a class or images of one: parts are only \
         recognised if folders named train and test (or val) are directly in the given folder",
        shown(&found)
    ))
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name()
        .is_some_and(|found| found.eq_ignore_ascii_case(name))
}

fn only(folder: &Path, mut candidates: Vec<PathBuf>) -> Result<PathBuf, DataError> {
    match (candidates.pop(), candidates.pop()) {
        (Some(one), None) => Ok(one),
        (one, other) => Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: format!(
                "{} and {}",
                shown(&other.unwrap_or_default()),
                shown(&one.unwrap_or_default())
            ),
            expected: "only one folder for this part of a data set".to_string(),
            advice: "keep one of them".to_string(),
        }),
    }
}
