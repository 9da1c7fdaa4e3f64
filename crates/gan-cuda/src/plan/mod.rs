//! The training step as launches over one memory.

mod backward;
mod forward;
mod gradients;
pub(crate) mod maps;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod norm;
pub(crate) mod product;
pub(crate) mod recorder;
mod spectral;
pub(crate) mod step;
pub(crate) mod sums;
pub(crate) mod task;
