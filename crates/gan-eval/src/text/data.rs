//! The data that texts are scored against: a text with its tokens, or an oracle's sequences.

use super::facts::{TextDataFacts, TextPartFacts};
use crate::EvalError;
use gan_core::{Sequences, Weights, hex};
use gan_ops::LanguageModel;
use gan_text::{TextCorpus, TextData, Tokenizer, written};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A text or an oracle's sequences, divided into training and held-out ones.
pub struct TextEvaluationData {
    /// Its place or its name, for messages and files.
    pub path: PathBuf,
    /// What was there to train on, and what its tokens mean.
    pub corpus: TextCorpus,
    /// What was held out.
    pub held_out: Sequences,
    /// What the ids stand for; nothing if an oracle drew them.
    pub tokenizer: Option<Tokenizer>,
    /// The oracle that drew both, if one did.
    pub oracle: Option<LanguageModel>,
}

impl TextEvaluationData {
    /// A text that was read.
    pub fn of_text(path: &Path, data: &TextData) -> Self {
        Self {
            path: path.to_path_buf(),
            corpus: TextCorpus::of(data),
            held_out: data.held_out.clone(),
            tokenizer: Some(data.tokenizer.clone()),
            oracle: None,
        }
    }

    /// The training text.
    pub(crate) fn training(&self) -> &Sequences {
        &self.corpus.sequences
    }

    /// The texts without tokens that are never generated, such as unknown ones: others are not what a generator could
    /// draw. All of them if all have such tokens.
    pub(crate) fn known(&self, texts: &Sequences) -> Sequences {
        let never = &self.corpus.never;
        let is_known = |text: &&[u32]| !text.iter().any(|token| never.contains(token));
        let known: Sequences = texts.iter().filter(is_known).collect();
        match known.is_empty() {
            true => texts.clone(),
            false => known,
        }
    }

    /// SHA-256 of what the ids stand for, if they stand for something.
    pub fn tokenizer_sha256(&self) -> Option<String> {
        self.tokenizer.as_ref().map(Tokenizer::hash)
    }

    /// A text to be read, or the ids of an oracle's sequence.
    pub(crate) fn written(&self, ids: &[u32]) -> String {
        written(self.tokenizer.as_ref(), ids)
    }

    pub(crate) fn facts(&self) -> Result<TextDataFacts, EvalError> {
        Ok(TextDataFacts {
            path: self.path.clone(),
            tokens: self.tokenizer.as_ref().map(Tokenizer::kind),
            tokenizer_sha256: self.tokenizer_sha256(),
            oracle_sha256: self.oracle.as_ref().map(sha256_of_model).transpose()?,
            vocabulary: self.corpus.vocabulary,
            training: part_facts(self.training()),
            held_out: part_facts(&self.held_out),
        })
    }
}

/// SHA-256 of a model's tensors.
pub(super) fn sha256_of_model(model: &LanguageModel) -> Result<String, EvalError> {
    let mut weights = Weights::default();
    weights.insert_all("", model.parameters())?;
    Ok(hex(&Sha256::digest(weights.to_bytes()?)))
}

fn part_facts(texts: &Sequences) -> TextPartFacts {
    TextPartFacts {
        texts: texts.len(),
        tokens: texts.tokens(),
        sha256: sha256_of(texts),
    }
}

/// SHA-256 of each sequence's length and ids, in order.
fn sha256_of(texts: &Sequences) -> String {
    let mut hasher = Sha256::new();
    texts.each_byte_run(&mut |bytes| hasher.update(bytes));
    hex(&hasher.finalize())
}
