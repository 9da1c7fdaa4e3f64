//! A batch of images with their labels.

use candle_core::Tensor;

/// Images, and their classes if the data set has labels.
#[derive(Clone, Debug)]
pub struct ImageBatch {
    /// `[n, c, h, w]`, values in [-1, 1].
    pub images: Tensor,
    /// `[n]`, u32 class numbers from 0.
    pub labels: Option<Tensor>,
}

/// An image of a batch by its number in the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// From 0.
    pub image: u32,
    /// Whether it is mirrored left to right.
    pub is_mirrored: bool,
}
