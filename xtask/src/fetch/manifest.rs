//! data/MANIFEST.toml: for each data set its mirrors and its files with sizes and SHA-256.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::usage::WrongUse;

/// One table of the manifest. Other keys are notes for people.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DataSet {
    /// Base URLs; a file's address is the base followed by the file's name.
    pub(super) mirrors: Vec<String>,
    pub(super) files: Vec<FileEntry>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FileEntry {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// 64 lowercase hexadecimal digits.
    pub(super) sha256: String,
}

/// The state of a file on disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Missing,
    /// Says what was found and what was expected.
    Damaged(String),
}

impl DataSet {
    /// Reads the table `set` of the manifest at `path`.
    ///
    /// # Errors
    ///
    /// [`WrongUse`] if there is no such table; otherwise what is wrong with the file.
    pub(super) fn read(path: &Path, set: &str) -> Result<Self> {
        let place = path.display();
        let text = fs::read_to_string(path).with_context(|| {
            format!("{place}: cannot be read; it belongs to the project, restore it with git")
        })?;
        Self::parse(&text, set).with_context(|| place.to_string())
    }

    fn parse(text: &str, set: &str) -> Result<Self> {
        if !is_plain(set) {
            bail!(WrongUse(format!(
                "data set {set:?} must be a plain name without folders"
            )));
        }
        let mut sets: BTreeMap<String, Self> =
            toml::from_str(text).context("not a manifest of data sets")?;
        let Some(found) = sets.remove(set) else {
            let known: Vec<_> = sets.into_keys().collect();
            bail!(WrongUse(format!(
                "there is no data set {set:?}; the known ones are {}",
                known.join(", ")
            )));
        };
        for entry in &found.files {
            entry.check().with_context(|| format!("[{set}]"))?;
        }
        Ok(found)
    }
}

/// Whether a name, joined to a folder's path, stays in that folder on every system.
fn is_plain(name: &str) -> bool {
    !(name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']))
}

impl FileEntry {
    fn check(&self) -> Result<()> {
        let Self { name, sha256, .. } = self;
        if !is_plain(name) {
            bail!("file name {name:?} must be a plain name without folders");
        }
        let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if sha256.len() != 64 || !sha256.bytes().all(hexadecimal) {
            bail!("{name}: sha256 {sha256:?} must be 64 lowercase hexadecimal digits");
        }
        Ok(())
    }

    /// Compares the file at `path` with this entry, size first.
    ///
    /// # Errors
    ///
    /// If the file exists but cannot be read.
    pub(super) fn verify(&self, path: &Path) -> io::Result<Verdict> {
        match File::open(path) {
            Ok(mut file) => self.verify_open(&mut file),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Verdict::Missing),
            Err(error) => Err(error),
        }
    }

    /// The same for an open file at its beginning.
    pub(super) fn verify_open(&self, file: &mut File) -> io::Result<Verdict> {
        let found = file.metadata()?.len();
        if found != self.bytes {
            let expected = self.bytes;
            return Ok(Verdict::Damaged(format!(
                "{found} bytes, expected {expected}"
            )));
        }
        let digest = sha256_hex(file)?;
        if digest == self.sha256 {
            return Ok(Verdict::Good);
        }
        let expected = &self.sha256;
        Ok(Verdict::Damaged(format!(
            "SHA-256 is {digest}, expected {expected}"
        )))
    }
}

/// The SHA-256 of the rest of `reader`, in lowercase hexadecimal.
pub(super) fn sha256_hex(reader: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(name: &str, sha256: &str) -> String {
        format!(
            "[tiny]\nlicence = \"none\"\nmirrors = [\"http://host/\"]\n\
             [[tiny.files]]\nname = {name:?}\nbytes = 0\nsha256 = {sha256:?}\n"
        )
    }

    #[test]
    fn a_table_is_read_and_notes_are_allowed() {
        let set = DataSet::parse(&manifest("a.gz", EMPTY), "tiny").unwrap();
        assert_eq!(set.mirrors, ["http://host/"]);
        assert_eq!(set.files[0].name, "a.gz");
    }

    #[test]
    fn an_unknown_set_is_wrong_use_and_the_known_are_named() {
        let error = DataSet::parse(&manifest("a.gz", EMPTY), "large").unwrap_err();
        assert!(error.is::<WrongUse>());
        assert!(
            error.to_string().contains("the known ones are tiny"),
            "{error}"
        );
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["../a", "/a", "a/b", "..", ".", "", "a\\b", "..\\a", "c:a"] {
            let error = DataSet::parse(&manifest(name, EMPTY), "tiny").unwrap_err();
            assert!(
                format!("{error:#}").contains("plain name"),
                "{name}: {error:#}"
            );
            let set = manifest("a", EMPTY).replace("tiny", &format!("{name:?}"));
            let error = DataSet::parse(&set, name).unwrap_err();
            assert!(error.is::<WrongUse>(), "{name}: {error:#}");
            assert!(error.to_string().contains("plain name"), "{name}: {error}");
        }
    }

    #[test]
    fn a_digest_that_is_not_one_is_refused() {
        for digest in ["", "00", &EMPTY.to_uppercase(), &EMPTY.replace('e', "g")] {
            let error = DataSet::parse(&manifest("a", digest), "tiny").unwrap_err();
            assert!(format!("{error:#}").contains("64 lowercase"), "{error:#}");
        }
    }

    #[test]
    fn every_table_of_the_projects_manifest_can_be_read() {
        let path = crate::workspace::root().join("data/MANIFEST.toml");
        for (set, files) in [
            ("mnist", 4),
            ("fashion-mnist", 4),
            ("kmnist", 4),
            ("cifar10", 1),
            ("korean-chatbot", 1),
            ("coco-captions", 2),
        ] {
            let found = DataSet::read(&path, set).unwrap();
            assert_eq!(found.files.len(), files, "{set}");
            assert!(!found.mirrors.is_empty(), "{set}");
        }
    }

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        assert_eq!(sha256_hex(&mut io::empty()).unwrap(), EMPTY);
    }
}
