//! Diversity and collapse: how many different n-grams and sequences there are.

use crate::TextMetricError;
use crate::error::{at_least, numbered};
use crate::ngrams::Ngrams;
use gan_core::Sequences;
use std::collections::HashMap;

/// The longest n-grams that are counted.
const ORDER: usize = 5;

/// How sequences differ from one another. All of it depends on how many sequences there are, so it says something
/// only beside real text of the same count; there are no uncertainties, because the resamples of a bootstrap
/// repeat sequences, which is just what is counted here.
#[derive(Clone, Debug, PartialEq)]
pub struct Diversity {
    /// Different n-grams of lengths 1 to 5 (distinct-n, Li et al., 2016, arXiv 1510.03055); the first are the
    /// different tokens.
    pub distinct: [Distinct; ORDER],
    /// Different sequences among all of them.
    pub sequences: Distinct,
    /// The sequence that occurs most often, the first of several: its number, from 0, where it occurs first.
    pub most_frequent: usize,
    /// How often that occurs.
    pub most_frequent_count: usize,
    /// Entropy of the tokens' shares in nats: 0 for one token over and over.
    pub entropy_nats: f64,
}

/// How many of some are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// Each once.
    pub different: usize,
    /// Each as often as it occurs.
    pub all: usize,
}

impl Distinct {
    /// The different ones' share, in [0, 1]; 0 of none.
    pub fn share(self) -> f64 {
        self.different as f64 / self.all.max(1) as f64
    }
}

impl Diversity {
    /// Counts what is different in `sequences`.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] without sequences, [`TextMetricError::TooMany`] beyond 32 bits.
    pub fn new(sequences: &Sequences) -> Result<Self, TextMetricError> {
        at_least(1, "sequences", sequences, "to tell how they differ")?;
        numbered("sequences", sequences)?;
        let ngrams = Ngrams::new(sequences, ORDER);
        let of_length = |n: usize| {
            sequences
                .iter()
                .map(move |s| (s.len() + 1).saturating_sub(n))
        };
        let mut counts: HashMap<&[u32], (usize, usize)> = HashMap::new();
        for (number, sequence) in sequences.iter().enumerate() {
            counts.entry(sequence).or_insert((0, number)).0 += 1;
        }
        let most = counts
            .values()
            .max_by_key(|(count, first)| (*count, usize::MAX - first));
        let (most_frequent_count, most_frequent) = most.copied().unwrap_or_default();
        Ok(Self {
            distinct: std::array::from_fn(|i| Distinct {
                different: ngrams.count(i + 1),
                all: of_length(i + 1).sum(),
            }),
            sequences: Distinct {
                different: counts.len(),
                all: sequences.len(),
            },
            most_frequent,
            most_frequent_count,
            entropy_nats: entropy(sequences),
        })
    }
}

/// -Σ p ln p = ln n - Σ c ln c / n of the tokens' counts c.
fn entropy(sequences: &Sequences) -> f64 {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for token in sequences.iter().flatten() {
        *counts.entry(*token).or_default() += 1;
    }
    // A sum in the order of the counts, which is that of no ids and no hash.
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable();
    let n = sequences.tokens().max(1) as f64;
    let sum: f64 = counts
        .iter()
        .map(|count| *count as f64 / n * (n / *count as f64).ln())
        .sum();
    sum + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diversity(parts: &[&[u32]]) -> Diversity {
        Diversity::new(&parts.iter().copied().collect()).unwrap()
    }

    #[test]
    fn what_is_different_is_counted_once() {
        let found = diversity(&[&[1, 2, 1, 2], &[3], &[], &[3]]);
        let distinct = found.distinct.map(|d| (d.different, d.all));
        assert_eq!(distinct, [(3, 6), (2, 3), (2, 2), (1, 1), (0, 0)]);
        assert_eq!((found.sequences.different, found.sequences.all), (3, 4));
        assert_eq!((found.most_frequent, found.most_frequent_count), (1, 2));
        // Three tokens, each twice.
        assert!((found.entropy_nats - 3.0_f64.ln()).abs() < 1e-12);
        assert_eq!(
            (found.distinct[1].share(), found.distinct[4].share()),
            (2.0 / 3.0, 0.0)
        );
    }

    #[test]
    fn one_token_over_and_over_has_no_entropy() {
        let found = diversity(&[&[u32::MAX; 9], &[u32::MAX; 2]]);
        assert_eq!(found.entropy_nats.to_bits(), 0.0_f64.to_bits());
        assert_eq!(found.most_frequent, 0);
        assert_eq!(diversity(&[&[], &[]]).entropy_nats, 0.0);
        assert!(Diversity::new(&Sequences::default()).is_err());
    }
}
