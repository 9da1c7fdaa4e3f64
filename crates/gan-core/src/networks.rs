//! The two networks.

use crate::{Graph, ImageShape, Mode, ParameterStore, Recorded};
use candle_core::{Result, Tensor};

/// A network that turns latent vectors into images.
///
/// Of the passes only [`forward`](Self::forward) must be implemented. The others have default implementations
/// by it, which a network can replace by faster ones.
///
/// Any number of threads may use a generator in [`Mode::Eval`] at the same time, as long as nothing writes its
/// tensors. Training writes them, so a generator for other threads is a [`copy`](Self::copy).
pub trait Generator: Send + Sync {
    /// z: `[n, latent_dim]` → images `[n, c, h, w]` in [-1, 1], differentiable on candle's graph
    /// any number of times.
    ///
    /// `labels` (`[n]`, u32) are for class-conditional networks; the others ignore them.
    ///
    /// # Errors
    /// When the width of `z` is not [`latent_dim`](Self::latent_dim), or a tensor operation fails.
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor>;

    /// [`forward`](Self::forward) without gradients; the same shapes.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        Ok(self.forward(z, labels, mode)?.detach())
    }

    /// [`forward`](Self::forward) in training mode, recorded for the backward pass; the same shapes.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn record(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Recorded> {
        Recorded::on_graph(&[z], self.parameters(), |z| {
            self.forward(z, labels, Mode::Train)
        })
    }

    /// The width of a latent vector.
    fn latent_dim(&self) -> usize;

    /// The number of classes of its labels; `None` if it is not class-conditional.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// The shape of one generated image.
    fn image_shape(&self) -> ImageShape;

    /// Its trainable tensors and buffers.
    fn parameters(&self) -> &ParameterStore;

    /// The graph that it computes, if it is made of one: with tensors of the graph's names it is all that is
    /// needed to make the network again. A generator with a graph is saved with it, so that programs that do
    /// not know its architecture can load it.
    fn graph(&self) -> Option<&Graph> {
        None
    }

    /// The same network with copies of all tensors, which it shares with no other: training this one does not
    /// change it. For other threads make an `Arc<dyn Generator>` of it.
    ///
    /// A network that is built from a store is its own copy when it is built from
    /// [`ParameterStore::copy`].
    ///
    /// # Errors
    /// When the tensors cannot be copied.
    fn copy(&self) -> Result<Box<dyn Generator>>;
}

/// A network that tells real images from generated ones.
///
/// Only [`forward`](Self::forward) must be implemented; see [`Generator`].
pub trait Discriminator: Send {
    /// images: `[n, c, h, w]` in [-1, 1] → logits `[n]`; positive means real. Differentiable on
    /// candle's graph any number of times.
    ///
    /// `labels` (`[n]`, u32) are for class-conditional networks; the others ignore them.
    ///
    /// # Errors
    /// When the shape of `images` is not the one that the network was built for, or a tensor operation
    /// fails.
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor>;

    /// [`forward`](Self::forward) in training mode over several batches, `[n, c, h, w]` each, recorded for
    /// the backward pass: logits `[n]` of each batch. Batch normalization uses each batch's own
    /// statistics. `labels` are those of every batch.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        Recorded::on_graph(batches, self.parameters(), |images| {
            self.forward(images, labels, Mode::Train)
        })
    }

    /// Whether the tapes of [`record`](Self::record) can compute the gradients of gradient penalties.
    fn has_second_derivatives(&self) -> bool {
        false
    }

    /// Its trainable tensors and buffers.
    fn parameters(&self) -> &ParameterStore;

    /// The graph that it computes, if it is made of one; see [`Generator::graph`].
    fn graph(&self) -> Option<&Graph> {
        None
    }
}
