//! A file with one JSON object per line, each with its `step`, that a run writes and can cut back.

use crate::{RunError, RunFolder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A log that lines are added to.
pub(crate) struct JsonLines {
    path: PathBuf,
    run: RunFolder,
    file: File,
    /// Length of the complete lines, in bytes.
    length: u64,
}

impl JsonLines {
    /// Opens the file `path` of a run; creates it if it does not exist.
    pub(crate) fn open(run: &RunFolder, path: PathBuf) -> Result<Self, RunError> {
        run.check_in_place()?;
        let open = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            let length = file.seek(SeekFrom::End(0))?;
            Ok::<_, io::Error>((file, length))
        };
        let (file, length) = open().map_err(RunError::io(&path, "written"))?;
        Ok(Self {
            path,
            run: run.clone(),
            file,
            length,
        })
    }

    /// Writes a line, whole or not at all.
    pub(crate) fn append(&mut self, line: &impl Serialize) -> Result<(), RunError> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.run.check_in_place()?;
        if !self.path.exists() {
            return Err(RunError::Moved {
                path: self.path.clone(),
                what: "was removed",
            });
        }
        let written = self.file.write_all(text.as_bytes());
        if written.is_err() {
            // If this fails as well, the torn line is skipped when the file is read.
            drop(self.file.set_len(self.length));
        }
        written.map_err(RunError::io(&self.path, "written"))?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// Keeps the lines of a run's log whose steps are `kept`; the run will write the others again. A line that
/// a stop cut short is removed, and so is a damaged one, with a warning. No other line is lost.
///
/// The file is replaced if that changes it, or if it is a link or has other names, so that later lines
/// are not added to another file.
///
/// Returns the step of the last line.
pub(crate) fn keep_lines(path: &Path, kept: impl Fn(u64) -> bool) -> Result<Option<u64>, RunError> {
    keep_lines_by(path, |line: &Step| line.step, kept)
}

/// The number by which the lines of a run of images are kept.
#[derive(Deserialize)]
struct Step {
    step: u64,
}

/// The same for lines `L` that are kept by another number.
pub(crate) fn keep_lines_by<L: DeserializeOwned>(
    path: &Path,
    number: impl Fn(&L) -> u64,
    kept: impl Fn(u64) -> bool,
) -> Result<Option<u64>, RunError> {
    let bytes = match gan_core::read_regular(path) {
        Err(error) if path.is_symlink() => {
            tracing::warn!("{}: a link ({error}), replaced by a file", path.display());
            Vec::new()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(RunError::io(path, "read"))?,
    };
    let Kept {
        lines,
        last,
        damaged,
    } = kept_lines(&bytes, number, kept);
    warn_of_damaged(path, &damaged, "removed");
    if lines != bytes || !is_the_only_name(path) {
        gan_core::write_atomically(path, |out| out.write_all(&lines))
            .map_err(RunError::io(path, "written"))?;
    }
    Ok(last)
}

/// Names the lines, by their numbers from 1, that are lost because they are not records.
pub(crate) fn warn_of_damaged(path: &Path, numbers: &[usize], fate: &str) {
    let path = path.display();
    match numbers {
        [] => {}
        [number] => {
            tracing::warn!("{path}: line {number} is not a record of a step, and is {fate}");
        }
        [first, more @ ..] => tracing::warn!(
            "{path}: line {first} and {} more are not records of a step, and are {fate}",
            more.len()
        ),
    }
}

/// The lines of a log with their numbers, from 1. A last one without its end was cut short, and is left out.
pub(crate) fn complete_lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    (1..).zip(lines.filter(|line| line.ends_with(b"\n")))
}

/// What is kept of a log.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    lines: Vec<u8>,
    /// The step of the last line.
    last: Option<u64>,
    /// The numbers, from 1, of damaged lines.
    damaged: Vec<usize>,
}

fn kept_lines<L: DeserializeOwned>(
    bytes: &[u8],
    number: impl Fn(&L) -> u64,
    kept: impl Fn(u64) -> bool,
) -> Kept {
    let mut found = Kept::default();
    for (place, line) in complete_lines(bytes) {
        match serde_json::from_slice::<L>(line).map(|line| number(&line)) {
            Ok(step) if kept(step) => {
                found.lines.extend_from_slice(line);
                found.last = Some(step);
            }
            Ok(_) => {}
            Err(_) => found.damaged.push(place),
        }
    }
    found
}

/// Whether writing to `path` changes only the file with that name.
fn is_the_only_name(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else {
        return false;
    };
    #[cfg(unix)]
    let names = std::os::unix::fs::MetadataExt::nlink(&metadata);
    #[cfg(not(unix))]
    let names = 1;
    metadata.is_file() && names == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_of_later_steps_and_damaged_ones_are_removed_and_no_others() {
        let whole = "{\"step\":0}\n{\"step\":5}\n{\"step\":9}\n";
        for (text, done, expected, damaged) in [
            (whole, 100, whole, vec![]),
            (whole, 9, "{\"step\":0}\n{\"step\":5}\n", vec![]),
            (whole, 0, "", vec![]),
            ("", 7, "", vec![]),
            ("{\"step\":0}\n{\"step\":", 100, "{\"step\":0}\n", vec![]),
            ("{\"step\":0}\n{\"step\":5}", 100, "{\"step\":0}\n", vec![]),
            ("not JSON\n{\"step\":0}\n", 100, "{\"step\":0}\n", vec![1]),
            (
                "{\"step\":0}\n[\"step\":5}\n\n{\"step\":9}\n",
                100,
                "{\"step\":0}\n{\"step\":9}\n",
                vec![2, 3],
            ),
        ] {
            let found = kept_lines(text.as_bytes(), |line: &Step| line.step, |step| step < done);
            assert_eq!(found.lines, expected.as_bytes(), "{text} {done}");
            assert_eq!(found.damaged, damaged, "{text} {done}");
        }
    }

    #[test]
    fn lines_are_added_after_those_that_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        fs::write(&path, "{\"step\":0}\n{\"step\":5}\n{\"st").unwrap();
        keep_lines(&path, |step| step < 5).unwrap();
        let run = RunFolder::open(folder.path());
        let mut lines = JsonLines::open(&run, path.clone()).unwrap();
        lines.append(&serde_json::json!({"step": 6})).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"step\":0}\n{\"step\":6}\n");
    }

    #[cfg(unix)]
    #[test]
    fn other_names_of_a_log_keep_what_they_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = "{\"step\":0}\n";
        for name in ["backup", "target"] {
            fs::write(path(name), text).unwrap();
        }
        fs::hard_link(path("backup"), path("hard")).unwrap();
        std::os::unix::fs::symlink(path("target"), path("soft")).unwrap();
        for (name, other) in [("hard", "backup"), ("soft", "target")] {
            keep_lines(&path(name), |_| true).unwrap();
            let run = RunFolder::open(folder.path());
            let mut lines = JsonLines::open(&run, path(name)).unwrap();
            lines.append(&serde_json::json!({"step": 1})).unwrap();
            assert_eq!(fs::read_to_string(path(other)).unwrap(), text);
            assert_eq!(fs::read_to_string(path(name)).unwrap().lines().count(), 2);
        }
    }

    #[test]
    fn a_removed_file_is_no_place_to_write_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let run = RunFolder::open(folder.path());
        let mut lines = JsonLines::open(&run, path.clone()).unwrap();
        fs::remove_file(&path).unwrap();
        let error = lines.append(&serde_json::json!({"step": 0})).unwrap_err();
        assert!(error.to_string().contains("was removed"), "{error}");
    }
}
