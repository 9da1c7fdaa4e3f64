//! A file of a JSON object a line, each with its `step`, that a run writes and can be taken back in.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(crate) struct JsonLines {
    path: PathBuf,
    file: File,
    /// Of the whole lines.
    length: u64,
}

impl JsonLines {
    /// Opens the file for a run that has done `done` steps. Lines of later steps, and one that a stop
    /// cut short, are removed: the run will write them again.
    pub(crate) fn open(path: &Path, done: u64) -> Result<Self> {
        let open = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let length = length_kept(&bytes, done);
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))?;
            Ok::<_, std::io::Error>((file, length))
        };
        let (file, length) = open().with_context(|| cannot_be_written(path))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            length,
        })
    }

    /// Writes a line, whole or not at all.
    pub(crate) fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        if !self.path.exists() {
            bail!(
                "{}: was removed while the run was writing to it",
                self.path.display()
            );
        }
        let written = self.file.write_all(text.as_bytes());
        if written.is_err() {
            // If this fails as well, the torn line is left out when the file is read.
            drop(self.file.set_len(self.length));
        }
        written.with_context(|| cannot_be_written(&self.path))?;
        self.length += text.len() as u64;
        Ok(())
    }
}

fn cannot_be_written(path: &Path) -> String {
    format!("{}: cannot be written", path.display())
}

/// The bytes of the whole lines of steps before `done`.
fn length_kept(bytes: &[u8], done: u64) -> u64 {
    #[derive(Deserialize)]
    struct Step {
        step: u64,
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.take_while(|line| {
        let step = serde_json::from_slice::<Step>(line);
        line.ends_with(b"\n") && step.is_ok_and(|line| line.step < done)
    });
    kept.map(|line| line.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_later_steps_and_torn_ones_are_taken_back() {
        let whole = "{\"step\":0}\n{\"step\":5}\n{\"step\":9}\n";
        for (text, done, kept) in [
            (whole, 100, 33),
            (whole, 9, 22),
            (whole, 0, 0),
            ("", 7, 0),
            ("{\"step\":0}\n{\"step\":", 100, 11),
            ("{\"step\":0}\n{\"step\":5}", 100, 11),
            ("no json\n{\"step\":0}\n", 100, 0),
        ] {
            assert_eq!(length_kept(text.as_bytes(), done), kept, "{text} {done}");
        }
    }

    #[test]
    fn a_file_that_was_taken_back_goes_on_where_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, "{\"step\":0}\n{\"step\":5}\n{\"st").unwrap();
        let mut lines = JsonLines::open(&path, 5).unwrap();
        lines.append(&serde_json::json!({"step": 6})).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"step\":0}\n{\"step\":6}\n");
    }

    #[test]
    fn a_removed_file_is_no_place_to_write_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut lines = JsonLines::open(&path, 0).unwrap();
        std::fs::remove_file(&path).unwrap();
        let error = lines.append(&serde_json::json!({"step": 0})).unwrap_err();
        assert!(error.to_string().contains("was removed"), "{error}");
    }
}
