//! What a discriminator expects of unfinished sequences: its mean probability of what they may become.

use super::TextCorpus;
use super::logistic::sigmoid;
use crate::TextGenerator;
use gan_ops::{Generation, Stream, TextClassifier, TokenBatch};

/// The most of them: far beyond any use.
pub(super) const MOST_ROLLOUTS: u64 = 1024;

/// Continuations by a generator, judged by a discriminator.
pub(super) struct Rollouts<'a> {
    pub(super) generator: &'a dyn TextGenerator,
    pub(super) discriminator: &'a TextClassifier,
    pub(super) corpus: &'a TextCorpus,
    /// Continuations of each prefix.
    pub(super) copies: usize,
    /// Their inverse temperature.
    pub(super) alpha: f64,
}

impl Rollouts<'_> {
    /// The mean probability of what the first `len` tokens of each sequence become; of whole sequences, that of
    /// themselves. Continuation k is drawn from `stream(k)`.
    pub(super) fn values(
        &self,
        batch: TokenBatch<'_>,
        len: usize,
        stream: &Stream<'_>,
    ) -> candle_core::Result<Vec<f64>> {
        let (steps, copies) = (batch.steps(), self.copies);
        if len == steps {
            let logits = self.discriminator.logits(batch)?;
            return Ok(logits.into_iter().map(sigmoid).collect());
        }
        let mut prefixes = Vec::with_capacity(batch.len() * copies * len);
        for sequence in batch.tokens().chunks(steps) {
            (0..copies).for_each(|_| prefixes.extend_from_slice(&sequence[..len]));
        }
        let request = Generation {
            prefixes: Some(TokenBatch::new(&prefixes, len)?),
            alpha: self.alpha,
            ..self.corpus.request(batch.len() * copies)
        };
        let whole = self.generator.generate(&request, stream)?;
        let logits = self.discriminator.logits(TokenBatch::new(&whole, steps)?)?;
        let mean = |logits: &[f64]| {
            let sum: f64 = logits.iter().map(|logit| sigmoid(*logit)).sum();
            sum / copies as f64
        };
        Ok(logits.chunks(copies).map(mean).collect())
    }
}
