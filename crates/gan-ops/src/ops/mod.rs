//! The operations that networks consist of, one a file, each with its forward pass, its backward pass, its
//! tangents and its twin of candle operations.

pub(crate) mod activation;
pub(crate) mod batch_norm;
pub(crate) mod bias;
pub(crate) mod classes;
pub(crate) mod convolution;
pub(crate) mod dropout;
pub(crate) mod linear;
pub(crate) mod maxout;
pub(crate) mod resampling;
pub(crate) mod reshape;

use crate::features::{Division, Features, Part};
use std::ops::Range;

/// A map from features to features that is linear at the point where it is taken: an operation's forward
/// pass, its derivative along a tangent, or the adjoint of that.
pub(crate) trait Map<T>: Sync {
    /// How the output is divided, for an input of so many lines.
    fn division(&self, lines: usize) -> Division;

    /// Writes a part of the output.
    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>);
}

/// The class of each example, in lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    /// One for each lane; [`NO_CLASS`] where there is no example.
    pub(crate) of_lanes: Vec<u32>,
}

/// The class of a lane without an example.
pub(crate) const NO_CLASS: u32 = u32::MAX;

/// Where a map is taken: what the forward pass of its operation has read and written, of whose lines these
/// are a part.
pub(crate) struct Point<'a, T> {
    pub(crate) input: &'a Features<T>,
    pub(crate) output: &'a Features<T>,
    /// Dropout's factors.
    pub(crate) mask: Option<&'a Features<T>>,
    pub(crate) labels: &'a Labels,
    pub(crate) lines: Range<usize>,
}
