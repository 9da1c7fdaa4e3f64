//! Gradient penalties on the discriminator, one file each. All are taken at the discriminator's inputs,
//! the augmented and noisy images; StyleGAN2-ADA takes R1 at the images themselves, through the
//! augmentation (Karras et al., 2020, arXiv 2006.06676).

mod one_centered;
mod zero_centered;

pub use one_centered::OneCentered;
pub use zero_centered::ZeroCentered;

use candle_core::{Result, Tensor};

/// The discriminator's inputs at which a penalty takes the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// Real images.
    Real,
    /// Generated images.
    Fake,
    /// Images interpolated between the two: u · real + (1 − u) · fake for each pair, u uniform in [0, 1].
    Interpolated,
}

/// A penalty on the gradients of a discriminator's logits with respect to its input images.
pub trait Regularizer: Send {
    /// Where the gradients are taken.
    fn points(&self) -> Points;

    /// The penalty on gradients `[n, c, h, w]`, each of an image's own logit, at least 0; and its
    /// derivative with respect to them, of the same shape.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn penalty(&self, gradients: &Tensor) -> Result<(f64, Tensor)>;
}
