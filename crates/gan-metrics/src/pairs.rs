//! Products and distances of all pairs of rows, a block of rows at a time.

use crate::Features;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows of a block. Blocks are the same for every number of threads, and so are their bits.
const BLOCK_ROWS: usize = 64;

/// Below this part of |x|² + |y|², a squared distance is what rounding left of zero.
const ROUNDING: f64 = 1e-13;

/// For each row x of `a`, what `f` makes of its number and of x · y for all rows y of `b`.
///
/// `f` may use the slice as it likes.
pub(crate) fn map_products<T: Send>(
    a: &Features,
    b: &Features,
    f: impl Fn(usize, &mut [f64]) -> T + Sync,
) -> Vec<T> {
    let width = a.dimensions();
    let transposed = MatRef::from_row_major_slice(b.values(), b.count(), width).transpose();
    let blocks = a.values().par_chunks(BLOCK_ROWS * width).enumerate();
    let mapped = blocks.flat_map_iter(|(block, rows)| {
        let count = rows.len() / width;
        let mut products = vec![0.0; count * b.count()];
        matmul(
            MatMut::from_row_major_slice_mut(&mut products, count, b.count()),
            Accum::Replace,
            MatRef::from_row_major_slice(rows, count, width),
            transposed,
            1.0,
            Par::Seq,
        );
        let rows = products.chunks_exact_mut(b.count()).enumerate();
        rows.map(|(row, products)| f(block * BLOCK_ROWS + row, products))
            .collect::<Vec<_>>()
    });
    mapped.collect()
}

/// For each row x of `a`, what `f` makes of its number and of |x - y|² for all rows y of `b`.
///
/// By |x|² + |y|² - 2 x · y; equal rows are at distance 0 exactly.
pub(crate) fn map_squared_distances<T: Send>(
    a: &Features,
    b: &Features,
    f: impl Fn(usize, &mut [f64]) -> T + Sync,
) -> Vec<T> {
    let norms: Vec<f64> = b.rows().map(squared_norm).collect();
    map_products(a, b, |row, products| {
        let own = squared_norm(a.row(row));
        for (value, norm) in products.iter_mut().zip(&norms) {
            let sum = own + norm;
            let squared = sum - 2.0 * *value;
            *value = if squared > ROUNDING * sum {
                squared
            } else {
                0.0
            };
        }
        f(row, products)
    })
}

fn squared_norm(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum()
}
