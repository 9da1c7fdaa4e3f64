//! What follows the contexts of one length.

use super::discounts::Discounts;
use rand::Rng;

/// The words that follow each context, sorted, with counts as running sums. A word's place is the number of
/// the context that it makes with the one before it.
#[derive(Debug)]
pub(super) struct Level {
    /// Where each context's words begin, and the end.
    starts: Vec<u32>,
    /// The discounted mass of each context, 1 without counts.
    backoffs: Vec<f64>,
    words: Vec<u32>,
    /// The counts of all words before a place.
    sums: Vec<u32>,
    discounts: Discounts,
}

impl Level {
    /// `followers` of `contexts` contexts: context, word and count, sorted.
    pub(super) fn new(
        contexts: usize,
        followers: impl Iterator<Item = (u32, u32, u32)>,
        discounts: Discounts,
    ) -> Self {
        let mut level = Self {
            starts: vec![0; contexts + 1],
            backoffs: vec![0.0; contexts],
            words: Vec::new(),
            sums: vec![0],
            discounts,
        };
        let mut sum = 0;
        for (context, word, count) in followers {
            sum += count;
            level.words.push(word);
            level.sums.push(sum);
            level.starts[context as usize + 1] += 1;
            level.backoffs[context as usize] += level.discounts.of(count);
        }
        for context in 0..contexts {
            level.starts[context + 1] += level.starts[context];
            let (_, total) = level.total(context as u32);
            let mass = &mut level.backoffs[context];
            *mass = if total == 0 {
                1.0
            } else {
                *mass / f64::from(total)
            };
        }
        level
    }

    /// The place of `word` after `context`.
    pub(super) fn find(&self, context: u32, word: u32) -> Option<u32> {
        let (start, end) = self.range(context);
        let place = self.words[start..end].binary_search(&word).ok()?;
        Some((start + place) as u32)
    }

    /// The discounted share of the word at `place` among those after `context`.
    pub(super) fn share(&self, context: u32, place: Option<u32>) -> f64 {
        let count = place.map_or(0, |place| self.count(place as usize));
        if count == 0 {
            return 0.0;
        }
        (f64::from(count) - self.discounts.of(count)) / f64::from(self.total(context).1)
    }

    /// The mass that `context` leaves to the shorter one.
    pub(super) fn backoff(&self, context: u32) -> f64 {
        self.backoffs[context as usize]
    }

    /// A word after `context`, each with its discounted share, or `None` with the probability of the rest.
    pub(super) fn draw(&self, context: u32, rng: &mut impl Rng) -> Option<u32> {
        let (first, total) = self.total(context);
        if total == 0 {
            return None;
        }
        let occurrence = first + rng.random_range(0..total);
        let (start, end) = self.range(context);
        let place = start + self.sums[start + 1..=end].partition_point(|sum| *sum <= occurrence);
        let count = self.count(place);
        let kept = f64::from(count) - self.discounts.of(count);
        (rng.random::<f64>() * f64::from(count) < kept).then(|| self.words[place])
    }

    fn range(&self, context: u32) -> (usize, usize) {
        let start = self.starts[context as usize];
        let end = self.starts[context as usize + 1];
        (start as usize, end as usize)
    }

    fn count(&self, place: usize) -> u32 {
        self.sums[place + 1] - self.sums[place]
    }

    /// The counts before `context`'s words, and theirs.
    fn total(&self, context: u32) -> (u32, u32) {
        let (start, end) = self.range(context);
        let first = self.sums[start];
        (first, self.sums[end] - first)
    }
}
