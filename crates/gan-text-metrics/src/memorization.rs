//! Memorization: how much of generated sequences stands in the training text, beside held-out sequences.

use crate::TextMetricError;
use crate::automaton::SuffixAutomaton;
use crate::error::at_least;
use crate::ngrams::Ngrams;
use crate::spread::{mean, ratio, share};
use gan_core::Sequences;
use gan_metrics::Mean;
use std::collections::HashSet;

/// The longest n-grams that are looked for.
const ORDER: usize = 5;

/// The most tokens of a set whose overlap is measured: its automaton has up to twice as many states and three
/// times as many ways, numbered in 32 bits.
const MOST_TOKENS: usize = u32::MAX as usize / 3;

/// What generated sequences share with the training text, and what held-out ones do: natural text repeats
/// itself, so the former says nothing without the latter.
#[derive(Clone, Debug, PartialEq)]
pub struct TextMemorization {
    /// Of the generated sequences.
    pub generated: Overlap,
    /// Of the held-out sequences.
    pub held_out: Overlap,
}

/// What sequences share with a text. Errors are over sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// The share of sequences that are a sequence of the text, in [0, 1].
    pub copies: Mean,
    /// The mean of the sequences' longest runs of tokens that stand in a sequence of the text.
    pub longest_run: Mean,
    /// The sum of these runs over that of the sequences' lengths, in [0, 1]; `None` without tokens.
    pub longest_run_part: Option<Mean>,
    /// The share of 2-, 3-, 4- and 5-grams, counted as often as they occur, that the text does not have, in
    /// [0, 1]; `None` where no sequence is as long.
    pub new_ngrams: [Option<Mean>; ORDER - 1],
    /// The longest shared run of each sequence.
    pub runs: Vec<usize>,
}

impl TextMemorization {
    /// Compares both sets with the `training` text.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] if a set has no sequences, [`TextMetricError::TooMany`] beyond 32 bits.
    pub fn new(
        generated: &Sequences,
        held_out: &Sequences,
        training: &Sequences,
    ) -> Result<Self, TextMetricError> {
        Ok(Self {
            generated: Overlap::new("generated sequences", generated, training)?,
            held_out: Overlap::new("held-out sequences", held_out, training)?,
        })
    }
}

impl Overlap {
    /// What `set`, named `what` in messages, shares with `text`. Memory is linear in the set, time in both.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] without sequences, [`TextMetricError::TooMany`] beyond 32 bits.
    pub fn new(what: &str, set: &Sequences, text: &Sequences) -> Result<Self, TextMetricError> {
        at_least(1, what, set, "to look for in the training text")?;
        if set.tokens() > MOST_TOKENS {
            return Err(TextMetricError::TooMany {
                what: what.to_owned(),
                tokens: set.tokens(),
                sequences: set.len(),
            });
        }
        let automaton = SuffixAutomaton::new(set);
        let shared = automaton.shared_with(text);
        let runs = set
            .iter()
            .map(|sequence| automaton.longest_shared(sequence, &shared));
        let runs: Vec<usize> = runs.collect();
        let parts = runs.iter().zip(set.iter());
        let parts: Vec<(f64, f64)> = parts
            .map(|(run, all)| (*run as f64, all.len() as f64))
            .collect();
        Ok(Self {
            copies: share(copies(set, text), set.len()),
            longest_run: mean(runs.iter().map(|run| *run as f64)),
            longest_run_part: (set.tokens() > 0).then(|| ratio(parts.iter().copied())),
            new_ngrams: new_ngrams(set, text),
            runs,
        })
    }
}

/// How many sequences of `set` are one of `text`.
fn copies(set: &Sequences, text: &Sequences) -> usize {
    let own: HashSet<&[u32]> = set.iter().collect();
    let found: HashSet<&[u32]> = text
        .iter()
        .filter(|sequence| own.contains(sequence))
        .collect();
    set.iter()
        .filter(|sequence| found.contains(sequence))
        .count()
}

fn new_ngrams(set: &Sequences, text: &Sequences) -> [Option<Mean>; ORDER - 1] {
    let ngrams = Ngrams::new(set, ORDER);
    let mut known: [Vec<bool>; ORDER] = std::array::from_fn(|i| vec![false; ngrams.count(i + 1)]);
    for sequence in text.iter() {
        for start in 0..sequence.len() {
            let numbers = ngrams.beginnings(&sequence[start..]);
            for (known, number) in known.iter_mut().zip(numbers) {
                known[number as usize] = true;
            }
        }
    }
    let new_and_all = |sequence: &[u32]| {
        let mut pairs = [(0.0, 0.0); ORDER];
        for start in 0..sequence.len() {
            let numbers = ngrams.beginnings(&sequence[start..]);
            for ((pair, known), number) in pairs.iter_mut().zip(&known).zip(numbers) {
                pair.0 += f64::from(u8::from(!known[number as usize]));
                pair.1 += 1.0;
            }
        }
        pairs
    };
    let pairs: Vec<[(f64, f64); ORDER]> = set.iter().map(new_and_all).collect();
    std::array::from_fn(|i| {
        let pairs = pairs.iter().map(|pairs| pairs[i + 1]);
        pairs
            .clone()
            .any(|(_, all)| all > 0.0)
            .then(|| ratio(pairs))
    })
}
