//! Lengths of texts, of which a table says how often each occurs.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct Lengths {
    counts: BTreeMap<usize, u64>,
    texts: u64,
}

impl Lengths {
    pub(crate) fn add(&mut self, length: usize) {
        *self.counts.entry(length).or_default() += 1;
        self.texts += 1;
    }

    /// The least length that at least `percent` of the texts do not exceed, or 0 without texts.
    pub(crate) fn percentile(&self, percent: u64) -> usize {
        let mut seen = 0;
        for (length, count) in &self.counts {
            seen += u128::from(*count) * 100;
            if seen >= u128::from(self.texts) * u128::from(percent) {
                return *length;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_least_length_that_enough_texts_do_not_exceed() {
        let mut lengths = Lengths::default();
        assert_eq!(lengths.percentile(50), 0);
        (1..=200).for_each(|length| lengths.add(length));
        let found = [1, 50, 99, 100].map(|percent| lengths.percentile(percent));
        assert_eq!(found, [2, 100, 198, 200]);
        lengths.add(1000);
        assert_eq!(
            [99, 100].map(|percent| lengths.percentile(percent)),
            [199, 1000]
        );
    }
}
