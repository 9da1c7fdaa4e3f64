//! Counts of training n-grams, those of lower order by how many different tokens come before.

use super::discounts::Discounts;
use super::level::Level;
use super::vocabulary::Vocabulary;
use crate::ngrams::{EMPTY, Ngrams};
use gan_core::Sequences;

/// The most tokens that are counted.
pub(super) const MOST_TOKENS: usize = 1 << 21;

#[derive(Debug)]
pub(super) struct Counts {
    pub(super) vocabulary: Vocabulary,
    pub(super) longest: usize,
    ngrams: Ngrams,
    /// By length less 1, then by number.
    counts: Vec<Vec<u32>>,
}

impl Counts {
    /// Counts evenly spaced sequences of `training` up to the most tokens; the last is cut there.
    pub(super) fn new(training: &Sequences, order: usize) -> Self {
        let spacing = training.tokens().div_ceil(MOST_TOKENS).max(1);
        let mut left = MOST_TOKENS;
        let parts = training.iter().step_by(spacing).map_while(|sequence| {
            let part = (left > 0).then(|| &sequence[..sequence.len().min(left)])?;
            left -= part.len();
            Some(part)
        });
        let parts: Vec<&[u32]> = parts.collect();
        let mut vocabulary = Vocabulary::default();
        parts
            .iter()
            .copied()
            .flatten()
            .for_each(|token| vocabulary.learn(*token));
        let mut counts = Self {
            vocabulary,
            longest: parts.iter().map(|part| part.len()).max().unwrap_or(0),
            ngrams: Ngrams::empty(order),
            counts: vec![Vec::new(); order],
        };
        parts.into_iter().for_each(|part| counts.add(part));
        counts
    }

    fn order(&self) -> usize {
        self.counts.len()
    }

    fn add(&mut self, sequence: &[u32]) {
        // The numbers of the n-grams that end here, by length.
        let mut ending = vec![EMPTY];
        if self.order() > 0 {
            ending.push(self.insert(1, EMPTY, self.vocabulary.start()).0);
        }
        for place in 0..=sequence.len() {
            let word = sequence
                .get(place)
                .and_then(|token| self.vocabulary.word(*token));
            let word = word.unwrap_or(self.vocabulary.end());
            let mut longer = vec![EMPTY];
            for (length, context) in (1..=self.order()).zip(&ending) {
                let (number, new) = self.insert(length, *context, word);
                if new && length > 1 {
                    self.counts[length - 2][longer[length - 1] as usize] += 1;
                }
                // With the start, place + 1 tokens come before.
                if length == self.order() || length == place + 2 {
                    self.counts[length - 1][number as usize] += 1;
                }
                longer.push(number);
            }
            ending = longer;
        }
    }

    fn insert(&mut self, length: usize, context: u32, word: u32) -> (u32, bool) {
        let (number, new) = self.ngrams.insert(length, context, word);
        if new {
            self.counts[length - 1].push(0);
        }
        (number, new)
    }

    /// The same sorted by context and word, contexts numbered as they stand in the level before.
    pub(super) fn levels(&self) -> Vec<Level> {
        let mut contexts = vec![EMPTY];
        let mut levels = Vec::with_capacity(self.order());
        for (length, counts) in (1..).zip(&self.counts) {
            let entries = self.ngrams.entries(length);
            let mut sorted: Vec<(u32, u32, u32)> = entries
                .map(|(context, word, number)| (contexts[context as usize], word, number))
                .collect();
            sorted.sort_unstable();
            let mut places = vec![0; sorted.len()];
            for (place, (.., number)) in sorted.iter().enumerate() {
                places[*number as usize] = place as u32;
            }
            let followers = sorted
                .into_iter()
                .map(|(context, word, number)| (context, word, counts[number as usize]));
            levels.push(Level::new(
                contexts.len(),
                followers,
                Discounts::new(counts),
            ));
            contexts = places;
        }
        levels
    }
}
