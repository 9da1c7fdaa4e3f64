//! The saturating minimax loss (Goodfellow et al., 2014, equation 1).

use super::discriminator_cross_entropy;
use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::bce_with_logits;

/// The generator minimises E ln(1 − D(G(z))), its own term of V(D, G), which is never positive.
#[derive(Clone, Copy, Debug)]
pub struct Minimax {
    /// The label of real images in [0.5, 1], usually 1; see [`LossOptions`](crate::LossOptions).
    pub real_label: f64,
}

impl AdversarialLoss for Minimax {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        discriminator_cross_entropy(real, fake, self.real_label)
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        bce_with_logits(fake, 0.0)?.neg()
    }
}
