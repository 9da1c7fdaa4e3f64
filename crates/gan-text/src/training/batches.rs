//! Sequences as batches of one length.

use crate::{END, PAD, START, TextData, UNKNOWN};
use gan_core::{Purpose, Seed, Sequences};
use gan_ops::{Generation, TokenBatch};
use rand::seq::SliceRandom;

/// Sequences to train on, and what their tokens mean.
#[derive(Clone, Debug)]
pub struct TextCorpus {
    /// The sequences, without start and end.
    pub sequences: Sequences,
    /// The number of different tokens.
    pub vocabulary: usize,
    /// The token before a sequence.
    pub start: u32,
    /// The token after a sequence; none if all have one length.
    pub end: Option<u32>,
    /// Tokens that are never generated.
    pub never: Vec<u32>,
    /// The tokens of each generated sequence, its end included.
    pub steps: usize,
}

impl TextCorpus {
    /// The training half of a text. Neither an unknown token nor one that stands for no text is generated.
    pub fn of(data: &TextData) -> Self {
        let longest = data
            .train
            .iter()
            .map(<[u32]>::len)
            .max()
            .unwrap_or_default();
        Self {
            sequences: data.train.clone(),
            vocabulary: data.tokenizer.len(),
            start: START,
            end: Some(END),
            never: vec![PAD, START, UNKNOWN],
            steps: longest + 1,
        }
    }

    /// The request for `count` sequences like these, at temperature 1.
    pub fn request(&self, count: usize) -> Generation<'_> {
        Generation {
            count,
            steps: self.steps,
            prefixes: None,
            alpha: 1.0,
            never: &self.never,
            end: self.end,
        }
    }
}

/// Sequences filled up to one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded {
    tokens: Vec<u32>,
    /// `[n, steps]`: 1 for the tokens of a sequence and its end, 0 for what fills the rest.
    weights: Vec<f64>,
    steps: usize,
}

impl Padded {
    /// The sequences with these numbers, of `corpus.steps` tokens each: longer ones are cut.
    pub fn new(corpus: &TextCorpus, sequences: &Sequences, numbers: &[usize]) -> Self {
        let steps = corpus.steps;
        let fill = corpus.end.unwrap_or(corpus.start);
        let mut tokens = Vec::with_capacity(numbers.len() * steps);
        for number in numbers {
            let ids = sequences.get(*number).unwrap_or_default();
            tokens.extend(
                ids.iter()
                    .copied()
                    .chain(std::iter::repeat(fill))
                    .take(steps),
            );
        }
        Self::drawn(corpus, tokens)
    }

    /// Generated tokens, `[n, steps]`.
    pub fn drawn(corpus: &TextCorpus, tokens: Vec<u32>) -> Self {
        let mut weights = Vec::with_capacity(tokens.len());
        for sequence in tokens.chunks(corpus.steps) {
            let count = (until_end(sequence, corpus.end).len() + 1).min(corpus.steps);
            weights.extend((0..corpus.steps).map(|step| f64::from(u8::from(step < count))));
        }
        Self {
            tokens,
            weights,
            steps: corpus.steps,
        }
    }

    /// The tokens, for a network.
    ///
    /// # Errors
    /// When there are no steps.
    pub fn batch(&self) -> candle_core::Result<TokenBatch<'_>> {
        TokenBatch::new(&self.tokens, self.steps)
    }

    /// The tokens of each sequence.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// All tokens, `[n, steps]`.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// `[n, steps]`: 1 for the tokens of a sequence and its end, 0 for what fills the rest.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The number of tokens that count.
    pub fn count(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// The share of each token in a mean over those that count, `[n, steps]`.
    pub(super) fn shares(&self) -> Vec<f64> {
        let count = self.count();
        self.weights.iter().map(|weight| weight / count).collect()
    }

    /// The mean of numbers `[n, steps]` over the tokens that count.
    pub fn mean(&self, numbers: &[f64]) -> f64 {
        let pairs = numbers.iter().zip(&self.weights);
        pairs.map(|(number, weight)| number * weight).sum::<f64>() / self.count()
    }
}

/// A corpus in batches, in another order each epoch.
pub(super) struct EpochBatches {
    batch_size: usize,
    seed: Seed,
    /// The epoch whose order it is.
    order: (u64, Vec<usize>),
}

impl EpochBatches {
    pub(super) fn new(batch_size: usize, seed: Seed) -> Self {
        Self {
            batch_size,
            seed,
            order: (0, Vec::new()),
        }
    }

    /// The batches of an epoch.
    pub(super) fn per_epoch(&self, corpus: &TextCorpus) -> u64 {
        corpus.sequences.len().div_ceil(self.batch_size) as u64
    }

    /// Batch `number`, counted from 0 through all epochs.
    pub(super) fn batch(&mut self, corpus: &TextCorpus, number: u64) -> Padded {
        let per_epoch = self.per_epoch(corpus).max(1);
        let (epoch, number) = (number / per_epoch, (number % per_epoch) as usize);
        if self.order.0 != epoch || self.order.1.len() != corpus.sequences.len() {
            let order = shuffled(corpus.sequences.len(), self.seed, Purpose::Shuffle, epoch);
            self.order = (epoch, order);
        }
        let numbers = self.order.1.chunks(self.batch_size).nth(number);
        Padded::new(corpus, &corpus.sequences, numbers.unwrap_or_default())
    }
}

/// The tokens before the end, or all if there is none.
pub fn until_end(tokens: &[u32], end: Option<u32>) -> &[u32] {
    let length = tokens.iter().position(|token| Some(*token) == end);
    &tokens[..length.unwrap_or(tokens.len())]
}

/// The numbers of `count` sequences in an order of their own for each epoch.
pub(super) fn shuffled(count: usize, seed: Seed, purpose: Purpose, epoch: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.shuffle(&mut seed.rng(purpose, epoch));
    numbers
}
