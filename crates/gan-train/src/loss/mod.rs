//! Adversarial losses, one file each.

mod hinge;
mod least_squares;
mod minimax;
mod non_saturating;
mod options;
mod relativistic_pairing;
mod wasserstein;

pub use hinge::Hinge;
pub use least_squares::LeastSquares;
pub use minimax::Minimax;
pub use non_saturating::NonSaturating;
pub use options::{LossKind, LossOptions};
pub use relativistic_pairing::RelativisticPairing;
pub use wasserstein::Wasserstein;

use candle_core::{Result, Tensor};
use gan_ops::bce_with_logits;

/// The mean of two binary cross-entropies, as in the tutorial: of real images with the label `real_label`
/// and of generated ones with the label 0. With `real_label` 1 it is −V(D, G) / 2.
fn discriminator_cross_entropy(real: &Tensor, fake: &Tensor, real_label: f64) -> Result<Tensor> {
    (bce_with_logits(real, real_label)? + bce_with_logits(fake, 0.0)?)? * 0.5
}
