//! Which files a path stands for, and which of them are held out.

use crate::TextError;
use crate::error::Problem;
use gan_core::shown_text;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The files of a text.
pub(super) struct Places {
    /// The files to train on, or of the whole text.
    pub(super) files: Vec<PathBuf>,
    /// The file that is held out, if the folder has a split of its own.
    pub(super) held_out: Option<PathBuf>,
    /// What else lies in the folder.
    pub(super) skipped: Vec<String>,
}

/// Endings of files that are read; only those of the first that a folder has.
const ENDINGS: [&str; 3] = ["txt", "jsonl", "csv"];

/// Names of a held-out file, the best first.
const HELD_OUT: [&str; 4] = ["test", "valid", "validation", "val"];

const ADVICE: &str = "check `data.path` and its permissions";

/// The files of a file or folder.
pub(super) fn find(path: &Path) -> Result<Places, TextError> {
    let metadata = fs::metadata(path).map_err(TextError::io(path, ADVICE))?;
    if metadata.is_dir() {
        return in_folder(path);
    }
    Ok(Places {
        files: vec![path.to_path_buf()],
        held_out: None,
        skipped: Vec::new(),
    })
}

fn in_folder(folder: &Path) -> Result<Places, TextError> {
    let names = names(folder).map_err(TextError::io(folder, ADVICE))?;
    let with = |ending: &str| -> Vec<String> {
        let names = names.iter().filter(|name| ending_of(name) == ending);
        names.cloned().collect()
    };
    let read = ENDINGS.iter().map(|ending| with(ending));
    let read = read
        .into_iter()
        .find(|names| !names.is_empty())
        .ok_or_else(|| {
            let found = format!(
                "the folder holds {} files and folders, none of them text",
                names.len()
            );
            Problem::new(
                found,
                "files that end in .txt, .jsonl or .csv",
                "check `data.path`",
            )
            .of(folder, None)
        })?;
    let (files, held_out) = split(&read);
    let left = names
        .iter()
        .filter(|name| !files.contains(name) && held_out != Some(*name));
    Ok(Places {
        skipped: left.map(|name| shown_text(name)).collect(),
        files: files.iter().map(|name| folder.join(name)).collect(),
        held_out: held_out.map(|name| folder.join(name)),
    })
}

/// The names of the visible entries, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        match name.to_str() {
            Some(name) if name.starts_with('.') => {}
            Some(name) => names.push(name.to_string()),
            None => {
                let said = format!("the file name {name:?} is not UTF-8");
                return Err(io::Error::new(ErrorKind::InvalidFilename, said));
            }
        }
    }
    names.sort();
    Ok(names)
}

fn ending_of(name: &str) -> String {
    let ending = Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

/// The files to train on, and the one that is held out: of files called `train` the one called `test`, else
/// `valid`; and so of two files when one is. `test_coco.txt` and `coco.test.txt` are called `test` too.
fn split(names: &[String]) -> (Vec<&String>, Option<&String>) {
    let called = |word: &str| -> Vec<&String> {
        names.iter().filter(|name| is_called(name, word)).collect()
    };
    let held_out = HELD_OUT
        .iter()
        .map(|word| called(word))
        .find(|found| !found.is_empty());
    let Some([held_out]) = held_out.as_deref() else {
        return (names.iter().collect(), None);
    };
    let train = called("train");
    match (train.is_empty(), names) {
        (false, _) => (train, Some(held_out)),
        (true, [_, _]) => {
            let others = names.iter().filter(|name| name != held_out);
            (others.collect(), Some(held_out))
        }
        _ => (names.iter().collect(), None),
    }
}

/// Whether a file's name without its ending is `word`, or has it as its first or last part.
fn is_called(name: &str, word: &str) -> bool {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    let stem = stem.unwrap_or_default().to_ascii_lowercase();
    let parts = || stem.split(['_', '-', '.', ' ']);
    parts().next() == Some(word) || parts().next_back() == Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(names: &[&str]) -> (Vec<String>, Option<String>) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let (files, held_out) = split(&names);
        (files.into_iter().cloned().collect(), held_out.cloned())
    }

    #[test]
    fn a_test_file_beside_one_to_train_on_is_held_out() {
        for (names, train, held_out) in [
            (
                &["test.txt", "train.txt"][..],
                &["train.txt"][..],
                "test.txt",
            ),
            (&["train.txt", "valid.txt"], &["train.txt"], "valid.txt"),
            (
                &["a.txt", "test.txt", "train.txt", "valid.txt"],
                &["train.txt"],
                "test.txt",
            ),
            (
                &["image_coco.txt", "test_coco.txt"],
                &["image_coco.txt"],
                "test_coco.txt",
            ),
            (
                &["wiki.test.txt", "wiki.train.txt"],
                &["wiki.train.txt"],
                "wiki.test.txt",
            ),
        ] {
            let expected = train.iter().map(ToString::to_string).collect();
            assert_eq!(
                divided(names),
                (expected, Some(held_out.to_string())),
                "{names:?}"
            );
        }
    }

    #[test]
    fn other_files_are_one_text() {
        for names in [
            &["a.txt"][..],
            &["test.txt"],
            &["train.txt"],
            &["a.txt", "b.txt", "test.txt"],
            &["a.txt", "contest.txt"],
            &["test-a.txt", "test-b.txt", "train.txt"],
        ] {
            assert_eq!(divided(names).1, None, "{names:?}");
            assert_eq!(divided(names).0, names);
        }
    }
}
