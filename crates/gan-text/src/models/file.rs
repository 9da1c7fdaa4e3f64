//! A trained generator in one safetensors file that describes itself.

use super::TextGenerator;
use super::generator::of_tensors;
use super::goals;
use crate::MOST_LENGTH;
use candle_core::DType;
use gan_core::{ErrorClass, Seed, Weights, WeightsError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The format that [`TextGeneratorFile::save`] writes. A reader refuses any other.
const FORMAT_VERSION: u32 = 1;

/// The description in a generator's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextGeneratorHeader {
    text_generator_format_version: u32,
    /// The token before a sequence.
    pub start: u32,
    /// The token after a sequence; none if all have one length.
    pub end: Option<u32>,
    /// Tokens that are never generated.
    pub never: Vec<u32>,
    /// The tokens of each sequence that it was trained on, its end included.
    pub steps: usize,
    /// SHA-256 of the tokens that its ids stand for; none of an oracle's.
    pub tokenizer_sha256: Option<String>,
    /// Steps done.
    pub step: u64,
    /// Parts done: steps and rounds of the discriminator.
    pub parts: u64,
    /// The seed of the run.
    pub seed: Seed,
}

/// A generator with what its file says of it.
pub struct TextGeneratorFile {
    /// The description.
    pub header: TextGeneratorHeader,
    /// The generator.
    pub generator: Box<dyn TextGenerator>,
}

/// Why a generator could not be written or loaded.
#[derive(Debug, thiserror::Error)]
pub enum TextGeneratorError {
    /// The file could not be read or written, or is damaged.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file is none of a text generator, or its parts do not fit each other.
    #[error("{path}: {found}, expected a text generator of format version {FORMAT_VERSION}")]
    Header {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
}

impl TextGeneratorError {
    /// Whether the file is at fault, or the writing of one.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Weights(error) => error.class(),
            Self::Header { .. } => ErrorClass::WrongUse,
        }
    }
}

impl TextGeneratorHeader {
    /// The header of a generator of `corpus`.
    pub fn new(
        corpus: &crate::TextCorpus,
        tokenizer_sha256: Option<String>,
        state: crate::TextState,
        seed: Seed,
    ) -> Self {
        Self {
            text_generator_format_version: FORMAT_VERSION,
            start: corpus.start,
            end: corpus.end,
            never: corpus.never.clone(),
            steps: corpus.steps,
            tokenizer_sha256,
            step: state.step,
            parts: state.parts(),
            seed,
        }
    }

    /// Writes the header and the tensors of `generator` with a checksum, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(
        &self,
        generator: &dyn TextGenerator,
        path: &Path,
    ) -> Result<(), TextGeneratorError> {
        let mut weights = Weights {
            metadata: serde_json::json!(self).to_string(),
            ..Weights::default()
        };
        generator.save(&mut weights)?;
        Ok(weights.write_with_checksum(path)?)
    }
}

impl TextGeneratorFile {
    /// Reads a generator, in f32. No more is allocated than the file holds.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged or is none of a text generator.
    pub fn read(path: &Path) -> Result<Self, TextGeneratorError> {
        let weights = Weights::read_with_checksum(path)?;
        let wrong = |found: String| TextGeneratorError::Header {
            path: path.to_path_buf(),
            found,
        };
        let header: TextGeneratorHeader = serde_json::from_str(&weights.metadata)
            .map_err(|error| wrong(format!("another header ({error})")))?;
        if header.text_generator_format_version != FORMAT_VERSION {
            let found = header.text_generator_format_version;
            return Err(wrong(format!("format version {found}")));
        }
        if !(1..=MOST_LENGTH + 1).contains(&header.steps) {
            let found = header.steps;
            return Err(wrong(format!("texts of {found} tokens")));
        }
        let not_finite = weights.not_finite();
        if let Some(name) = not_finite.map_err(|error| wrong(error.to_string()))? {
            return Err(wrong(format!("{name} with a number that is not finite")));
        }
        let tensor = |name: &str| match weights.tensors.get(name) {
            Some(tensor) => tensor.to_dtype(DType::F32),
            None => candle_core::bail!("the tensor {name} is missing"),
        };
        let generator: candle_core::Result<Box<dyn TextGenerator>> = match goals::is_in(&weights) {
            true => goals::of_weights(&weights, header.start, header.end)
                .map(|generator| Box::new(generator) as _),
            false => of_tensors(tensor, header.start).map(|generator| Box::new(generator) as _),
        };
        let generator = generator.map_err(|error| wrong(error.to_string()))?;
        let vocabulary = generator.vocabulary();
        let tokens = header.never.iter().chain(&header.end);
        if let Some(token) = tokens.max().filter(|token| **token as usize >= vocabulary) {
            return Err(wrong(format!(
                "token {token} of a vocabulary of {vocabulary}"
            )));
        }
        Ok(Self { header, generator })
    }
}
