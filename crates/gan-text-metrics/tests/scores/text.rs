//! Sequences for tests.

use crate::splitmix::u;
use gan_core::Sequences;
use proptest::prelude::*;

/// Any short sequences over few tokens, the largest id among them, so that they have much in common.
pub(crate) fn sequences(count: std::ops::Range<usize>) -> impl Strategy<Value = Sequences> {
    let token = prop_oneof![Just(u32::MAX), 0..4_u32];
    let sequence = prop::collection::vec(token, 0..12);
    prop::collection::vec(sequence, count).prop_map(|all| all.iter().map(Vec::as_slice).collect())
}

/// How many words [`sentences`] have.
pub(crate) const WORDS: u32 = 150;

/// Sentences with a structure: twelve words may follow each of the words, the first of them most of all.
pub(crate) fn sentences(number: u64, count: usize) -> Sequences {
    let mut all = Sequences::default();
    for k in 0..count as u64 {
        let number = |place: u64| u(number * 100_000 + k, place);
        let mut sentence = vec![(f64::from(WORDS) * number(0).powi(2)) as u32];
        for place in 1..5 + (10.0 * number(99)) as u64 {
            let last = sentence[sentence.len() - 1];
            let choice = (12.0 * number(place).powi(3)) as u32;
            sentence.push((7 * last + 11 * choice + 1) % WORDS);
        }
        all.push(&sentence);
    }
    all
}

/// Every id replaced by another.
pub(crate) fn renamed(text: &Sequences) -> Sequences {
    let mut renamed = Sequences::default();
    for sequence in text.iter() {
        // Odd numbers have an inverse modulo 2³².
        let ids = sequence
            .iter()
            .map(|id| id.wrapping_add(77).wrapping_mul(0x9E37_79B1));
        renamed.push(&ids.collect::<Vec<_>>());
    }
    renamed
}
