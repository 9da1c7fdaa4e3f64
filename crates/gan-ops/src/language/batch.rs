//! Token sequences of one length.

use crate::kernels::tile::lanes;
use candle_core::Result;

/// Sequences of one length, one after another: `[n, steps]`. Shorter ones are filled up with any token, whose
/// weights are 0.
#[derive(Clone, Copy, Debug)]
pub struct TokenBatch<'a> {
    tokens: &'a [u32],
    steps: usize,
}

impl<'a> TokenBatch<'a> {
    /// # Errors
    /// When `tokens` do not fall into sequences of `steps`.
    pub fn new(tokens: &'a [u32], steps: usize) -> Result<Self> {
        if steps == 0 || !tokens.len().is_multiple_of(steps) {
            candle_core::bail!("{} tokens as sequences of {steps}", tokens.len());
        }
        Ok(Self { tokens, steps })
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.tokens.len() / self.steps
    }

    /// Whether there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens of each sequence.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// All tokens, `[n, steps]`.
    pub fn tokens(&self) -> &'a [u32] {
        self.tokens
    }

    /// Other tokens of the same length.
    pub(crate) fn with_tokens<'b>(&self, tokens: &'b [u32]) -> TokenBatch<'b> {
        TokenBatch {
            tokens,
            steps: self.steps,
        }
    }

    /// The largest token, or 0 of none.
    pub(crate) fn largest(&self) -> u32 {
        self.tokens.iter().copied().max().unwrap_or_default()
    }

    /// So many lines hold all sequences.
    pub(crate) fn lines<T>(&self) -> usize {
        self.len().div_ceil(lanes::<T>())
    }
}

/// Refuses a token that is not in the vocabulary.
pub(crate) fn check_token(token: u32, vocabulary: usize) -> Result<()> {
    if token as usize >= vocabulary {
        candle_core::bail!("token {token} of a vocabulary of {vocabulary}");
    }
    Ok(())
}

/// Numbers `[n, steps]` as lines `[lines, steps, lanes]`; `other` where there is no sequence.
pub(crate) fn to_lines<T, V: Copy>(values: &[V], steps: usize, other: V) -> Vec<V> {
    let lanes = lanes::<T>();
    let lines = values.len().div_ceil(steps * lanes);
    let mut to = vec![other; lines * steps * lanes];
    for (sequence, values) in values.chunks_exact(steps).enumerate() {
        let first = sequence / lanes * steps * lanes + sequence % lanes;
        for (step, value) in values.iter().enumerate() {
            to[first + step * lanes] = *value;
        }
    }
    to
}

/// The reverse of [`to_lines`], of `n` sequences.
pub(crate) fn from_lines<T, V: Copy>(lines: &[V], steps: usize, n: usize) -> Vec<V> {
    let lanes = lanes::<T>();
    let mut values = Vec::with_capacity(n * steps);
    for sequence in 0..n {
        let first = sequence / lanes * steps * lanes + sequence % lanes;
        values.extend((0..steps).map(|step| lines[first + step * lanes]));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_each_sequence_in_a_lane() {
        for n in [1usize, 15, 16, 17, 40] {
            let values: Vec<u32> = (0..n as u32 * 3).collect();
            let lines = to_lines::<f32, _>(&values, 3, 99);
            assert_eq!(lines.len(), n.div_ceil(16) * 3 * 16);
            assert_eq!(
                lines.iter().filter(|value| **value == 99).count(),
                lines.len() - values.len() + usize::from(n == 40)
            );
            assert_eq!(from_lines::<f32, _>(&lines, 3, n), values);
        }
        assert_eq!(
            to_lines::<f64, _>(&[1, 2, 3, 4], 2, 0)[..9],
            [1, 3, 0, 0, 0, 0, 0, 0, 2]
        );
    }

    #[test]
    fn a_rest_is_refused() {
        assert!(TokenBatch::new(&[1, 2, 3], 2).is_err());
        assert!(TokenBatch::new(&[], 0).is_err());
        assert!(TokenBatch::new(&[], 2).is_ok_and(|batch| batch.is_empty()));
    }
}
