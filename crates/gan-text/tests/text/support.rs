//! Small texts in temporary folders.

use gan_core::Sequences;
use gan_text::{TextConfig, TextData, TextError};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// What is read of one file of this name.
pub(crate) fn read(name: &str, bytes: &[u8], config: &TextConfig) -> Result<TextData, TextError> {
    let folder = folder(&[(name, bytes)]);
    TextData::open(&folder.path().join(name), config)
}

/// The same of lines, with the defaults.
pub(crate) fn lines(text: &str) -> TextData {
    read("lines.txt", text.as_bytes(), &TextConfig::default()).unwrap()
}

/// The texts of sequences.
pub(crate) fn texts(data: &TextData, sequences: &Sequences) -> Vec<String> {
    let sequences = sequences.iter();
    sequences.map(|ids| data.tokenizer.decode(ids)).collect()
}

/// A file of the repository.
pub(crate) fn root(path: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    PathBuf::from(root).join(path)
}

/// Asserts that the error's text has all `parts`.
#[track_caller]
pub(crate) fn assert_says<T: std::fmt::Debug>(result: Result<T, TextError>, parts: &[&str]) {
    let text = result.unwrap_err().to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
