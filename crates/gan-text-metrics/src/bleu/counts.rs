//! Clipping counts: how often one reference has an n-gram at most.

use super::ORDER;
use crate::ngrams::Ngrams;
use gan_core::Sequences;

/// For every n-gram of the references, its two largest counts in one reference and whose the largest is: all
/// that is needed to leave any one reference out.
#[derive(Debug)]
pub(super) struct ReferenceCounts {
    ngrams: Ngrams,
    /// By length less 1, then by number.
    largest: [Vec<Largest>; ORDER],
}

#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    count: u32,
    reference: u32,
    second: u32,
}

/// The known n-grams of one sequence by length, each as often as it occurs; kept to save allocations.
pub(super) type Occurrences = [Vec<u32>; ORDER];

impl ReferenceCounts {
    pub(super) fn new(references: &Sequences) -> Self {
        let ngrams = Ngrams::new(references, ORDER);
        let lengths = std::array::from_fn(|i| ngrams.count(i + 1));
        let mut counts = Self {
            ngrams,
            largest: lengths.map(|count| vec![Largest::default(); count]),
        };
        let mut occurrences = Occurrences::default();
        for (number, reference) in references.iter().enumerate() {
            counts.find(reference, &mut occurrences);
            for (largest, occurrences) in counts.largest.iter_mut().zip(&occurrences) {
                for equals in occurrences.chunk_by(u32::eq) {
                    largest[equals[0] as usize].add(equals.len() as u32, number as u32);
                }
            }
        }
        counts
    }

    /// How many of `hypothesis`'s n-grams of each length count as found: each at most as often as one
    /// reference, other than reference `own`, has it.
    pub(super) fn matches(
        &self,
        hypothesis: &[u32],
        own: Option<u32>,
        occurrences: &mut Occurrences,
    ) -> [usize; ORDER] {
        self.find(hypothesis, occurrences);
        std::array::from_fn(|i| {
            let equals = occurrences[i].chunk_by(u32::eq);
            let clipped = equals.map(|equals| {
                let limit = self.largest[i][equals[0] as usize].without(own);
                equals.len().min(limit as usize)
            });
            clipped.sum()
        })
    }

    /// Fills `occurrences` with the numbers of `sequence`'s n-grams, sorted.
    fn find(&self, sequence: &[u32], occurrences: &mut Occurrences) {
        occurrences.iter_mut().for_each(Vec::clear);
        for start in 0..sequence.len() {
            let numbers = self.ngrams.beginnings(&sequence[start..]);
            for (occurrences, number) in occurrences.iter_mut().zip(numbers) {
                occurrences.push(number);
            }
        }
        occurrences
            .iter_mut()
            .for_each(|numbers| numbers.sort_unstable());
    }
}

impl Largest {
    fn add(&mut self, count: u32, reference: u32) {
        if count > self.count {
            self.second = self.count;
            (self.count, self.reference) = (count, reference);
        } else {
            self.second = self.second.max(count);
        }
    }

    fn without(self, reference: Option<u32>) -> u32 {
        if reference == Some(self.reference) {
            self.second
        } else {
            self.count
        }
    }
}
