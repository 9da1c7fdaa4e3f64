//! Matrix products.

use crate::element::Element;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use gan_core::Accumulation;

/// c ← a · b or c ← c + a · b, where `c` holds a matrix of `b`'s width by rows.
///
/// On the calling thread alone: the callers give each thread rows of `c`.
pub(crate) fn product<T: Element>(
    c: &mut [T],
    accumulation: Accumulation,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
) {
    let accumulation = match accumulation {
        Accumulation::Replace => Accum::Replace,
        Accumulation::Add => Accum::Add,
    };
    let c = MatMut::from_row_major_slice_mut(c, a.nrows(), b.ncols());
    matmul(c, accumulation, a, b, <T as num_traits::One>::one(), Par::Seq);
}
