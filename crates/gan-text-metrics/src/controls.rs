//! Sequences that a generator must beat: made of real ones, and wrong each in one way.

use crate::TextMetricError;
use crate::error::at_least;
use gan_core::{Purpose, Seed, Sequences};
use rand::Rng;
use rand::seq::SliceRandom;
use std::collections::HashSet;

/// The tokens of each sequence in random order: all words right, no order.
#[must_use]
pub fn shuffled_tokens(text: &Sequences, seed: Seed) -> Sequences {
    let mut shuffled = Sequences::default();
    for (number, sequence) in text.iter().enumerate() {
        let mut tokens = sequence.to_vec();
        tokens.shuffle(&mut seed.rng(Purpose::ShuffledTokens, number as u64));
        shuffled.push(&tokens);
    }
    shuffled
}

/// `count` sequences of tokens drawn independently, each as often as in `text`, with lengths of random
/// sequences of it: the right frequencies, no sentences. Number k depends on no other.
///
/// # Errors
/// [`TextMetricError::TooFew`] if `text` has no sequences.
pub fn unigram_tokens(
    text: &Sequences,
    seed: Seed,
    count: usize,
) -> Result<Sequences, TextMetricError> {
    let tokens: Vec<u32> = text.iter().flatten().copied().collect();
    drawn(text, &tokens, Purpose::UnigramTokens, seed, count)
}

/// The same with each of `text`'s different tokens equally often: nothing right but the lengths.
///
/// # Errors
/// [`TextMetricError::TooFew`] if `text` has no sequences.
pub fn uniform_tokens(
    text: &Sequences,
    seed: Seed,
    count: usize,
) -> Result<Sequences, TextMetricError> {
    let mut known = HashSet::new();
    let tokens = text
        .iter()
        .flatten()
        .copied()
        .filter(|token| known.insert(*token));
    let tokens: Vec<u32> = tokens.collect();
    drawn(text, &tokens, Purpose::UniformTokens, seed, count)
}

/// `count` times the sequence of `text` that has the median length, the first of several: a perfect sentence,
/// and nothing else.
///
/// # Errors
/// [`TextMetricError::TooFew`] if `text` has no sequences.
pub fn one_repeated(text: &Sequences, count: usize) -> Result<Sequences, TextMetricError> {
    at_least(1, "real sequences", text, "to repeat one of")?;
    let mut numbers: Vec<usize> = (0..text.len()).collect();
    numbers.sort_by_key(|number| text.get(*number).map(<[u32]>::len));
    let median = text.get(numbers[text.len() / 2]).unwrap_or_default();
    let first = text
        .iter()
        .position(|sequence| sequence.len() == median.len());
    Ok(text.select(first.into_iter().cycle().take(count)))
}

fn drawn(
    text: &Sequences,
    tokens: &[u32],
    purpose: Purpose,
    seed: Seed,
    count: usize,
) -> Result<Sequences, TextMetricError> {
    at_least(1, "real sequences", text, "to draw lengths and tokens from")?;
    let mut all = Sequences::default();
    for number in 0..count {
        let mut rng = seed.rng(purpose, number as u64);
        let length = text
            .get(rng.random_range(0..text.len()))
            .map_or(0, <[u32]>::len);
        let sequence = (0..length).map(|_| tokens[rng.random_range(0..tokens.len())]);
        all.push(&sequence.collect::<Vec<_>>());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Sequences {
        [&[1, 1, 1, 2][..], &[], &[3, u32::MAX], &[1, 2]]
            .into_iter()
            .collect()
    }

    #[test]
    fn shuffled_sequences_keep_their_tokens() {
        let long: Sequences = [&(0..200).collect::<Vec<u32>>()[..], &[]]
            .into_iter()
            .collect();
        let shuffled = shuffled_tokens(&long, Seed(1));
        assert_ne!(shuffled, long);
        let mut tokens = shuffled.get(0).unwrap().to_vec();
        tokens.sort_unstable();
        assert_eq!(
            (&tokens[..], shuffled.get(1)),
            (long.get(0).unwrap(), Some(&[][..]))
        );
    }

    #[test]
    fn drawn_tokens_are_as_frequent_as_they_should_be() {
        const COUNT: usize = 20_000;
        let share = |drawn: &Sequences, token: u32| {
            let found = drawn.iter().flatten().filter(|t| **t == token).count();
            found as f64 / drawn.tokens() as f64
        };
        let (unigram, uniform) = (
            unigram_tokens(&text(), Seed(1), COUNT).unwrap(),
            uniform_tokens(&text(), Seed(1), COUNT).unwrap(),
        );
        assert!((share(&unigram, 1) - 0.5).abs() < 0.02);
        assert!((share(&uniform, 1) - 0.25).abs() < 0.02);
        assert!((share(&uniform, u32::MAX) - 0.25).abs() < 0.02);
        // Two tokens on average.
        assert!((uniform.tokens() as f64 / COUNT as f64 - 2.0).abs() < 0.05);
        let ten = unigram_tokens(&text(), Seed(1), 10).unwrap();
        assert!(ten.iter().eq(unigram.iter().take(10)));
    }

    #[test]
    fn a_repeated_sequence_has_the_median_length() {
        let repeated = one_repeated(&text(), 3).unwrap();
        assert!(repeated.iter().eq([&[3, u32::MAX]; 3]));
        assert!(one_repeated(&Sequences::default(), 3).is_err());
    }

    #[test]
    fn nothing_can_be_drawn_from_nothing() {
        let empty: Sequences = [&[][..]].into_iter().collect();
        assert_eq!(uniform_tokens(&empty, Seed(1), 3).unwrap().tokens(), 0);
        assert!(unigram_tokens(&Sequences::default(), Seed(1), 3).is_err());
    }
}
