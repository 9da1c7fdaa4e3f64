//! How good generated token sequences are, as numbers, and the controls that must stand beside them.
//!
//! Scores see [`gan_core::Sequences`], ids without markers of start and end, and know neither texts nor models.
//!
//! | question | score |
//! |---|---|
//! | are its n-grams those of real text? | [`BleuReferences`], against all references |
//! | do samples differ, as real text does? | [`self_bleu`], [`Diversity`] |
//! | are the two distributions alike? | [`FeatureDistances`] of [`hashed_ngrams`] or of a network's states |
//! | how likely is held-out text under a model? | [`TokenLosses`], beside those of an [`NgramModel`] |
//! | is training text copied? | [`TextMemorization`], [`nearest_by_run`] |
//! | are long sequences as good as short ones? | [`by_length`], [`TokenLosses::by_position`], [`CleanShare`] |
//!
//! No score says anything by itself. One sentence over and over has a perfect BLEU, random tokens a perfect
//! self-BLEU, and natural text repeats itself: score held-out text the same way, and the controls
//! [`shuffled_tokens`], [`unigram_tokens`], [`uniform_tokens`], [`one_repeated`] and [`NgramModel::sample`].
//!
//! Errors are over sequences: those of means and ratios by their formulas, those of Fréchet distances by a bootstrap.
//! Counts of what is different have none. Results are equal to the bit for any number of threads, and all but
//! hashed features are the same if every id is replaced by another.

mod automaton;
mod bleu;
mod by_length;
mod controls;
mod distances;
mod diversity;
mod error;
mod hashed;
mod key_map;
mod memorization;
mod nearest;
mod ngram_model;
mod ngrams;
mod spread;
mod token_losses;

pub use bleu::{Bleu, BleuReferences, self_bleu};
pub use by_length::{BinMean, LengthBin, by_length};
pub use controls::{one_repeated, shuffled_tokens, uniform_tokens, unigram_tokens};
pub use distances::FeatureDistances;
pub use diversity::{Distinct, Diversity};
pub use error::TextMetricError;
pub use hashed::hashed_ngrams;
pub use memorization::{Overlap, TextMemorization};
pub use nearest::{SharedRun, nearest_by_run};
pub use ngram_model::NgramModel;
pub use spread::{mean, share};
pub use token_losses::{CleanShare, PositionLoss, TokenLosses};
