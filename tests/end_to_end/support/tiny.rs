//! A small data set of images, a run on it, and lines of commands.

use super::program::{run, text};
use super::runs::ended_with;
use crate::idx::idx;
use std::fs;
use std::path::Path;

/// A data set `d` of 96 training and 64 held-out images of 8 × 8 pixels in four classes.
pub(crate) fn tiny_data(folder: &Path) {
    fs::create_dir(folder.join("d")).unwrap();
    for (part, count) in [("train", 96_u32), ("t10k", 64)] {
        let pixels = (0..count * 64).map(|n| (n * n % 251 * (n / 64 % 4 + 1) % 256) as u8);
        let images = idx(&[count, 8, 8], pixels);
        let labels = idx(&[count], (0..count).map(|n| (n % 4) as u8));
        let path = |what: &str| folder.join("d").join(format!("{part}-{what}-ubyte"));
        fs::write(path("images-idx3"), images).unwrap();
        fs::write(path("labels-idx1"), labels).unwrap();
    }
}

/// A run `run` of two steps on [`tiny_data`].
pub(crate) fn tiny_run(folder: &Path) {
    tiny_data(folder);
    let line = "train --data d --batch-size 16 --steps 2 --out run -q";
    ended_with(&run(folder, line), 0);
}

/// Runs a line that must end with this code and, if it is not 0, say each of `parts`.
#[track_caller]
pub(crate) fn check(folder: &Path, line: &str, code: i32, parts: &[&str]) {
    let output = run(folder, line);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {message}");
    for part in parts {
        assert!(
            message.contains(part),
            "{line}: `{part}` is not in: {message}"
        );
    }
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

pub(crate) fn begins_with(path: &Path, magic: &[u8]) -> bool {
    fs::read(path).unwrap().starts_with(magic)
}
