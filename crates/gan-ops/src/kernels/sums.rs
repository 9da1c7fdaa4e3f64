//! Sums over slices.

use crate::element::Element;

/// Sums are computed in this many interleaved parts, for vector lanes and for precision; the number
/// determines the result's rounding and is the same on every processor.
const LANES: usize = 16;

/// Σ f(value), in the type that f gives.
#[inline(always)]
pub(crate) fn sum<T: Element, S: Element>(values: &[T], f: impl Fn(T) -> S) -> f64 {
    let mut lanes = [S::default(); LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += f(*value);
    }
    lanes.iter().map(|lane| lane.to_f64()).sum()
}

/// Σ a·b
#[inline(always)]
pub(crate) fn sum_of_products<T: Element>(a: &[T], b: &[T]) -> f64 {
    let mut lanes = [T::default(); LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += *a * *b;
        }
    }
    let done = a.len() / LANES * LANES;
    for ((lane, a), b) in lanes.iter_mut().zip(&a[done..]).zip(&b[done..]) {
        *lane += *a * *b;
    }
    lanes.iter().map(|lane| lane.to_f64()).sum()
}
