//! What a reader read, changed and skipped, in words.

use crate::Dataset;
use crate::shown::{shown_text, thousands};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The most classes, or kinds of files, that a line names.
const NAMED: usize = 20;

/// What a reader read, changed and skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// In one line.
    pub summary: String,
    /// The same in parts and without the names of files.
    pub brief: Vec<String>,
    /// Number, name and number of images of each class in one line, held-out images included, if there are
    /// classes.
    pub classes: Option<String>,
    /// What a user should check before training on the images; usually empty.
    pub warnings: Vec<String>,
}

/// `0 apple 100, 1 berry 50`: the classes of both parts together.
pub(crate) fn classes(training: &Dataset, held_out: Option<&Dataset>) -> Option<String> {
    let mut counts = training.images_per_class();
    let others = held_out.map(Dataset::images_per_class).unwrap_or_default();
    for (count, more) in counts.iter_mut().zip(others) {
        *count += more;
    }
    let named = training.class_names().is_some();
    let class = |(class, count): (usize, &usize)| {
        let count = thousands(*count);
        if named {
            format!("{class} {} {count}", training.class_name(class))
        } else {
            format!("{class}: {count}")
        }
    };
    let parts: Vec<String> = counts.iter().enumerate().take(NAMED).map(class).collect();
    let more = match counts.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", … and {more} more"),
    };
    (!parts.is_empty()).then(|| parts.join(", ") + &more)
}

/// Files and folders that were skipped, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skipped {
    files: BTreeMap<String, usize>,
    folders: usize,
}

impl Skipped {
    /// The entries of `folder` other than the names in `taken`.
    pub(crate) fn beside(folder: &Path, taken: &[&str]) -> io::Result<Self> {
        let mut skipped = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if taken.iter().any(|taken| name == *taken) {
                continue;
            }
            if path.is_dir() && !is_hidden(&path) {
                skipped.add_folder();
            } else {
                skipped.add_file(&path);
            }
        }
        Ok(skipped)
    }

    /// Counts a file by its extension, or as hidden.
    pub(crate) fn add_file(&mut self, path: &Path) {
        let kind = match path.extension() {
            _ if is_hidden(path) => "hidden".to_string(),
            None => "without extension".to_string(),
            Some(extension) => shown_text(&format!(".{}", extension.to_string_lossy())),
        };
        *self.files.entry(kind.to_lowercase()).or_default() += 1;
    }

    pub(crate) fn add_folder(&mut self) {
        self.folders += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (kind, count) in &other.files {
            *self.files.entry(kind.clone()).or_default() += count;
        }
        self.folders += other.folders;
    }

    /// `2 .txt, 1 hidden`, or `nothing`.
    pub(crate) fn kinds(&self) -> String {
        if self.files.is_empty() {
            return "nothing".to_string();
        }
        let kind = |(kind, count): (&String, &usize)| format!("{} {kind}", thousands(*count));
        let kinds: Vec<String> = self.files.iter().take(NAMED).map(kind).collect();
        let more = match self.files.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", … and {more} kinds more"),
        };
        kinds.join(", ") + &more
    }

    /// `3 files skipped (2 .txt, 1 hidden)` and the same of folders, where there were any.
    pub(crate) fn in_words(&self) -> Vec<String> {
        let files: usize = self.files.values().sum();
        let mut words = Vec::new();
        if files > 0 {
            let kinds = self.kinds();
            words.push(format!("{} skipped ({kinds})", counted(files, "file")));
        }
        if self.folders > 0 {
            let folders = counted(self.folders, "folder");
            words.push(format!("{folders} without images skipped"));
        }
        words
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// Whether the name begins with a dot, or is that of the folder that macOS adds to archives.
pub(crate) fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}
