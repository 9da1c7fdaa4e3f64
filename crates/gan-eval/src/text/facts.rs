//! What an evaluation says about the texts, the data and the encoder.

use gan_text::TokenKind;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextSubjectFacts {
    /// Where it is.
    pub path: PathBuf,
    /// `run`, `generator` or `file`.
    pub kind: String,
    /// Training steps of a generator.
    pub step: Option<u64>,
    /// Steps of the generator that its adversarial steps began with, if it is known.
    pub pretrained_step: Option<u64>,
}

/// The data that it was scored against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextDataFacts {
    /// Where they are.
    pub path: PathBuf,
    /// What a token is; none of an oracle's.
    pub tokens: Option<TokenKind>,
    /// SHA-256 of the tokens that the ids stand for; none of an oracle's.
    pub tokenizer_sha256: Option<String>,
    /// SHA-256 of the oracle's weights, if the texts are an oracle's.
    pub oracle_sha256: Option<String>,
    /// The number of different tokens.
    pub vocabulary: usize,
    /// The texts to train on.
    pub training: TextPartFacts,
    /// Those that are held out.
    pub held_out: TextPartFacts,
}

/// One part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextPartFacts {
    /// How many texts.
    pub texts: usize,
    /// How many tokens in all.
    pub tokens: usize,
    /// SHA-256 of their ids.
    pub sha256: String,
}

/// The encoder: a language model of the training text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderFacts {
    /// SHA-256 of its tensors.
    pub sha256: String,
    /// How many features a text has.
    pub dimensions: usize,
    /// Its −ln p of held-out text, in nats a token, where there is any.
    pub held_out_nll: Option<f64>,
}
