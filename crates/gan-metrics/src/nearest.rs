//! Nearest neighbours of images in a large set.

use crate::{Features, ImageSet, MetricError};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use gan_core::byte_to_value;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Rows that a thread compares with a block at a time.
const POINT_ROWS: usize = 256;

/// Rows of the large set that are compared at a time. With 28 × 28 pixels these are 1.6 MB, which stay
/// in the cache; larger blocks took a tenth longer.
const BLOCK_ROWS: usize = 512;

/// The most values of the points that are stored in f32, 64 MB.
const KEPT_VALUES: usize = 1 << 24;

/// For each row of one set, the nearest row of another.
#[derive(Clone, Debug, PartialEq)]
pub struct NearestNeighbors {
    /// The number of the nearest row, the first of equals.
    pub rows: Vec<usize>,
    /// Its Euclidean distance.
    pub distances: Vec<f64>,
}

impl NearestNeighbors {
    /// The nearest row of `among` for each row of `points`.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`].
    pub fn by_features(points: &Features, among: &Features) -> Result<Self, MetricError> {
        points.as_wide_as(among)?;
        Ok(search(points, among))
    }

    /// The nearest image of `among` for each image of `points`, by their values in [-1, 1].
    ///
    /// # Errors
    /// [`MetricError::Dimensions`].
    pub fn by_pixels(points: &ImageSet, among: &ImageSet) -> Result<Self, MetricError> {
        points.alike(among)?;
        Ok(search(points, among))
    }
}

/// Rows of numbers that a search compares block by block.
trait Rows: Sync {
    fn count(&self) -> usize;
    fn width(&self) -> usize;
    /// The values of one row in f32.
    fn row(&self, row: usize) -> impl Iterator<Item = f32>;
    /// The squared distance of one row to one of another set, in f64.
    fn squared_distance(&self, row: usize, other: &Self, other_row: usize) -> f64;

    /// `[rows, width]`
    fn block(&self, rows: Range<usize>) -> Vec<f32> {
        let mut block = Vec::with_capacity(rows.len() * self.width());
        for row in rows {
            block.extend(self.row(row));
        }
        block
    }
}

impl Rows for Features {
    fn count(&self) -> usize {
        self.count()
    }

    fn width(&self) -> usize {
        self.dimensions()
    }

    fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        self.row(row).iter().map(|value| *value as f32)
    }

    fn squared_distance(&self, row: usize, other: &Self, other_row: usize) -> f64 {
        let pairs = self.row(row).iter().zip(other.row(other_row));
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    }
}

impl Rows for ImageSet {
    fn count(&self) -> usize {
        self.count()
    }

    fn width(&self) -> usize {
        self.shape().elements()
    }

    fn row(&self, row: usize) -> impl Iterator<Item = f32> {
        self.image(row).iter().copied().map(byte_to_value)
    }

    /// In integers, so that only the scaling is rounded.
    fn squared_distance(&self, row: usize, other: &Self, other_row: usize) -> f64 {
        let pairs = self.image(row).iter().zip(other.image(other_row));
        let squares = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
        squares.sum::<u64>() as f64 / (127.5 * 127.5)
    }
}

/// The best so far: a row and its squared distance.
type Nearest = (usize, f64);

/// Compares distances by f32 products, and computes the f64 distance of all rows that may be the nearest
/// within their rounding errors: the result is that of f64.
fn search<R: Rows>(points: &R, among: &R) -> NearestNeighbors {
    let (width, count) = (among.width(), points.count());
    let square = |row: usize| points.row(row).map(|x| x * x).sum();
    let own: Vec<f32> = (0..count).into_par_iter().map(square).collect();
    // Bytes are converted once, if there is room for the values.
    let kept = (count.saturating_mul(width) <= KEPT_VALUES).then(|| points.block(0..count));
    let mut best: Vec<Nearest> = vec![(0, f64::INFINITY); count];
    for first in (0..among.count()).step_by(BLOCK_ROWS) {
        let rows = among.block(first..among.count().min(first + BLOCK_ROWS));
        let others = norms(&rows, width);
        let parts = best.par_chunks_mut(POINT_ROWS).enumerate();
        parts.for_each(|(part, best)| {
            let start = part * POINT_ROWS;
            let block = match &kept {
                Some(kept) => Cow::Borrowed(&kept[start * width..][..best.len() * width]),
                None => Cow::Owned(points.block(start..start + best.len())),
            };
            let products = products(&block, &rows, width);
            let products = products.chunks_exact(others.len());
            for (offset, (best, products)) in best.iter_mut().zip(products).enumerate() {
                improve(best, own[start + offset], &others, products, width, |row| {
                    let row = first + row;
                    (row, points.squared_distance(start + offset, among, row))
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

/// Each row's squared length.
fn norms(rows: &[f32], width: usize) -> Vec<f32> {
    let norm = |row: &[f32]| row.iter().map(|x| x * x).sum();
    rows.chunks_exact(width).map(norm).collect()
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
    let slack = |row: usize| rounding * (own + others[row]);
    // The nearest row of the block is not farther away than this.
    let most = |row: usize| about(row) + slack(row);
    let most = (0..others.len()).map(most).fold(f32::INFINITY, f32::min);
    let most = most.min(best.1 as f32);
    for row in 0..others.len() {
        if about(row) - slack(row) <= most {
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
    use gan_core::{ImageBytes, ImageShape};

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
            let squared = |y: &[f64]| x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            let distances: Vec<f64> = among.rows().map(squared).collect();
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
        let mut byte = 1_u8;
        let mut next = || {
            byte = byte.wrapping_mul(77).wrapping_add(31);
            byte
        };
        let shape = ImageShape {
            channels: 1,
            height: 2,
            width: 5,
        };
        // Numbered in their first two bytes, so that no two are equal.
        let image = |i: u16| [&i.to_be_bytes()[..], &[0; 8]].concat();
        let mut pixels: Vec<u8> = (0..3000).flat_map(image).collect();
        for image in pixels.chunks_exact_mut(10) {
            image[2..].fill_with(&mut next);
        }
        let images = ImageBytes::new(shape, pixels).unwrap();
        let all = ImageSet::new("all", images).unwrap();
        let numbers: Vec<usize> = (2500..2600).collect();
        let found = NearestNeighbors::by_pixels(&all.select(&numbers).unwrap(), &all).unwrap();
        assert_eq!(found.rows, numbers);
        assert!(found.distances.iter().all(|distance| *distance == 0.0));
    }

    /// White is 2 from black in every value: √(4 n).
    #[test]
    fn distances_are_those_of_values_in_minus_one_to_one() {
        let set = |byte: u8| {
            let images = ImageBytes::new(ImageShape::MNIST, vec![byte; 2 * 784]).unwrap();
            ImageSet::new("flat", images).unwrap()
        };
        let found = NearestNeighbors::by_pixels(&set(255), &set(0)).unwrap();
        assert!((found.distances[0] - (4.0 * 784.0_f64).sqrt()).abs() < 1e-12);
    }
}
