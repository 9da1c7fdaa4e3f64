//! Layers with PyTorch's initialisation and names.

mod batch_norm;
mod linear;

pub(crate) use batch_norm::BatchNorm1d;
pub(crate) use linear::Linear;
