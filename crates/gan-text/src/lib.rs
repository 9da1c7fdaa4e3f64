//! Text as data and as what networks generate: lines of files, tokens, language models.
//!
//! [`TextData::open`] reads UTF-8, or another encoding, line by line, removes repetitions, holds a share out
//! by the hash of its contents, makes a vocabulary of the rest and gives both as [`Sequences`] of ids. A
//! [`Tokenizer`] is words, characters, jamo, bytes or a `tokenizer.json`. [`TextReport`] says what was read and
//! left out. Files are not trusted: one text is in memory at a time, of at most 1 MiB, and what cannot be
//! read is an error that names file and line.
//!
//! ```
//! use gan_text::{TextConfig, TextData, TokenKind};
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("lines.txt");
//! std::fs::write(&file, "A dog barks.\nA cat sleeps.\n\nA dog barks.\n")?;
//! let data = TextData::open(&file, &TextConfig::default())?;
//! assert_eq!((data.train.len(), data.report.duplicates), (2, 1));
//! assert_eq!(data.tokenizer.kind(), TokenKind::Word);
//! let first = data.train.get(0).unwrap_or_default();
//! assert_eq!(data.tokenizer.decode(first), "A dog barks.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A generator is a [`LanguageModel`] and a discriminator a [`TextClassifier`]. [`MaximumLikelihood`] trains the one,
//! [`DiscriminatorTraining`] the other, and [`PolicyGradient`] the generator by the discriminator's rewards
//! (SeqGAN; Yu et al., 2017), or by those of a control. [`RelganConfig`] is for RelGAN (Nie et al., 2019), whose
//! discriminator reads nearly one-hot sequences, through which its gradient reaches the generator. An [`oracle`] is a
//! generator whose sequences are the truth.
//!
//! [`LanguageModel`]: gan_ops::LanguageModel
//! [`Sequences`]: gan_core::Sequences
//! [`TextClassifier`]: gan_ops::TextClassifier

mod config;
mod data;
mod division;
mod doctor;
mod error;
mod lengths;
mod models;
mod reading;
mod report;
mod survey;
mod tokens;
mod training;

pub use config::{Long, MOST_LENGTH, TextConfig, Tokens};
pub use data::TextData;
pub use doctor::{TextFailure, TextFinding, TextHistory, TextHistoryScores, diagnose_text};
pub use error::TextError;
pub use models::{
    DiscriminatorConfig, GeneratorConfig, GoalSizes, RelganDiscriminatorConfig, TextGenerator,
    TextGeneratorError, TextGeneratorFile, TextGeneratorHeader, goal_generator, oracle,
    prefix_discriminator, read_oracle, relgan_discriminator, text_discriminator, text_generator,
};
pub use reading::{DoubleEncoding, each_text_of};
pub use report::TextReport;
pub use tokens::{END, PAD, START, TokenKind, Tokenizer, UNKNOWN, written};
pub use training::{
    AdversaryConfig, DiscriminatorRound, DiscriminatorTraining, LeakganConfig, MaximumLikelihood,
    NoAdversary, Padded, PartKind, PolicyGradient, PolicyStep, RelganConfig, Reward, ScratchConfig,
    SeqganConfig, TextCheckpoint, TextCheckpointHeader, TextCorpus, TextPart, TextState,
    TextTrainConfig, TextTrainer, until_end,
};
