//! The Wasserstein loss (Arjovsky, Chintala & Bottou, 2017, arXiv 1701.07875).

use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;

/// The discriminator, here a critic, maximises E D(x) − E D(G(z)): an earth mover's distance as far as
/// the critic's slope is bounded, which something else must see to.
#[derive(Clone, Copy, Debug)]
pub struct Wasserstein;

impl AdversarialLoss for Wasserstein {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        fake.mean_all()? - real.mean_all()?
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        fake.mean_all()?.neg()
    }
}
