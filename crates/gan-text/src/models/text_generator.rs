//! What every generator of token sequences can do.

use candle_core::Result;
use gan_core::{Weights, WeightsError};
use gan_ops::{Generation, LanguageModel, Stream, TokenBatch};

/// A generator of token sequences that knows the probability of each next token.
pub trait TextGenerator: Send + Sync {
    /// The number of tokens.
    fn vocabulary(&self) -> usize;

    /// The number of trainable numbers.
    fn parameter_count(&self) -> usize;

    /// Draws sequences, `[count, steps]`; sequence k from `stream(k)` alone.
    ///
    /// # Errors
    /// When the request does not fit the vocabulary.
    fn generate(&self, request: &Generation<'_>, stream: &Stream<'_>) -> Result<Vec<u32>>;

    /// −ln p of every token given those before it, in nats, `[n, steps]`, where the logits are multiplied by `alpha`,
    /// the inverse temperature, above 0.
    ///
    /// # Errors
    /// When a token is not in the vocabulary.
    fn nll(&self, batch: TokenBatch<'_>, alpha: f64) -> Result<Vec<f64>>;

    /// Adds its tensors under their names.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    fn save(&self, weights: &mut Weights) -> std::result::Result<(), WeightsError>;
}

impl TextGenerator for LanguageModel {
    fn vocabulary(&self) -> usize {
        self.vocabulary()
    }

    fn parameter_count(&self) -> usize {
        self.parameters().trainable_count()
    }

    fn generate(&self, request: &Generation<'_>, stream: &Stream<'_>) -> Result<Vec<u32>> {
        self.generate(request, stream)
    }

    fn nll(&self, batch: TokenBatch<'_>, alpha: f64) -> Result<Vec<f64>> {
        self.nll(batch, alpha)
    }

    fn save(&self, weights: &mut Weights) -> std::result::Result<(), WeightsError> {
        weights.insert_all("", self.parameters())
    }
}
