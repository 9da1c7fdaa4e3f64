//! Adversarial losses, one file each.

mod minimax;
mod non_saturating;

pub use minimax::Minimax;
pub use non_saturating::NonSaturating;

use candle_core::{Result, Tensor};
use gan_ops::bce_with_logits;

/// Half of −V(D, G): the binary cross-entropies of real images against 1 and of generated ones
/// against 0, averaged as the tutorial does.
fn discriminator_cross_entropy(real: &Tensor, fake: &Tensor) -> Result<Tensor> {
    (bce_with_logits(real, 1.0)? + bce_with_logits(fake, 0.0)?)? * 0.5
}
