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
    /// What a new run is of: as its recipe or its file says, else text if the data are a file of texts or the oracle.
    ///
    /// # Errors
    /// When there is no such recipe, or the file cannot be read.
    pub fn of_new_run(
        recipe: Option<&str>,
        file: Option<&Path>,
        data: Option<&Path>,
    ) -> Result<Self, RunError> {
        if let Some(name) = recipe {
            return Ok(Recipe::named(name)?.kind());
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

/// Whether data are texts, by their name.
fn is_text(data: &Path) -> bool {
    let ending = data.extension().unwrap_or_default().to_string_lossy();
    data == Path::new(crate::text::ORACLE)
        || TEXT_FILES
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
}
