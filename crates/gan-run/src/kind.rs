//! What runs are of: images or text.

use crate::configuration::read_text;
use crate::layers::named_recipe;
use crate::text::TextRunConfig;
use crate::{Configuration, Recipe, RunConfig, RunError, RunFolder};
use gan_core::Weights;
use std::path::Path;
use toml::Table;

/// The key of a configuration that says so.
pub(crate) const KEY: &str = "kind";

/// Its value for text; images have no such key.
pub(crate) const TEXT: &str = "text";

/// The endings of names of files of texts.
const TEXT_FILES: [&str; 3] = ["txt", "jsonl", "csv"];

/// What a run is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Images, or points in the plane.
    Images,
    /// Text.
    Text,
}

impl Kind {
    /// What a new run is of: as its recipe or its file says, else text if the data are a file or a folder of texts, or
    /// the oracle.
    ///
    /// # Errors
    /// When there is no such recipe, it is of images and the data are text, or the file cannot be read.
    pub fn of_new_run(
        recipe: Option<&str>,
        file: Option<&Path>,
        data: Option<&Path>,
    ) -> Result<Self, RunError> {
        if let Some(name) = recipe {
            let kind = Recipe::named(name)?.kind();
            return match data.filter(|data| kind == Self::Images && is_text(data)) {
                Some(data) => Err(RunError::refused(
                    data,
                    format!(
                        "this is text, and recipe {name} is of images; choose mle, seqgan, relgan or leakgan"
                    ),
                )),
                None => Ok(kind),
            };
        }
        if let Some(path) = file {
            let Ok(table) = read_text(path)?.parse::<Table>() else {
                return Ok(Self::Images);
            };
            return match named_recipe(&table) {
                Some(name) => Ok(Recipe::named(name)?.kind()),
                None => Ok(Self::of_table(&table)),
            };
        }
        Ok(match data {
            Some(data) if is_text(data) => Self::Text,
            _ => Self::Images,
        })
    }

    /// What the run in a folder is of; images, if it is none.
    pub fn of_run(path: &Path) -> Self {
        let text = read_text(&RunFolder::open(path).config()).ok();
        let table = text.and_then(|text| text.parse::<Table>().ok());
        table.map_or(Self::Images, |table| Self::of_table(&table))
    }

    /// What the subject of `evaluate`, `sample` or `inspect` is of: a run, a generator's file, or what a generator made.
    pub fn of_subject(path: &Path) -> Self {
        if path.is_dir() {
            return match RunFolder::open(path).config().is_file() {
                true => Self::of_run(path),
                false => Self::Images,
            };
        }
        let is_generator = || {
            let is_weights = path
                .extension()
                .is_some_and(|ending| ending == "safetensors");
            let file = is_weights.then(|| Weights::read(path).ok()).flatten();
            file.is_some_and(|file| file.metadata.contains("text_generator_format_version"))
        };
        match is_text(path) || is_generator() {
            true => Self::Text,
            false => Self::Images,
        }
    }

    /// Reads the configuration of a run, of whatever it is.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn of_config(path: &Path) -> Result<Self, RunError> {
        let text = read_text(path)?;
        let table = text.parse::<Table>().unwrap_or_default();
        let kind = Self::of_table(&table);
        match kind {
            Self::Images => RunConfig::parse(&text, path).map(drop),
            Self::Text => TextRunConfig::parse(&text, path).map(drop),
        }?;
        Ok(kind)
    }

    pub(crate) fn of_table(table: &Table) -> Self {
        match table.get(KEY).and_then(toml::Value::as_str) {
            Some(TEXT) => Self::Text,
            _ => Self::Images,
        }
    }
}

/// Whether data are texts, by their names: the oracle, a file of texts, or a folder with such files that has neither
/// folders in it nor files of another ending, but for notes on its origin.
fn is_text(data: &Path) -> bool {
    data == Path::new(crate::text::ORACLE) || is_text_file(data) || is_text_folder(data)
}

fn is_text_file(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    TEXT_FILES
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

fn is_text_folder(path: &Path) -> bool {
    let Ok(entries) = path.read_dir() else {
        return false;
    };
    let mut found = false;
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.is_file() && (is_text_file(&path) || is_note(&path)) {
            true => found |= is_text_file(&path),
            false => return false,
        }
    }
    found
}

/// A hidden file, one of Markdown, or one that is called so.
fn is_note(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_markdown = path.extension().is_some_and(|ending| ending == "md");
    is_markdown || name.starts_with('.') || ["LICENSE", "LICENCE", "README"].contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn folders_of_texts_are_text_and_folders_of_anything_else_are_images() {
        let folder = tempfile::tempdir().unwrap();
        let kind = || Kind::of_new_run(None, None, Some(folder.path())).unwrap();
        assert_eq!(kind(), Kind::Images);
        fs::write(folder.path().join("LICENCE.md"), "").unwrap();
        assert_eq!(kind(), Kind::Images);
        fs::write(folder.path().join("poems.TXT"), "").unwrap();
        assert_eq!(kind(), Kind::Text);
        fs::write(folder.path().join("labels.csv"), "").unwrap();
        assert_eq!(kind(), Kind::Text);
        // The file of classes of a folder in MNIST's layout.
        let images = folder.path().join("train-images-idx3-ubyte");
        fs::write(&images, "").unwrap();
        assert_eq!(kind(), Kind::Images);
        fs::remove_file(images).unwrap();
        let refused = Kind::of_new_run(Some("fast"), None, Some(folder.path()));
        assert!(refused.unwrap_err().to_string().contains("this is text"));
        fs::write(folder.path().join("one.png"), "").unwrap();
        assert_eq!(kind(), Kind::Images);
    }
}
