//! Matrix products.

use crate::element::Element;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// What a product does with what its place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onto {
    /// c ← a · b
    Replace,
    /// c ← c + a · b
    Add,
}

/// Writes a · b into `c`, on the calling thread alone: the callers give each thread rows of `c`.
pub(crate) fn product<T: Element>(
    c: MatMut<'_, T>,
    into: Onto,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
) {
    let accumulation = match into {
        Onto::Replace => Accum::Replace,
        Onto::Add => Accum::Add,
    };
    matmul(c, accumulation, a, b, T::from_f64(1.0), Par::Seq);
}

/// A matrix of that many columns on rows that lie one after the other.
pub(crate) fn rows<T>(values: &mut [T], columns: usize) -> MatMut<'_, T> {
    let count = values.len() / columns.max(1);
    MatMut::from_row_major_slice_mut(values, count, columns)
}
