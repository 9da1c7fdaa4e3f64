//! The two players.

use crate::{ImageShape, Mode, ParameterStore};
use candle_core::{Result, Tensor};

/// A network that turns latent vectors into images.
pub trait Generator: Send {
    /// z: `[n, latent_dim]` → images `[n, c, h, w]` in [-1, 1].
    ///
    /// `labels` (`[n]`, u32) are for class-conditional networks; the others ignore them.
    ///
    /// # Errors
    /// When `z` has another width than [`latent_dim`](Self::latent_dim), or a tensor operation fails.
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor>;

    /// The width of a latent vector.
    fn latent_dim(&self) -> usize;

    /// The shape of one generated image.
    fn image_shape(&self) -> ImageShape;

    /// Its trainable tensors and buffers.
    fn parameters(&self) -> &ParameterStore;
}

/// A network that tells real images from generated ones.
pub trait Discriminator: Send {
    /// images: `[n, c, h, w]` in [-1, 1] → logits `[n]`; positive means real.
    ///
    /// `labels` (`[n]`, u32) are for class-conditional networks; the others ignore them.
    ///
    /// # Errors
    /// When `images` have another shape than the network was built for, or a tensor operation fails.
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor>;

    /// Its trainable tensors and buffers.
    fn parameters(&self) -> &ParameterStore;
}
