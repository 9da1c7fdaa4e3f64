//! The hinge loss (Lim & Ye, 2017, arXiv 1705.02894).

use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::mean;

/// The discriminator's loss is 0 for logits above 1 on real and below −1 on generated images; the
/// generator's has no lower bound.
#[derive(Clone, Copy, Debug)]
pub struct Hinge;

impl AdversarialLoss for Hinge {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        let real = mean(&(1.0 - real)?.relu()?)?;
        real + mean(&(fake + 1.0)?.relu()?)?
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        mean(fake)?.neg()
    }
}
