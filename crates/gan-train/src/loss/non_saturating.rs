//! The non-saturating loss (Goodfellow et al., 2014, section 3): the tutorial's.

use super::discriminator_cross_entropy;
use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::bce_with_logits;

/// The generator minimises −E ln D(G(z)), whose gradient is strong where the discriminator is confident.
#[derive(Clone, Copy, Debug)]
pub struct NonSaturating {
    /// The label of real images in [0.5, 1], usually 1; see [`LossOptions`](crate::LossOptions).
    pub real_label: f64,
}

impl AdversarialLoss for NonSaturating {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        discriminator_cross_entropy(real, fake, self.real_label)
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        bce_with_logits(fake, 1.0)
    }
}
