//! The MANIFEST.toml beside a data set's folder, which lists its files.

use crate::DataError;
use crate::shown::shown_text;
use gan_core::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

/// The folder of one data set, with its entry in the manifest.
pub(crate) struct Listing {
    folder: PathBuf,
    name: String,
    files: Option<Vec<ListedFile>>,
}

/// One file of the manifest; other keys are ignored.
#[derive(Deserialize)]
struct ListedFile {
    name: String,
    bytes: u64,
    sha256: String,
}

#[derive(Deserialize)]
struct Table {
    files: Vec<ListedFile>,
}

impl Listing {
    /// Reads `folder`/../MANIFEST.toml; if it is absent or has no table with the folder's name, nothing is
    /// listed.
    pub(crate) fn of(folder: &Path) -> Result<Self, DataError> {
        let folder = named(folder);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.parent().unwrap_or(&folder).join("MANIFEST.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if is_absence(&error) => None,
            Err(error) => return Err(DataError::io(&path, REPAIR)(error)),
        };
        let files = text.map(|text| parse(&text, &name)).transpose();
        let files = files
            .map_err(|error| malformed(&path, error.message()))?
            .flatten();
        let mut names = files.iter().flatten().map(|file| &file.name);
        if let Some(name) = names.find(|name| !is_plain(name)) {
            return Err(malformed(&path, &format!("the file name {name:?}")));
        }
        Ok(Self {
            files,
            name: name.into_owned(),
            folder,
        })
    }

    /// Compares the file `name` of `folder` with its entry, size first; a file without an entry passes.
    pub(crate) fn verify(&self, folder: &Path, name: &str) -> Result<(), DataError> {
        let listed = self.files.iter().flatten().find(|file| file.name == name);
        let Some(listed) = listed else {
            return Ok(());
        };
        let path = folder.join(name);
        let io_error = |error| DataError::io(&path, "check its permissions")(error);
        let checksum = |found, expected| DataError::Checksum {
            path: path.clone(),
            found,
            expected,
            advice: format!("fetch the data set again ({})", self.fetch()),
        };
        let file = File::open(&path).map_err(io_error)?;
        let bytes = file.metadata().map_err(io_error)?.len();
        if bytes != listed.bytes {
            let (found, expected) = (format!("{bytes} bytes"), listed.bytes.to_string());
            return Err(checksum(found, expected));
        }
        let digest = sha256(file).map_err(io_error)?;
        if !digest.eq_ignore_ascii_case(&listed.sha256) {
            let (found, expected) = (format!("SHA-256 is {digest}"), listed.sha256.clone());
            return Err(checksum(found, expected));
        }
        Ok(())
    }

    /// What to do if a file is damaged.
    pub(crate) fn repair_advice(&self) -> String {
        if self.can_be_fetched() {
            format!("fetch the data set again ({} with `replace`)", self.fetch())
        } else {
            "get the file again from its source".to_string()
        }
    }

    /// What to do if the folder or a file in it is missing.
    pub(crate) fn missing_advice(&self) -> String {
        let is_there = |file: &ListedFile| self.folder.join(&file.name).exists();
        if self
            .files
            .as_ref()
            .is_some_and(|files| files.iter().all(is_there))
        {
            "all files that MANIFEST.toml lists are there; give another folder".to_string()
        } else if self.can_be_fetched() {
            format!("fetch the data set ({})", self.fetch())
        } else {
            "check the path".to_string()
        }
    }

    fn can_be_fetched(&self) -> bool {
        self.name == "mnist" || self.files.is_some()
    }

    /// The action that fetches the data set.
    fn fetch(&self) -> String {
        format!("`fetch {}`", shown_text(&self.name))
    }
}

const REPAIR: &str = "restore it, or remove it to read the folder without checksums";

/// The folder by a path that ends in its name, even if it was given as `.` or `a/..`.
fn named(folder: &Path) -> PathBuf {
    match folder.file_name() {
        Some(_) => folder.to_path_buf(),
        None => fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()),
    }
}

/// Whether a file does not exist, even if the folder above it is a file.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The files of the table `name`; other tables are ignored.
fn parse(text: &str, name: &str) -> Result<Option<Vec<ListedFile>>, toml::de::Error> {
    let mut tables: BTreeMap<String, toml::Value> = toml::from_str(text)?;
    let table: Option<Table> = tables.remove(name).map(toml::Value::try_into).transpose()?;
    Ok(table.map(|table| table.files))
}

/// Whether a name, joined to a folder's path, stays in that folder on every system.
fn is_plain(name: &str) -> bool {
    !(name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']))
}

fn malformed(path: &Path, found: &str) -> DataError {
    DataError::Format {
        path: path.to_path_buf(),
        found: found.to_string(),
        expected: "[[NAME.files]] entries with a name without folders, bytes and sha256"
            .to_string(),
        advice: REPAIR.to_string(),
    }
}

fn sha256(file: File) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut hasher = Sha256::new();
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(bytes);
        let taken = bytes.len();
        reader.consume(taken);
    }
}
