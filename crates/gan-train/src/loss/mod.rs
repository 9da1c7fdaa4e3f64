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

/// Half of −V(D, G) where `real_label` is 1: the binary cross-entropies of real images against
/// `real_label` and of generated ones against 0, averaged as the tutorial does.
fn discriminator_cross_entropy(real: &Tensor, fake: &Tensor, real_label: f64) -> Result<Tensor> {
    (bce_with_logits(real, real_label)? + bce_with_logits(fake, 0.0)?)? * 0.5
}
