//! Sums of products that stay in a processor's registers.

use crate::element::Element;
use faer::traits::ComplexField;
use pulp::bytemuck::{bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Of 16 registers with 8 numbers each, twelve hold six rows of sums, two hold values and one a weight.
pub(super) const MOST_ROWS: usize = 6;

/// Numbers in a row: 64 bytes, a line of the cache and the longest vector there is.
pub(super) const fn lanes<T>() -> usize {
    64 / size_of::<T>()
}

/// So many rows as equal parts of at most [`MOST_ROWS`].
pub(super) fn row_blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let blocks = rows.div_ceil(MOST_ROWS);
    (0..blocks).map(move |block| block * rows / blocks..(block + 1) * rows / blocks)
}

/// Work on tiles, to be compiled for vectors of every length.
///
/// Every sum is of the same products in the same order, whatever the length of the vectors, so results
/// are the same bytes on all processors that round a product and a sum together.
pub(super) trait OnTiles: Sized {
    type Number: Element;

    /// Must be marked `#[inline(always)]`, and so must be all that it calls: only what is inlined is
    /// compiled for the processor at hand.
    fn run<S: Simd, const VECTORS: usize>(self, simd: S);
}

/// Runs with the longest vectors of the processor at hand.
pub(super) fn run_on_tiles(work: impl OnTiles) {
    Arch::new().dispatch(WithVectors(work));
}

struct WithVectors<W>(W);

impl<W: OnTiles> WithSimd for WithVectors<W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match const { 64 / size_of::<<W::Number as ComplexField>::SimdVec<S>>() } {
            1 => self.0.run::<S, 1>(simd),
            2 => self.0.run::<S, 2>(simd),
            4 => self.0.run::<S, 4>(simd),
            8 => self.0.run::<S, 8>(simd),
            _ => self.0.run::<S, 16>(simd),
        }
    }
}

/// Calls a method with its number of rows as a constant, and with that of the tiles among which they
/// share their sums: where rows are few, a sum would wait for the one before it.
macro_rules! with_rows {
    ($rows:expr, $this:ident.$method:ident::<$simd:ident, $vectors:ident>($($argument:expr),* $(,)?)) => {
        match $rows {
            1 => $this.$method::<$simd, 1, $vectors, 4>($($argument),*),
            2 => $this.$method::<$simd, 2, $vectors, 2>($($argument),*),
            3 => $this.$method::<$simd, 3, $vectors, 2>($($argument),*),
            4 => $this.$method::<$simd, 4, $vectors, 1>($($argument),*),
            5 => $this.$method::<$simd, 5, $vectors, 1>($($argument),*),
            _ => $this.$method::<$simd, { crate::conv_net::tile::MOST_ROWS }, $vectors, 1>($($argument),*),
        }
    };
}
pub(super) use with_rows;

/// ROWS rows of [`lanes`] sums, each of VECTORS vectors.
#[derive(Clone, Copy)]
pub(super) struct Tile<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize> {
    context: T::SimdCtx<S>,
    sums: [[T::SimdVec<S>; VECTORS]; ROWS],
}

/// Everything here is inlined, and loops run over constants, lest sums go to memory and back.
#[allow(clippy::needless_range_loop, reason = "see above")]
impl<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize> Tile<T, S, ROWS, VECTORS> {
    const WIDTH: usize = lanes::<T>() / VECTORS;

    #[inline(always)]
    pub(super) fn zero(simd: S) -> Self {
        let context = T::simd_ctx(simd);
        let zero = T::simd_splat(&context, &T::zero());
        Self {
            context,
            sums: [[zero; VECTORS]; ROWS],
        }
    }

    /// sums of row r ← sums + weights\[r\] · values, in one rounding
    #[inline(always)]
    pub(super) fn add(&mut self, weights: &[T; ROWS], values: &[T]) {
        let values: [T::SimdVec<S>; VECTORS] = std::array::from_fn(|vector| {
            pod_read_unaligned(cast_slice(&values[vector * Self::WIDTH..][..Self::WIDTH]))
        });
        for row in 0..ROWS {
            let weight = T::simd_splat(&self.context, &weights[row]);
            for vector in 0..VECTORS {
                let sum = &mut self.sums[row][vector];
                *sum = T::simd_mul_add(&self.context, values[vector], weight, *sum);
            }
        }
    }

