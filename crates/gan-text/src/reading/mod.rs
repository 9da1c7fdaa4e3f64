//! Texts of files, one at a time: lines, fields of JSON lines and columns of CSV, in one form.

mod csv;
mod decoded;
mod json_lines;
mod lines;
mod normal;
mod places;
mod twice;

use self::decoded::Decoded;
use self::places::Places;
use crate::error::Problem;
use crate::{TextConfig, TextError};
use encoding_rs::Encoding;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub(crate) use self::decoded::encoding_of;
pub(crate) use self::normal::normalised;
pub use self::twice::DoubleEncoding;

/// The field that holds the text if none is named.
const DEFAULT_FIELD: &str = "text";

/// A side of the split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Training,
    HeldOut,
}

/// A text as it was found.
pub(crate) struct Text<'a> {
    /// The side that its file says.
    pub(crate) published: Option<Side>,
    /// As it stands in the file.
    pub(crate) raw: &'a str,
    /// In the form that is compared and learned; empty if it is blank.
    pub(crate) normal: &'a str,
}

/// Gives the texts of a file to `visit`, normalised, without blank ones: lines, or of a file that ends in `.jsonl` or
/// `.csv` what is in the field or column `text`.
///
/// # Errors
/// Names the place, when the file cannot be read or decoded, or is no text.
pub fn each_text_of(path: &Path, mut visit: impl FnMut(&str)) -> Result<(), TextError> {
    let source = Source::find(path, &TextConfig::default())?;
    source.each_text(|text| {
        if !text.normal.is_empty() {
            visit(text.normal);
        }
        Ok(())
    })
}

/// The files of a text and how they are read. They are not kept open, and can be read several times.
pub(crate) struct Source {
    path: PathBuf,
    places: Places,
    encoding: &'static Encoding,
    field: Option<String>,
    lowercase: bool,
}

impl Source {
    /// Finds the files of a file or folder.
    pub(crate) fn find(path: &Path, config: &TextConfig) -> Result<Self, TextError> {
        let source = Self {
            path: path.to_path_buf(),
            places: places::find(path)?,
            encoding: encoding_of(&config.encoding)?,
            field: config.field.clone(),
            lowercase: config.lowercase,
        };
        match (config.held_out, source.held_out()) {
            (Some(share), Some(file)) => Err(TextError::Setting {
                key: "data.held_out",
                found: share.to_string(),
                expected: format!("no share: {} is held out", gan_core::shown(file)),
            }),
            _ => Ok(source),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of files.
    pub(crate) fn files(&self) -> usize {
        self.places.files.len() + usize::from(self.held_out().is_some())
    }

    /// The file that is held out, if there is a split.
    pub(crate) fn held_out(&self) -> Option<&Path> {
        self.places.held_out.as_deref()
    }

    /// The names of what else lies in the folder.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.places.skipped
    }

    /// Gives all texts to `visit`, those of a held-out file first.
    pub(crate) fn each_text(
        &self,
        mut visit: impl FnMut(Text<'_>) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        let is_split = self.held_out().is_some();
        if let Some(path) = self.held_out() {
            self.each_text_of(path, Some(Side::HeldOut), &mut visit)?;
        }
        for path in &self.places.files {
            self.each_text_of(path, is_split.then_some(Side::Training), &mut visit)?;
        }
        Ok(())
    }

    fn each_text_of(
        &self,
        path: &Path,
        published: Option<Side>,
        visit: &mut impl FnMut(Text<'_>) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        let blocks = Decoded::new(open(path)?, self.encoding);
        let visit = |line: u64, raw: &str| {
            if raw.contains('\0') {
                return Err(nul().of(path, Some(line)));
            }
            let normal = normalised(raw, self.lowercase);
            visit(Text {
                published,
                raw,
                normal: &normal,
            })
        };
        let ending = path.extension().and_then(|ending| ending.to_str());
        let field = self.field.as_deref();
        let fields: Vec<&str> = field
            .unwrap_or(DEFAULT_FIELD)
            .split(',')
            .map(str::trim)
            .collect();
        match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => json_lines::each_text(path, blocks, &fields, visit),
            "csv" => csv::each_text(path, blocks, &fields, visit),
            "json" => Err(json().of(path, None)),
            _ => match field {
                Some(field) => Err(no_fields(path, field)),
                None => lines::each_line(path, blocks, visit),
            },
        }
    }
}

/// Opens a regular file. A pipe could wait for a writer for ever, and a device has no end.
fn open(path: &Path) -> Result<File, TextError> {
    let metadata = fs::metadata(path).map_err(TextError::io(path, "check the file"))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() {
            "a folder"
        } else {
            "not a regular file"
        };
        return Err(
            Problem::new(found, "a file of text", "remove it or give another path").of(path, None),
        );
    }
    File::open(path).map_err(TextError::io(path, "check the file's permissions"))
}

fn nul() -> Problem {
    Problem::new(
        "there is a NUL character",
        "text",
        "if the file is UTF-16, set `data.encoding` to utf-16le or utf-16be; if it is no text, give another",
    )
}

fn json() -> Problem {
    Problem::new(
        "the file's name ends in .json",
        "one JSON object a line in a file that ends in .jsonl",
        "convert the file, or rename it",
    )
}

fn no_fields(path: &Path, field: &str) -> TextError {
    TextError::Setting {
        key: "data.field",
        found: field.to_string(),
        expected: format!(
            "no field, because {} is read line by line; .jsonl and .csv files have fields",
            gan_core::shown(path)
        ),
    }
}
