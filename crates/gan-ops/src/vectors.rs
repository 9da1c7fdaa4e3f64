//! Loops compiled for vectors of several lengths, of which the processor's longest are used.
//!
//! The length changes the speed alone: the compiler neither reorders a sum nor fuses a product and a sum
//! into one rounding, and where a kernel asks for fused products, every length fuses the same ones.

use pulp::{Arch, WithSimd};
use std::sync::OnceLock;

/// The environment variable that holds vectors shorter than the processor's: `scalar`, or on x86-64 `avx2`.
/// The bytes must be the same, and the tests compare them.
const VECTORS: &str = "GAN_OPS_VECTORS";

/// Loops over slices.
///
/// `call` must be marked `#[inline(always)]`, and so must be all that it calls: only what is
/// inlined is compiled for the processor at hand.
pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel as compiled for the processor's widest vector instructions.
#[inline(always)]
pub(crate) fn vectorized<T>(kernel: impl Kernel<Output = T>) -> T {
    arch().dispatch(kernel)
}

/// Runs with the longest vectors of the processor at hand.
#[inline(always)]
pub(crate) fn with_vectors<T>(work: impl WithSimd<Output = T>) -> T {
    arch().dispatch(work)
}

#[inline(always)]
fn arch() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    *CHOSEN.get_or_init(|| chosen(std::env::var(VECTORS).ok().as_deref()))
}

#[cfg(target_arch = "x86_64")]
fn chosen(name: Option<&str>) -> Arch {
    match name {
        Some("scalar") => Arch::Scalar,
        Some("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn chosen(name: Option<&str>) -> Arch {
    match name {
        Some("scalar") => Arch::Scalar,
        _ => Arch::new(),
    }
}
