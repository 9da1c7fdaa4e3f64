//! The reference length that is closest to a hypothesis's.

use gan_core::Sequences;
use std::collections::BTreeMap;

/// How many references there are of each length.
#[derive(Debug)]
pub(super) struct ReferenceLengths(BTreeMap<usize, usize>);

impl ReferenceLengths {
    pub(super) fn new(references: &Sequences) -> Self {
        let mut counts = BTreeMap::new();
        for reference in references.iter() {
            *counts.entry(reference.len()).or_default() += 1;
        }
        Self(counts)
    }

    /// The length closest to `length`, the shorter of two as close; without one reference of that very length
    /// if the hypothesis `is_one` of them. At least one reference must be left.
    pub(super) fn closest(&self, length: usize, is_one: bool) -> usize {
        let equal = self.0.get(&length).copied().unwrap_or(0);
        if equal > usize::from(is_one) {
            return length;
        }
        let below = self.0.range(..length).next_back().map(|(below, _)| *below);
        let above = self.0.range(length + 1..).next().map(|(above, _)| *above);
        match (below, above) {
            (Some(below), Some(above)) if above - length < length - below => above,
            (Some(below), _) => below,
            (None, above) => above.unwrap_or(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_two_lengths_as_close_is_closest() {
        let text: Sequences = [&[0; 2][..], &[0; 6], &[0; 6], &[0; 9]]
            .into_iter()
            .collect();
        let lengths = ReferenceLengths::new(&text);
        let closest = [0, 2, 4, 5, 7, 8, 30].map(|length| lengths.closest(length, false));
        assert_eq!(closest, [2, 2, 2, 6, 6, 9, 9]);
        // Another reference has 6 tokens, none has 9 or 2.
        assert_eq!(
            [6, 9, 2].map(|length| lengths.closest(length, true)),
            [6, 6, 6]
        );
    }
}
