//! What is trained, and what makes one of its steps different from another.

use gan_core::{ImageBytes, ImageShape, ParameterStore, Seed};
use gan_train::TrainConfig;

/// What is trained, and on what.
pub struct Task<'a> {
    /// The recipe.
    pub config: &'a TrainConfig,
    /// The tensors of the generator and of the discriminator.
    pub parameters: [&'a ParameterStore; 2],
    /// The shape of an image.
    pub image: ImageShape,
    /// The data set.
    pub images: &'a ImageBytes,
    /// Its labels, if the networks use them.
    pub labels: Option<&'a [u32]>,
    /// The distribution of latent vectors, and their width.
    pub prior: Prior,
    /// The width of a latent vector.
    pub latent_dim: usize,
    /// The seed of the steps' random numbers.
    pub seed: Seed,
}

/// The distributions of latent vectors in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    /// N(0, 1)
    Normal,
    /// U(−√3, √3)
    Uniform,
}

/// What makes one step's launches different from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    /// Images of the batch.
    pub(crate) examples: usize,
    /// Whether the penalties are applied.
    pub(crate) is_penalized: bool,
    /// Whether the generator is updated.
    pub(crate) moves_generator: bool,
}
