//! Interpolated n-gram models with modified Kneser–Ney discounts (Chen & Goodman, 1998, TR-10-98, sections 2.8
//! and 4.1.6).

mod counting;
mod discounts;
mod level;
mod sampling;
mod vocabulary;

use crate::error::at_least;
use crate::ngrams::EMPTY;
use crate::{TextMetricError, TokenLosses};
use counting::Counts;
use gan_core::Sequences;
use level::Level;
use rayon::prelude::*;
use vocabulary::Vocabulary;

/// A model of order n: each token's probability depends on the n - 1 tokens before it. Order 5 is the baseline
/// that a neural model of text has to beat; order 1 knows how frequent tokens are, order 0 only which there are.
///
/// A sequence begins with a start, which counts as one token of context, and ends with an end, which is an event
/// like a token. With a(cw) the count of an n-gram, D₁, D₂ and D₃ the discounts of counts 1, 2 and more, and c′
/// the context c without its first token,
///
/// p(w | c) = (a(cw) - D(a(cw))) / Σ a(cv) + γ(c) p(w | c′),
///
/// with γ(c) the discounted mass; a context never seen leaves it all to c′. a is the number of occurrences in
/// n-grams of the full order and in those that begin a sequence, and in shorter ones the number of different
/// tokens that come before. The last to go to is 1 / (tokens + 2), for every known token, the end and one
/// unknown token that stands for all others; so the probabilities of these sum to 1.
///
/// It learns from 2²¹ tokens at most, evenly spaced sequences of a larger text, so that it takes no more than
/// some 600 MB.
///
/// ```
/// use gan_core::{Seed, Sequences};
/// use gan_text_metrics::NgramModel;
///
/// let training: Sequences = [&[7, 8, 9][..], &[7, 8], &[8, 9]].into_iter().collect();
/// let model = NgramModel::new(&training, 5)?;
/// let losses = model.losses(&training);
/// assert!(losses.perplexity()?.value < NgramModel::new(&training, 1)?.losses(&training).perplexity()?.value);
/// let drawn = model.sample(Seed(1), 10);
/// assert_eq!(drawn.get(3), Some(&model.sequence(Seed(1), 3)[..]));
/// # Ok::<(), gan_text_metrics::TextMetricError>(())
/// ```
#[derive(Debug)]
pub struct NgramModel {
    vocabulary: Vocabulary,
    /// Level j has the contexts of j tokens and what follows them.
    levels: Vec<Level>,
    /// The longest training sequence's tokens.
    longest: usize,
}

/// The known last 0, 1, 2, … tokens; contexts longer than a known one are not known either.
type Contexts = [Option<u32>; NgramModel::MOST_ORDER];

impl NgramModel {
    /// The highest order.
    pub const MOST_ORDER: usize = 5;

    /// Counts the n-grams of `training` up to length `order`, from 0 to [`MOST_ORDER`](Self::MOST_ORDER).
    ///
    /// # Errors
    /// [`TextMetricError::Order`]; [`TextMetricError::TooFew`] without sequences.
    pub fn new(training: &Sequences, order: usize) -> Result<Self, TextMetricError> {
        if order > Self::MOST_ORDER {
            return Err(TextMetricError::Order {
                found: order,
                most: Self::MOST_ORDER,
            });
        }
        at_least(1, "training sequences", training, "for an n-gram model")?;
        let counts = Counts::new(training, order);
        Ok(Self {
            levels: counts.levels(),
            longest: counts.longest,
            vocabulary: counts.vocabulary,
        })
    }

    /// -ln p of every token and of each sequence's end, in nats.
    pub fn losses(&self, sequences: &Sequences) -> TokenLosses {
        let numbers = (0..sequences.len()).into_par_iter();
        let losses =
            numbers.map(|number| self.sequence_losses(sequences.get(number).unwrap_or_default()));
        TokenLosses::of_finite(losses.collect())
    }

    fn sequence_losses(&self, sequence: &[u32]) -> Vec<f64> {
        let mut contexts = self.start();
        let words = sequence.iter().map(|token| self.vocabulary.word(*token));
        let words = words.chain([Some(self.vocabulary.end())]);
        words
            .map(|word| -self.step(&mut contexts, word).ln())
            .collect()
    }

    /// The contexts at the beginning of a sequence.
    fn start(&self) -> Contexts {
        let mut contexts = [None; Self::MOST_ORDER];
        contexts[0] = Some(EMPTY);
        if self.levels.len() > 1 {
            contexts[1] = self.levels[0].find(EMPTY, self.vocabulary.start());
        }
        contexts
    }

    /// The probability of `word`, `None` for the unknown one, after `contexts`, which become those after it.
    fn step(&self, contexts: &mut Contexts, word: Option<u32>) -> f64 {
        let mut probability = 1.0 / f64::from(self.vocabulary.events());
        let mut next = [None; Self::MOST_ORDER];
        next[0] = Some(EMPTY);
        for (length, level) in self.levels.iter().enumerate() {
            let Some(context) = contexts[length] else {
                break;
            };
            let found = word.and_then(|word| level.find(context, word));
            probability = level.share(context, found) + level.backoff(context) * probability;
            if let Some(longer) = next
                .get_mut(length + 1)
                .filter(|_| length + 1 < self.levels.len())
            {
                *longer = found;
            }
        }
        *contexts = next;
        probability
    }
}

#[cfg(test)]
mod tests;
