//! The relativistic pairing loss, RpGAN (Jolicoeur-Martineau, 2018, arXiv 1807.00734; Sun, Fang &
//! Schwing, 2020, arXiv 2011.04926).

use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::{mean, softplus};

/// Each generated image is compared with one real image, and only the difference of their logits counts:
/// a generator that drops a mode keeps getting a gradient towards it.
#[derive(Clone, Copy, Debug)]
pub struct RelativisticPairing;

/// E ln(1 + e^(worse − better)) over the pairs.
fn preference(better: &Tensor, worse: &Tensor) -> Result<Tensor> {
    mean(&softplus(&(worse - better)?)?)
}

impl AdversarialLoss for RelativisticPairing {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        preference(real, fake)
    }

    fn generator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        preference(fake, real)
    }
}
