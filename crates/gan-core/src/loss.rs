//! What the two players minimise.

use candle_core::{Result, Tensor};

/// An adversarial objective over discriminator logits. Losses are scalars, averaged over the batch.
pub trait AdversarialLoss: Send {
    /// The discriminator's loss from logits `[n]` on real and `[m]` on generated images.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor>;

    /// The generator's loss from logits `[m]` on generated images.
    ///
    /// `real` computes the logits on the real batch; only relativistic losses, which compare
    /// the two, call it, so that the others do not pay for that pass.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn generator(&self, real: &dyn Fn() -> Result<Tensor>, fake: &Tensor) -> Result<Tensor>;
}
