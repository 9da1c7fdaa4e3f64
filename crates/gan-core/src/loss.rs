//! The losses that the two networks minimise.

use candle_core::{Result, Tensor};

/// An adversarial objective over discriminator logits. Losses are scalars, averaged over the batch.
pub trait AdversarialLoss: Send {
    /// The discriminator's loss from logits `[n]` on real and `[m]` on generated images.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor>;

    /// The generator's loss from logits `[n]` on real images, which only relativistic losses use and
    /// which are constants, and `[m]` on generated ones.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn generator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor>;
}
