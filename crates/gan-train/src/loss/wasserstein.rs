//! The Wasserstein loss (Arjovsky, Chintala & Bottou, 2017, arXiv 1701.07875).

use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::mean;

/// The discriminator, here a critic, maximises E D(x) − E D(G(z)): an earth mover's distance if the critic
/// is Lipschitz, which a gradient penalty, weight clipping or spectral normalization must ensure.
#[derive(Clone, Copy, Debug)]
pub struct Wasserstein;

impl AdversarialLoss for Wasserstein {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        mean(fake)? - mean(real)?
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        mean(fake)?.neg()
    }
}
