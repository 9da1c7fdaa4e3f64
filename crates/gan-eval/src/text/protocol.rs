//! How texts are scored: how many, and how many of these by what takes long.

use crate::{EvalError, SCORE_SEED};
use gan_core::{Purpose, Seed, Sequences};
use rand::RngCore;

/// Incremented when scores are computed differently, so that old figures are not taken for new ones.
pub const TEXT_PROTOCOL: u32 = 1;

/// Texts that are scored by default.
pub const DEFAULT_TEXTS: usize = 10_000;

/// The most whose features are compared, as many of either set: pairs of all take time in the square of it.
pub(crate) const DISTANCE_TEXTS: usize = 1000;

/// The most of each set that a classifier sees, half of them to be trained on.
pub(crate) const CLASSIFIER_TEXTS: usize = 3000;

/// The most of a point of a curve.
pub(crate) const CURVE_TEXTS: usize = 2000;

/// The most held-out texts by which models are scored again and again.
pub(crate) const HELD_OUT_TEXTS: usize = 2000;

/// The inverse temperatures of a curve, from more diverse to sharper than the generator itself.
pub(crate) const ALPHAS: [f64; 8] = [0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0];

/// What an evaluation computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextProtocol {
    /// How many texts are scored, at least 2. None: [`DEFAULT_TEXTS`], or as many as there are to train on or in a
    /// file if these are fewer.
    pub count: Option<usize>,
}

impl TextProtocol {
    /// The number of texts to score when there are `available` ones.
    pub(crate) fn texts(&self, available: usize) -> Result<usize, EvalError> {
        match self.count {
            Some(count) if count < 2 => Err(EvalError::subject(
                "protocol.count".as_ref(),
                count.to_string(),
                "at least 2",
            )),
            Some(count) => Ok(count),
            None => Ok(DEFAULT_TEXTS.min(available).max(2)),
        }
    }
}

/// What a random choice of texts is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// Those of a file that are scored.
    Scored = 0,
    /// Training texts as a control.
    Training = 1,
    /// Held-out texts: as references of distances, as a control, and to score models by.
    HeldOut = 2,
    /// Training texts by which features are whitened.
    Whitening = 3,
}

/// `count` of the texts, or all if they are fewer, in random order: the first of them are those of a smaller count.
pub(crate) fn chosen(texts: &Sequences, count: usize, choice: Choice) -> Sequences {
    let mut rng = SCORE_SEED.rng(Purpose::TextDraw, choice as u64);
    let mut numbers: Vec<usize> = (0..texts.len()).collect();
    rand::seq::SliceRandom::shuffle(&mut numbers[..], &mut rng);
    texts.select(numbers.into_iter().take(count))
}

/// The first of the texts.
pub(crate) fn first(texts: &Sequences, count: usize) -> Sequences {
    texts.select(0..count.min(texts.len()))
}

/// The networks that an evaluation trains.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Network {
    Encoder = 0,
    Reverse = 1,
    Classifier = 2,
}

impl Network {
    /// The seed of its first weights.
    pub(crate) fn seed(self) -> Seed {
        let mut rng = SCORE_SEED.rng(Purpose::EvaluationNetwork, self as u64);
        Seed(rng.next_u64())
    }
}
