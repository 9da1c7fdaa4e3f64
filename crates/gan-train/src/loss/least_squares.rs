//! The least-squares loss (Mao et al., 2017, arXiv 1611.04076).

use candle_core::{Result, Tensor};
use gan_core::AdversarialLoss;
use gan_ops::mean;

/// The discriminator regresses 1 on real and 0 on generated images, and the generator aims at 1. Logits
/// far from the decision boundary are penalised too, so that confident outputs still have a gradient.
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares {
    /// The label of real images in [0.5, 1], usually 1; see [`LossOptions`](crate::LossOptions).
    pub real_label: f64,
}

/// ½ E (logit − target)²
fn half_squares(logits: &Tensor, target: f64) -> Result<Tensor> {
    mean(&(logits - target)?.sqr()?)? * 0.5
}

impl AdversarialLoss for LeastSquares {
    fn discriminator(&self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        half_squares(real, self.real_label)? + half_squares(fake, 0.0)?
    }

    fn generator(&self, _real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        half_squares(fake, 1.0)
    }
}
