//! Numbers of n-grams: equal n-grams have equal numbers, others have others, without exception.

use crate::key_map::{KeyMap, key};
use gan_core::Sequences;

/// The number of the empty n-gram, the beginning of all others.
pub(crate) const EMPTY: u32 = 0;

/// The n-grams of some sequences, numbered from 0 in each length.
///
/// An n-gram's key is the number of its first n - 1 tokens and its last token, 64 bits that determine it.
/// There must be fewer than 2³² tokens (`error::numbered`).
#[derive(Clone, Debug)]
pub(crate) struct Ngrams {
    /// By length less 1.
    numbers: Vec<KeyMap>,
}

impl Ngrams {
    /// No n-grams, of lengths up to `order`.
    pub(crate) fn empty(order: usize) -> Self {
        Self {
            numbers: vec![KeyMap::default(); order],
        }
    }

    /// All n-grams of `sequences` of lengths up to `order`.
    pub(crate) fn new(sequences: &Sequences, order: usize) -> Self {
        let mut ngrams = Self::empty(order);
        for sequence in sequences.iter() {
            for start in 0..sequence.len() {
                let mut beginning = EMPTY;
                for (n, token) in (1..=order).zip(&sequence[start..]) {
                    beginning = ngrams.insert(n, beginning, *token).0;
                }
            }
        }
        ngrams
    }

    /// The number of the n-gram that goes on from `beginning`, of length `n` - 1, with `token`, and whether it
    /// is new.
    pub(crate) fn insert(&mut self, n: usize, beginning: u32, token: u32) -> (u32, bool) {
        let numbers = &mut self.numbers[n - 1];
        let next = numbers.len() as u32;
        let number = *numbers.entry(key(beginning, token)).or_insert(next);
        (number, number == next)
    }

    /// How many different n-grams of length `n` there are.
    pub(crate) fn count(&self, n: usize) -> usize {
        self.numbers[n - 1].len()
    }

    /// The numbers of the known n-grams at the beginning of `tokens`, of lengths 1, 2, … up to the order or
    /// the first that is not known.
    pub(crate) fn beginnings<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let steps = self.numbers.iter().zip(tokens);
        steps.scan(EMPTY, |beginning, (numbers, token)| {
            *beginning = *numbers.get(&key(*beginning, *token))?;
            Some(*beginning)
        })
    }

    /// The n-grams of length `n` in no particular order: number of the beginning, last token, own number.
    pub(crate) fn entries(&self, n: usize) -> impl Iterator<Item = (u32, u32, u32)> {
        let entries = self.numbers[n - 1].iter();
        entries.map(|(key, number)| ((key >> 32) as u32, *key as u32, *number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ngrams_have_equal_numbers() {
        let text: Sequences = [&[u32::MAX, 0, u32::MAX, 0, 1][..], &[], &[0, 1]]
            .into_iter()
            .collect();
        let ngrams = Ngrams::new(&text, 3);
        assert_eq!([1, 2, 3].map(|n| ngrams.count(n)), [3, 3, 3]);
        let numbers = |tokens: &[u32]| ngrams.beginnings(tokens).collect::<Vec<_>>();
        assert_eq!(
            numbers(&[u32::MAX, 0, 1])[..2],
            numbers(&[u32::MAX, 0, 7])[..]
        );
        assert!(numbers(&[7, 0]).is_empty());
        assert_eq!(numbers(&[0, 1, 0]).len(), 2);
        assert_eq!(ngrams.entries(2).count(), 3);
    }
}
