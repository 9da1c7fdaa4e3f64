//! Products and distances of all pairs of rows, a block of rows at a time.

use crate::{Features, ImageSet};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows of a block. Blocks, and so the results, are the same for every number of threads.
const BLOCK_ROWS: usize = 64;

/// Images that each thread holds as f64 at a time, from both sets.
const BLOCK_IMAGES: usize = 128;

/// Below this fraction of |x|² + |y|², a squared distance is a rounding error of 0.
const ROUNDING: f64 = 1e-13;

/// For each row x of `a`, the result of `f` for its number and the products x · y with all rows y of `b`.
///
/// `f` may overwrite the slice.
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

/// For each row x of `a`, the result of `f` for its number and |x - y|² for all rows y of `b`.
///
/// Computed as |x|² + |y|² - 2 x · y; the distance of equal rows is exactly 0.
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

/// For each image x of `a`, the result of `f` for its number and |x - y|² for all images y of `b`, with
/// values in [0, 1].
///
/// The sum is computed in integers and therefore exact.
pub(crate) fn map_squared_pixel_distances<T: Send>(
    a: &ImageSet,
    b: &ImageSet,
    f: impl Fn(usize, &mut [f64]) -> T + Sync,
) -> Vec<T> {
    let width = a.shape().elements();
    let numbers: Vec<usize> = (0..a.count()).collect();
    let blocks = numbers.par_chunks(BLOCK_IMAGES).flat_map_iter(|numbers| {
        let rows = bytes(a, numbers[0], numbers.len());
        let own: Vec<f64> = rows.chunks_exact(width).map(squared_norm).collect();
        let mut distances = vec![0.0; numbers.len() * b.count()];
        for first in (0..b.count()).step_by(BLOCK_IMAGES) {
            let count = BLOCK_IMAGES.min(b.count() - first);
            let others = bytes(b, first, count);
            let mut products = vec![0.0; numbers.len() * count];
            matmul(
                MatMut::from_row_major_slice_mut(&mut products, numbers.len(), count),
                Accum::Replace,
                MatRef::from_row_major_slice(&rows, numbers.len(), width),
                MatRef::from_row_major_slice(&others, count, width).transpose(),
                1.0,
                Par::Seq,
            );
            let norms: Vec<f64> = others.chunks_exact(width).map(squared_norm).collect();
            for (row, products) in products.chunks_exact(count).enumerate() {
                let distances = &mut distances[row * b.count() + first..][..count];
                for ((distance, product), norm) in distances.iter_mut().zip(products).zip(&norms) {
                    *distance = (own[row] + norm - 2.0 * product) / (255.0 * 255.0);
                }
            }
        }
        let rows = numbers.iter().zip(distances.chunks_exact_mut(b.count()));
        rows.map(|(number, distances)| f(*number, distances))
            .collect::<Vec<_>>()
    });
    blocks.collect()
}

/// The bytes of `count` images from number `first` on, `[count, values]`.
fn bytes(images: &ImageSet, first: usize, count: usize) -> Vec<f64> {
    let bytes = (first..first + count).flat_map(|image| images.image(image));
    bytes.map(|byte| f64::from(*byte)).collect()
}

fn squared_norm(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum()
}
