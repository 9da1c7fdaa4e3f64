//! The logistic function and its integral, equal to the bit on every processor.

use gan_core::exact::{exp, ln_1p};

/// σ(x)
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + eˣ)
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}
