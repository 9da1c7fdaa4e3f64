//! A tokenizer's files in the folder of a run.

use super::vocabulary::Vocabulary;
use super::{Model, TokenKind, Tokenizer};
use crate::TextError;
use crate::error::Problem;
use gan_core::{hex, read_regular, write_atomically};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;

/// Says what a token is.
const HEADER: &str = "tokens.json";
const VOCABULARY: &str = "vocab.txt";
const FILE: &str = "tokenizer.json";

const RESTORE: &str = "restore it from a copy of the run";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: TokenKind,
    lowercase: bool,
}

impl Tokenizer {
    /// The names and bytes of the files from which [`load`](Self::load) reads this tokenizer: `tokens.json`,
    /// which says what a token is, and `vocab.txt`, one token a line, or a copy of `tokenizer.json`.
    pub fn files(&self) -> [(&'static str, Vec<u8>); 2] {
        let header = json!({ "kind": self.kind, "lowercase": self.lowercase });
        let tokens = match &self.model {
            Model::Vocabulary(vocabulary) => (VOCABULARY, vocabulary.to_text().into_bytes()),
            Model::File(file) => (FILE, file.bytes().to_vec()),
        };
        [(HEADER, format!("{header}\n").into_bytes()), tokens]
    }

    /// SHA-256 over the bytes of [`files`](Self::files), in hexadecimal. Ids of tokenizers with the same hash
    /// mean the same.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (_, bytes) in self.files() {
            hasher.update(bytes);
        }
        hex(&hasher.finalize())
    }

    /// Writes the files into `folder`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&self, folder: &Path) -> Result<(), TextError> {
        for (name, bytes) in self.files() {
            let path = folder.join(name);
            write_atomically(&path, |file| file.write_all(&bytes)).map_err(TextError::io(
                &path,
                "check the folder's permissions and the disk",
            ))?;
        }
        Ok(())
    }

    /// Reads the files in `folder`.
    ///
    /// # Errors
    /// When a file is missing, cannot be read or is damaged.
    pub fn load(folder: &Path) -> Result<Self, TextError> {
        let path = folder.join(HEADER);
        let header: Header = serde_json::from_str(&text(&path)?).map_err(|error| {
            let found = format!("not the header of a tokenizer ({error})");
            Problem::new(found, "`kind` and `lowercase`", RESTORE).of(&path, None)
        })?;
        let lowercase = header.lowercase;
        let path = folder.join(VOCABULARY);
        match header.kind {
            TokenKind::File => Self::from_file(&folder.join(FILE), lowercase),
            TokenKind::Byte if text(&path)?.into_bytes() == Self::bytes(lowercase).files()[1].1 => {
                Ok(Self::bytes(lowercase))
            }
            TokenKind::Byte => {
                Err(Problem::new("other tokens", "the 256 bytes", RESTORE).of(&path, None))
            }
            kind => {
                let vocabulary = Vocabulary::parse(&text(&path)?);
                let vocabulary =
                    vocabulary.map_err(|(line, problem)| problem.of(&path, Some(line)))?;
                Ok(Self::new(kind, lowercase, vocabulary))
            }
        }
    }
}

fn text(path: &Path) -> Result<String, TextError> {
    let text = read_regular(path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    });
    text.map_err(TextError::io(path, RESTORE))
}
