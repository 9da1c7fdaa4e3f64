//! Losses of single tokens, by any model: their mean, by position, and how many sequences have no bad one.

use crate::TextMetricError;
use crate::spread::{mean, ratio, share};
use gan_metrics::Mean;

/// One real token in so many has a larger loss than a clean token may have.
const CLEAN_ONE_IN: usize = 1000;

/// -ln p of each token of some sequences, in nats, all finite; with the end as a token if the model has one.
///
/// ```
/// use gan_text_metrics::TokenLosses;
///
/// let mut losses = TokenLosses::default();
/// losses.push(&[1.0, 3.0])?;
/// losses.push(&[2.0])?;
/// assert_eq!(losses.mean()?.value, 2.0);
/// assert_eq!(losses.by_position()[1].mean.value, 3.0);
/// # Ok::<(), gan_text_metrics::TextMetricError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenLosses {
    sequences: Vec<Vec<f64>>,
}

/// The losses at one position of all sequences that reach it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionLoss {
    /// How many sequences reach it, at least one.
    pub sequences: usize,
    /// The mean over them; with one sequence its error is 0, that is, not known.
    pub mean: Mean,
}

/// How many sequences have no token that is less likely than real tokens are. A model's errors show here, since one
/// wrong word in twenty hardly changes a mean but spoils most sentences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanShare {
    /// What 99.9 % of real tokens' losses do not exceed, in nats.
    pub threshold: f64,
    /// The share of generated sequences all of whose tokens stay within it.
    pub generated: Mean,
    /// The same of real ones, which falls with their length too.
    pub real: Mean,
}

impl TokenLosses {
    /// Adds a sequence's losses.
    ///
    /// # Errors
    /// [`TextMetricError::NotFinite`].
    pub fn push(&mut self, losses: &[f64]) -> Result<(), TextMetricError> {
        if let Some(position) = losses.iter().position(|loss| !loss.is_finite()) {
            return Err(TextMetricError::NotFinite {
                sequence: self.sequences.len(),
                position,
                found: losses[position],
            });
        }
        self.sequences.push(losses.to_vec());
        Ok(())
    }

    /// Losses that are known to be finite.
    pub(crate) fn of_finite(sequences: Vec<Vec<f64>>) -> Self {
        Self { sequences }
    }

    /// Each sequence's losses.
    pub fn sequences(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        self.sequences.iter().map(Vec::as_slice)
    }

    /// Nats per token: the sum of all losses over the number of tokens, with its error over sequences.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] without tokens.
    pub fn mean(&self) -> Result<Mean, TextMetricError> {
        self.tokens(1, "for a mean loss")?;
        Ok(ratio(
            self.sequences()
                .map(|losses| (losses.iter().sum(), losses.len() as f64)),
        ))
    }

    /// exp of [`mean`](Self::mean): among how many equally likely tokens one would guess as badly.
    ///
    /// # Errors
    /// Those of [`mean`](Self::mean).
    pub fn perplexity(&self) -> Result<Mean, TextMetricError> {
        let mean = self.mean()?;
        let value = mean.value.exp();
        Ok(Mean {
            value,
            standard_error: value * mean.standard_error,
        })
    }

    /// The losses at each position, from the first to the last that a sequence reaches.
    pub fn by_position(&self) -> Vec<PositionLoss> {
        let mut positions: Vec<Vec<f64>> = Vec::new();
        for losses in self.sequences() {
            positions.resize(positions.len().max(losses.len()), Vec::new());
            for (position, loss) in positions.iter_mut().zip(losses) {
                position.push(*loss);
            }
        }
        let summarised = positions.iter().map(|losses| PositionLoss {
            sequences: losses.len(),
            mean: mean(losses.iter().copied()),
        });
        summarised.collect()
    }

    /// Whether each sequence's tokens all have losses of at most `threshold`.
    pub fn clean(&self, threshold: f64) -> Vec<bool> {
        let clean = |losses: &[f64]| losses.iter().all(|loss| *loss <= threshold);
        self.sequences().map(clean).collect()
    }

    /// How many tokens there are, at least `expected`.
    fn tokens(&self, expected: usize, why: &'static str) -> Result<usize, TextMetricError> {
        let found = self.sequences().map(<[f64]>::len).sum();
        if found >= expected {
            return Ok(found);
        }
        Err(TextMetricError::TooFew {
            what: "tokens with losses".to_owned(),
            found,
            expected,
            why,
        })
    }
}

impl CleanShare {
    /// Of losses by the same model.
    ///
    /// # Errors
    /// [`TextMetricError::TooFew`] for fewer than 1,000 real tokens, whose thousandth is not one token, or
    /// without generated sequences.
    pub fn new(generated: &TokenLosses, real: &TokenLosses) -> Result<Self, TextMetricError> {
        let count = real.tokens(
            CLEAN_ONE_IN,
            "of real text, for a loss that one in 1,000 exceeds",
        )?;
        let mut losses: Vec<f64> = real.sequences().flatten().copied().collect();
        let place = count - count / CLEAN_ONE_IN - 1;
        let threshold = *losses.select_nth_unstable_by(place, f64::total_cmp).1;
        if generated.sequences.is_empty() {
            return Err(TextMetricError::TooFew {
                what: "generated sequences".to_owned(),
                found: 0,
                expected: 1,
                why: "for a share of them",
            });
        }
        let clean_share = |losses: &TokenLosses| {
            let clean = losses.clean(threshold);
            share(clean.iter().filter(|clean| **clean).count(), clean.len())
        };
        Ok(Self {
            threshold,
            generated: clean_share(generated),
            real: clean_share(real),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(sequences: &[&[f64]]) -> TokenLosses {
        let mut losses = TokenLosses::default();
        sequences
            .iter()
            .for_each(|sequence| losses.push(sequence).unwrap());
        losses
    }

    #[test]
    fn positions_are_averaged_over_the_sequences_that_reach_them() {
        let found = losses(&[&[1.0, 5.0], &[], &[3.0]]).by_position();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].sequences, found[0].mean.value), (2, 2.0));
        assert!((found[0].mean.standard_error - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(
            (
                found[1].sequences,
                found[1].mean.value,
                found[1].mean.standard_error
            ),
            (1, 5.0, 0.0)
        );
    }

    #[test]
    fn a_tenth_of_bad_tokens_spoils_every_long_sequence() {
        let real: Vec<f64> = (0..2000).map(f64::from).collect();
        let lines: Vec<&[f64]> = real.chunks(20).collect();
        let bad = [0.0, 2000.0];
        let score = CleanShare::new(&losses(&[&bad, &bad[..1], &[]]), &losses(&lines)).unwrap();
        assert_eq!(score.threshold, 1997.0);
        assert_eq!((score.generated.value, score.real.value), (2.0 / 3.0, 0.99));
        let none = losses(&[]);
        assert!(CleanShare::new(&none, &losses(&lines)).is_err());
        assert!(CleanShare::new(&losses(&lines), &none).is_err());
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let mut found = losses(&[&[1.0]]);
        let said = found.push(&[0.0, f64::INFINITY]).unwrap_err().to_string();
        assert!(
            said.starts_with("the loss of token 1 of sequence 1 is inf"),
            "{said}"
        );
        assert!(losses(&[&[], &[]]).mean().is_err());
    }
}
