//! Gradient penalties on the discriminator, one file each. All look at images as the discriminator is
//! shown them, augmented and noisy; StyleGAN2-ADA takes R1 at the images themselves, through the
//! augmentation (Karras et al., 2020, arXiv 2006.06676).

mod one_centered;
mod zero_centered;

pub use one_centered::OneCentered;
pub use zero_centered::ZeroCentered;

use candle_core::{Result, Tensor};

/// At which images, as the discriminator is shown them, a penalty looks at the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// Real ones.
    Real,
    /// Generated ones.
    Fake,
    /// Between the two: for each pair u · real + (1 − u) · fake with u uniform in [0, 1].
    Interpolated,
}

/// A penalty on the gradients of a discriminator's logits by its images.
pub trait Regularizer: Send {
    /// Where the gradients are taken.
    fn points(&self) -> Points;

    /// The penalty on gradients `[n, c, h, w]`, one of each image's own logit, and its derivative by
    /// them.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn penalty(&self, gradients: &Tensor) -> Result<(f64, Tensor)>;
}

/// ‖gradient‖² of each image, `[n, 1, 1, 1]`.
fn squared_norms(gradients: &Tensor) -> Result<Tensor> {
    gradients.sqr()?.sum_keepdim((1, 2, 3))
}
