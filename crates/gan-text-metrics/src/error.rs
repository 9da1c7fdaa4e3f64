//! Why there is no score.

use gan_core::Sequences;

/// What keeps a score of sequences from being computed; all are wrong use.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TextMetricError {
    /// Too few sequences, or tokens, for the score.
    #[error("{what}: {found} of them, expected at least {expected} {why}; give more text")]
    TooFew {
        /// The set's name.
        what: String,
        /// How many there are.
        found: usize,
        /// How many are needed.
        expected: usize,
        /// What needs them.
        why: &'static str,
    },
    /// More than can be numbered in 32 bits.
    #[error(
        "{what}: {tokens} tokens in {sequences} sequences are more than can be numbered in 32 bits; give a part \
         of them"
    )]
    TooMany {
        /// The set's name.
        what: String,
        /// How many tokens there are.
        tokens: usize,
        /// How many sequences there are.
        sequences: usize,
    },
    /// A negative log-likelihood that is NaN or infinite.
    #[error(
        "the loss of token {position} of sequence {sequence} is {found}, expected a finite number; a model \
         must leave every token some probability"
    )]
    NotFinite {
        /// The sequence, from 0.
        sequence: usize,
        /// The token in it, from 0.
        position: usize,
        /// NaN, inf or -inf.
        found: f64,
    },
    /// An order of n-grams that the model does not have.
    #[error("the order of an n-gram model is {found}, expected 0 (uniform) to {most}")]
    Order {
        /// The order that was asked for.
        found: usize,
        /// The highest.
        most: usize,
    },
}

/// Refuses a set of fewer than `expected` sequences.
pub(crate) fn at_least(
    expected: usize,
    what: &str,
    set: &Sequences,
    why: &'static str,
) -> Result<(), TextMetricError> {
    if set.len() >= expected {
        return Ok(());
    }
    Err(TextMetricError::TooFew {
        what: what.to_owned(),
        found: set.len(),
        expected,
        why,
    })
}

/// Refuses a set whose n-grams or sequences could not be numbered in 32 bits.
pub(crate) fn numbered(what: &str, set: &Sequences) -> Result<(), TextMetricError> {
    fits(what, set.tokens(), set.len())
}

fn fits(what: &str, tokens: usize, sequences: usize) -> Result<(), TextMetricError> {
    let together = tokens.saturating_add(sequences);
    if u32::try_from(together).is_ok_and(|count| count < u32::MAX) {
        return Ok(());
    }
    Err(TextMetricError::TooMany {
        what: what.to_owned(),
        tokens,
        sequences,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_32_bits_cannot_number_is_refused() {
        let most = u32::MAX as usize;
        assert!(fits("lines", most - 2, 1).is_ok());
        let said = fits("lines", most - 2, 2).unwrap_err().to_string();
        assert!(
            said.starts_with("lines: 4294967293 tokens in 2 sequences"),
            "{said}"
        );
        assert!(fits("lines", usize::MAX, usize::MAX).is_err());
    }
}
