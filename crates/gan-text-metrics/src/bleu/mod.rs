//! BLEU of sentences (Papineni et al., 2002) and self-BLEU (Zhu et al., 2018, arXiv 1802.01886).

mod counts;
mod lengths;

use crate::TextMetricError;
use crate::error::{at_least, numbered};
use crate::spread::mean;
use counts::{Occurrences, ReferenceCounts};
use gan_core::Sequences;
use gan_metrics::Mean;
use lengths::ReferenceLengths;
use rayon::prelude::*;

/// The longest n-grams that are compared.
const ORDER: usize = 5;

/// What a count of 0 matches counts as: NLTK's smoothing `method1` (Chen & Cherry, 2014).
const SMOOTHED_ZERO: f64 = 0.1;

/// BLEU-2, BLEU-3, BLEU-4 and BLEU-5, in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub struct Bleu {
    /// Means over the hypotheses, with standard errors for these very references: hypotheses count as
    /// independent, which those of self-BLEU are only nearly.
    pub means: [Mean; ORDER - 1],
    /// Of each hypothesis.
    pub sentences: Vec<[f64; ORDER - 1]>,
}

/// References, all of which every hypothesis is compared with.
///
/// A hypothesis's BLEU-n is the geometric mean of its precisions for n-grams of lengths 1 to n, times the
/// brevity penalty exp(min(0, 1 - r / c)), c its length and r the closest reference length, the shorter of two.
/// A precision is the share of its n-grams that a reference has, each counted at most as often as in the one
/// reference that has it most often. As NLTK's `sentence_bleu` with `method1` has it: no matches count as 0.1,
/// no n-grams at all as one without match, and without a common token BLEU is 0. So a sentence of fewer than
/// n tokens has no BLEU-n of 1.
///
/// A sample of the references would give other figures: all of them, once counted, take time in the number of
/// tokens only.
///
/// ```
/// use gan_core::Sequences;
/// use gan_text_metrics::BleuReferences;
///
/// let references: Sequences = [&[1, 2, 3, 4, 5][..], &[6, 2, 3]].into_iter().collect();
/// let hypotheses: Sequences = [&[1, 2, 3, 4, 5][..], &[6, 2, 9]].into_iter().collect();
/// let bleu = BleuReferences::new(&references)?.score(&hypotheses)?;
/// assert_eq!(bleu.sentences[0], [1.0; 4]);
/// // Two of three tokens, one of two pairs.
/// assert!((bleu.sentences[1][0] - (2.0_f64 / 3.0 / 2.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), gan_text_metrics::TextMetricError>(())
/// ```
#[derive(Debug)]
pub struct BleuReferences {
    counts: ReferenceCounts,
    lengths: ReferenceLengths,
}

impl BleuReferences {
    /// Counts the references' n-grams.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] without references, [`TextMetricError::TooMany`] beyond 32 bits.
    pub fn new(references: &Sequences) -> Result<Self, TextMetricError> {
        at_least(1, "BLEU's references", references, "to compare with")?;
        numbered("BLEU's references", references)?;
        Ok(Self {
            counts: ReferenceCounts::new(references),
            lengths: ReferenceLengths::new(references),
        })
    }

    /// BLEU of each of the `hypotheses`.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] without hypotheses.
    pub fn score(&self, hypotheses: &Sequences) -> Result<Bleu, TextMetricError> {
        self.score_all(hypotheses, |_| None)
    }

    /// `own` says which reference a hypothesis is.
    fn score_all(
        &self,
        hypotheses: &Sequences,
        own: impl Fn(usize) -> Option<u32> + Sync,
    ) -> Result<Bleu, TextMetricError> {
        at_least(1, "BLEU's hypotheses", hypotheses, "for a mean")?;
        let numbers = (0..hypotheses.len()).into_par_iter();
        let sentences = numbers.map_init(Occurrences::default, |occurrences, number| {
            let hypothesis = hypotheses.get(number).unwrap_or_default();
            self.score_one(hypothesis, own(number), occurrences)
        });
        let sentences: Vec<[f64; ORDER - 1]> = sentences.collect();
        let means = std::array::from_fn(|i| mean(sentences.iter().map(|scores| scores[i])));
        Ok(Bleu { means, sentences })
    }

    fn score_one(
        &self,
        hypothesis: &[u32],
        own: Option<u32>,
        occurrences: &mut Occurrences,
    ) -> [f64; ORDER - 1] {
        let matches = self.counts.matches(hypothesis, own, occurrences);
        if matches[0] == 0 {
            return [0.0; ORDER - 1];
        }
        let length = hypothesis.len();
        let closest = self.lengths.closest(length, own.is_some());
        let brevity = (1.0 - closest as f64 / length as f64).min(0.0).exp();
        let logarithm = |i: usize| {
            let count = if matches[i] == 0 {
                SMOOTHED_ZERO
            } else {
                matches[i] as f64
            };
            (count / length.saturating_sub(i).max(1) as f64).ln()
        };
        let mut sum = logarithm(0);
        std::array::from_fn(|i| {
            sum += logarithm(i + 1);
            brevity * (sum / (i + 2) as f64).exp()
        })
    }
}

/// BLEU of each sample against all others: 1 if there is nothing new in any of them. Copies of samples raise
/// it, and so do more samples of the same distribution: compare it at equal counts, beside that of real text.
///
/// # Errors
/// [`TextMetricError::TooFew`] below two samples, [`TextMetricError::TooMany`] beyond 32 bits.
pub fn self_bleu(samples: &Sequences) -> Result<Bleu, TextMetricError> {
    at_least(
        2,
        "self-BLEU's samples",
        samples,
        "to compare each with the others",
    )?;
    BleuReferences::new(samples)?.score_all(samples, |number| u32::try_from(number).ok())
}
