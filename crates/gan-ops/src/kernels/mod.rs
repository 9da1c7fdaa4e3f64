//! The inner loops: sums of products in registers, and what brings numbers into their order.

pub(crate) mod correlation;
pub(crate) mod links;
pub(crate) mod patches;
pub(crate) mod prefetch;
pub(crate) mod product;
pub(crate) mod sliding;
pub(crate) mod sums;
pub(crate) mod tile;
pub(crate) mod transpose;
pub(crate) mod weight_gradient;