    /// The sums of several tiles.
    #[inline(always)]
    pub(super) fn joined<const TILES: usize>(tiles: [Self; TILES]) -> Self {
        let mut sum = tiles[0];
        for tile in 1..TILES {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let more = tiles[tile].sums[row][vector];
                    let so_far = sum.sums[row][vector];
                    sum.sums[row][vector] = T::simd_add(&sum.context, so_far, more);
                }
            }
        }
        sum
    }

    /// Writes a row's sums.
    #[inline(always)]
    pub(super) fn store(&self, row: usize, to: &mut [T]) {
        for vector in 0..VECTORS {
            let sum = self.sums[row][vector];
            let to = &mut to[vector * Self::WIDTH..][..Self::WIDTH];
            cast_slice_mut(to).copy_from_slice(bytes_of(&sum));
        }
    }

    /// Adds a row's sums to what is there.
    #[inline(always)]
    pub(super) fn add_to(&self, row: usize, to: &mut [T]) {
        for vector in 0..VECTORS {
            let to = &mut to[vector * Self::WIDTH..][..Self::WIDTH];
            let before = pod_read_unaligned(cast_slice(to));
            let sum = T::simd_add(&self.context, before, self.sums[row][vector]);
            cast_slice_mut(to).copy_from_slice(bytes_of(&sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fall_into_equal_blocks() {
        for rows in 0..40 {
            let blocks: Vec<Range<usize>> = row_blocks(rows).collect();
            let ends = blocks.iter().map(|block| block.end);
            let starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
            assert_eq!(starts.last(), Some(&rows));
            for (block, start) in blocks.iter().zip(&starts) {
                assert_eq!(block.start, *start);
                assert!((1..=MOST_ROWS).contains(&block.len()));
            }
        }
    }

    /// Sums of `terms` products in rows, shared among tiles.
    struct Sums<'a> {
        rows: usize,
        terms: usize,
        out: &'a mut [f32],
    }

    impl OnTiles for Sums<'_> {
        type Number = f32;

        #[inline(always)]
        fn run<S: Simd, const VECTORS: usize>(self, simd: S) {
            with_rows!(self.rows, self.sum::<S, VECTORS>(simd));
        }
    }

    impl Sums<'_> {
        #[inline(always)]
        fn sum<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(
            self,
            simd: S,
        ) {
            let mut tiles = [Tile::<f32, S, ROWS, VECTORS>::zero(simd); TILES];
            for term in 0..self.terms {
                let weights = std::array::from_fn(|row| weight(row, term));
                let values: Vec<f32> = (0..16).map(|lane| value(lane, term)).collect();
                tiles[term % TILES].add(&weights, &values);
            }
            let tile = Tile::joined(tiles);
            for row in 0..ROWS {
                tile.store(row, &mut self.out[row * 16..]);
                tile.add_to(row, &mut self.out[row * 16..]);
            }
        }
    }

    fn weight(row: usize, term: usize) -> f32 {
        (row as f32 + 1.3 * term as f32).sin()
    }

    fn value(lane: usize, term: usize) -> f32 {
        (0.7 * lane as f32 - term as f32).cos()
    }

    #[test]
    fn sums_are_right_and_the_same_bytes_for_longer_vectors() {
        let terms = 37;
        for rows in 1..=MOST_ROWS {
            let sums = |run: &dyn Fn(Sums<'_>)| {
                let mut out = vec![0.0; rows * 16];
                let work = Sums {
                    rows,
                    terms,
                    out: &mut out,
                };
                run(work);
                out
            };
            let longest = sums(&|work| run_on_tiles(work));
            let scalar = sums(&|work| WithVectors(work).with_simd(pulp::Scalar::new()));
            for (place, found) in longest.iter().enumerate() {
                let (row, lane) = (place / 16, place % 16);
                let products = (0..terms).map(|t| weight(row, t) as f64 * value(lane, t) as f64);
                let expected = 2.0 * products.sum::<f64>();
                for found in [*found, scalar[place]] {
                    assert!((expected - found as f64).abs() < 1e-4, "{expected} {found}");
                }
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                let eight = sums(&|work| simd.vectorize(Vectorized(WithVectors(work), simd)));
                assert_eq!(eight, longest);
            }
        }
    }

    /// As pulp's own dispatch, for vectors of a given length.
    #[cfg(target_arch = "x86_64")]
    struct Vectorized<W, S>(W, S);

    #[cfg(target_arch = "x86_64")]
    impl<W: WithSimd, S: Simd> crate::parallel::Kernel for Vectorized<W, S> {
        type Output = W::Output;

        #[inline(always)]
        fn call(self) -> W::Output {
            self.0.with_simd(self.1)
        }
    }
}
