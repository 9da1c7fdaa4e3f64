//! Nearest neighbours of images in a large set.

use crate::{Features, ImageSet, MetricError};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Rows that a thread compares with a block at once.
const POINT_ROWS: usize = 256;

/// Rows of the large set that are compared at a time. Of 28 × 28 pixels these are 1.6 MB, which stay
/// in the cache; larger blocks took a tenth longer.
const BLOCK_ROWS: usize = 512;

/// For each row of one set, the nearest row of another.
#[derive(Clone, Debug, PartialEq)]
pub struct NearestNeighbors {
    /// The number of the nearest row, the first of equals.
    pub rows: Vec<usize>,
    /// Its Euclidean distance.
    pub distances: Vec<f64>,
}

impl NearestNeighbors {
    /// Of the rows of `points` among those of `among`, by features.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`].
    pub fn by_features(points: &Features, among: &Features) -> Result<Self, MetricError> {
        points.as_wide_as(among)?;
        let single = |set: &Features| set.values().iter().map(|x| *x as f32).collect::<Vec<_>>();
        Ok(search(
            &single(points),
            &single(among),
            points.dimensions(),
            |point, row| exact(points.row(point), among.row(row)),
        ))
    }

    /// Of the images `points` among the images `among`, by their values in [-1, 1].
    ///
    /// # Errors
    /// [`MetricError::Dimensions`].
    pub fn by_pixels(points: &ImageSet, among: &ImageSet) -> Result<Self, MetricError> {
        let width = among.shape().elements();
        if points.shape() != among.shape() {
            return Err(MetricError::Dimensions {
                first: points.name().to_string(),
                first_dimensions: points.shape().elements(),
                second: among.name().to_string(),
                second_dimensions: width,
            });
        }
        Ok(search(
            points.pixels(),
            among.pixels(),
            width,
            |point, row| exact(points.image(point), among.image(row)),
        ))
    }
}

/// The squared distance in f64.
fn exact<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (*a).into() - (*b).into());
    differences.map(|d: f64| d * d).sum()
}

/// The best so far: a row and its squared distance.
type Nearest = (usize, f64);

/// Looks for the nearest by products in f32, and asks `squared` for the exact distance of all that
/// may be the nearest within their rounding: the result is the one of f64.
fn search(
    points: &[f32],
    among: &[f32],
    width: usize,
    squared: impl Fn(usize, usize) -> f64 + Sync,
) -> NearestNeighbors {
    let norms = |rows: &[f32]| -> Vec<f32> { rows.chunks_exact(width).map(norm).collect() };
    let own = norms(points);
    let mut best: Vec<Nearest> = vec![(0, f64::INFINITY); own.len()];
    for (block, rows) in among.chunks(BLOCK_ROWS * width).enumerate() {
        let (first, others) = (block * BLOCK_ROWS, norms(rows));
        let parts = best.par_chunks_mut(POINT_ROWS).enumerate();
        parts.for_each(|(part, best)| {
            let start = part * POINT_ROWS;
            let points = &points[start * width..][..best.len() * width];
            let products = products(points, rows, width);
            let rows = products.chunks_exact(others.len());
            for (offset, (best, products)) in best.iter_mut().zip(rows).enumerate() {
                let point = start + offset;
                improve(best, own[point], &others, products, width, |row| {
                    (first + row, squared(point, first + row))
                });
            }
        });
    }
    NearestNeighbors {
        rows: best.iter().map(|(row, _)| *row).collect(),
        distances: best.iter().map(|(_, squared)| squared.sqrt()).collect(),
    }
}

/// points · rowsᵀ, `[points, rows]`.
fn products(points: &[f32], rows: &[f32], width: usize) -> Vec<f32> {
    let (m, n) = (points.len() / width, rows.len() / width);
    let mut products = vec![0.0; m * n];
    matmul(
        MatMut::from_row_major_slice_mut(&mut products, m, n),
        Accum::Replace,
        MatRef::from_row_major_slice(points, m, width),
        MatRef::from_row_major_slice(rows, n, width).transpose(),
        1.0,
        Par::Seq,
    );
    products
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum()
}

/// Replaces `best` by the row of a block that is nearer, if there is one.
fn improve(
    best: &mut Nearest,
    own: f32,
    others: &[f32],
    products: &[f32],
    width: usize,
    squared: impl Fn(usize) -> Nearest,
) {
    // |error of x · y| ≤ width · ε · |x| |y| (Higham, 2002, section 3.1), and as much again for the
    // norms and the sum.
    let rounding = 2.0 * (width + 2) as f32 * f32::EPSILON;
    let about = |row: usize| own + others[row] - 2.0 * products[row];
    let nearest = (0..others.len()).map(about).fold(f32::INFINITY, f32::min);
    for (row, other) in others.iter().enumerate() {
        let slack = rounding * (own + other);
        if about(row) - 2.0 * slack <= nearest.min(best.1 as f32) {
            let found = squared(row);
            if found.1 < best.1 {
                *best = found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::ImageShape;

    /// Rows that lie close together far from the origin, where f32 products cannot tell them apart.
    #[test]
    fn rounding_of_the_products_does_not_change_the_nearest() {
        let row =
            |i: usize| (0..3).map(move |j| 1000.0 + (1.0 + i as f64 + 7.0 * j as f64).sin() * 1e-3);
        let set = |from: usize, count: usize| {
            let values: Vec<f64> = (from..from + count)
                .flat_map(row)
                .map(|x| f64::from(x as f32))
                .collect();
            Features::new("rows", values, 3).unwrap()
        };
        let (points, among) = (set(0, 100), set(100, 5000));
        let found = NearestNeighbors::by_features(&points, &among).unwrap();
        for (point, x) in points.rows().enumerate() {
            let distances: Vec<f64> = among.rows().map(|y| exact(x, y)).collect();
            let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
            let first = distances.iter().position(|d| *d == least).unwrap();
            assert_eq!(
                (found.rows[point], found.distances[point]),
                (first, least.sqrt())
            );
        }
    }

    #[test]
    fn an_image_among_the_others_is_at_distance_zero() {
        let pixels: Vec<f32> = (0..4 * 3000).map(|i| (i as f32 * 0.37).sin()).collect();
        let shape = ImageShape {
            channels: 1,
            height: 2,
            width: 2,
        };
        let all = ImageSet::new("all", shape, pixels.clone()).unwrap();
        let some = ImageSet::new("some", shape, pixels[4 * 2500..4 * 2600].to_vec()).unwrap();
        let found = NearestNeighbors::by_pixels(&some, &all).unwrap();
        assert_eq!(found.rows, (2500..2600).collect::<Vec<_>>());
        assert!(found.distances.iter().all(|distance| *distance == 0.0));
    }
}
