//! Sums of products that stay in a processor's registers.

use crate::element::Element;
use crate::vectors::with_vectors;
use pulp::bytemuck::{bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Of 16 registers with 8 numbers each, twelve hold six rows of sums, two hold values and one a weight.
pub(crate) const MOST_ROWS: usize = 6;

/// Examples in a line: 64 bytes of numbers, a line of the cache and the longest vector there is.
pub(crate) const fn lanes<T>() -> usize {
    64 / size_of::<T>()
}

/// So many rows as equal blocks of at most [`MOST_ROWS`].
pub(crate) fn row_blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let blocks = rows.div_ceil(MOST_ROWS);
    (0..blocks).map(move |block| block * rows / blocks..(block + 1) * rows / blocks)
}

/// Work on tiles of ROWS rows, to be compiled for vectors of every length.
///
/// Every sum is of the same products in the same order, whatever the length of the vectors, so results
/// are the same bytes on all processors that round a product and a sum together.
pub(crate) trait OnTile {
    type Number: Element;

    /// Must be marked `#[inline(always)]`, and so must be all that it calls: only what is inlined is
    /// compiled for the processor at hand. TILES tiles share the sums where rows are few, as a sum would
    /// wait for the one before it.
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S);
}

/// Runs with tiles of so many rows, and the longest vectors of the processor at hand.
#[inline(always)]
pub(crate) fn on_tile(rows: usize, work: impl OnTile) {
    on_part_of_tile::<false>(rows, work);
}

/// The same of the first half of the lanes, where vectors are shorter than a line: the other half is not
/// written.
#[inline(always)]
pub(crate) fn on_half_tile(rows: usize, work: impl OnTile) {
    on_part_of_tile::<true>(rows, work);
}

#[inline(always)]
fn on_part_of_tile<const HALF: bool>(rows: usize, work: impl OnTile) {
    match rows {
        1 => with_vectors(Rows::<_, 1, 4, HALF>(work)),
        2 => with_vectors(Rows::<_, 2, 2, HALF>(work)),
        3 => with_vectors(Rows::<_, 3, 2, HALF>(work)),
        4 => with_vectors(Rows::<_, 4, 1, HALF>(work)),
        5 => with_vectors(Rows::<_, 5, 1, HALF>(work)),
        _ => with_vectors(Rows::<_, MOST_ROWS, 1, HALF>(work)),
    }
}

struct Rows<W, const ROWS: usize, const TILES: usize, const HALF: bool>(W);

impl<W: OnTile, const ROWS: usize, const TILES: usize, const HALF: bool> WithSimd
    for Rows<W, ROWS, TILES, HALF>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let whole = const { 64 / size_of::<<W::Number as Element>::Vector<S>>() };
        match if HALF { whole.div_ceil(2) } else { whole } {
            1 => self.0.run::<S, ROWS, 1, TILES>(simd),
            2 => self.0.run::<S, ROWS, 2, TILES>(simd),
            4 => self.0.run::<S, ROWS, 4, TILES>(simd),
            8 => self.0.run::<S, ROWS, 8, TILES>(simd),
            _ => self.0.run::<S, ROWS, 16, TILES>(simd),
        }
    }
}

/// ROWS rows of sums, each of VECTORS vectors, in TILES parts: of all [`lanes`] or of the first half.
pub(crate) struct Tile<
    T: Element,
    S: Simd,
    const ROWS: usize,
    const VECTORS: usize,
    const TILES: usize,
> {
    simd: S,
    sums: [[[T::Vector<S>; VECTORS]; ROWS]; TILES],
}

/// Everything here is inlined, and loops run over constants, lest sums go to memory and back.
#[allow(clippy::needless_range_loop, reason = "see above")]
impl<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>
    Tile<T, S, ROWS, VECTORS, TILES>
{
    const WIDTH: usize = size_of::<T::Vector<S>>() / size_of::<T>();

    #[inline(always)]
    pub(crate) fn zero(simd: S) -> Self {
        Self {
            simd,
            sums: [[[T::splat(simd, T::zero()); VECTORS]; ROWS]; TILES],
        }
    }

    /// Begins with the sums that `rows`, `[ROWS, lanes]`, hold; with 0 where there are none.
    #[inline(always)]
    pub(crate) fn onto(simd: S, rows: Option<&[T]>) -> Self {
        let mut tile = Self::zero(simd);
        let Some(rows) = rows else {
            return tile;
        };
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let place = row * lanes::<T>() + vector * Self::WIDTH;
                let from = &rows[place..][..Self::WIDTH];
                tile.sums[0][row][vector] = pod_read_unaligned(cast_slice(from));
            }
        }
        tile
    }

    /// sums of row r ← sums + weights\[r\] · values, in one rounding
    #[inline(always)]
    fn add(&mut self, tile: usize, weights: &[T; ROWS], values: &[T]) {
        let values: [T::Vector<S>; VECTORS] = std::array::from_fn(|vector| {
            pod_read_unaligned(cast_slice(&values[vector * Self::WIDTH..][..Self::WIDTH]))
        });
        for row in 0..ROWS {
            let weight = T::splat(self.simd, weights[row]);
            for vector in 0..VECTORS {
                let sum = &mut self.sums[tile][row][vector];
                *sum = T::mul_add(self.simd, values[vector], weight, *sum);
            }
        }
    }

    /// Adds the products of weights `[count, ROWS]` and values `[count, lanes]`.
    #[inline(always)]
    pub(crate) fn add_all(&mut self, weights: &[[T; ROWS]], values: &[T]) {
        let lanes = lanes::<T>();
        let (runs, rest) = weights.as_chunks::<TILES>();
        let (run_values, rest_values) = values.split_at(runs.len() * TILES * lanes);
        for (run, values) in runs.iter().zip(run_values.chunks_exact(TILES * lanes)) {
            for tile in 0..TILES {
                self.add(tile, &run[tile], &values[tile * lanes..]);
            }
        }
        for (weights, values) in rest.iter().zip(rest_values.chunks_exact(lanes)) {
            self.add(0, weights, values);
        }
    }

    /// Adds the products of rows of weights, `count` each, and values `[count, lanes]`.
    #[inline(always)]
    pub(crate) fn add_rows(&mut self, rows: [&[T]; ROWS], values: &[T]) {
        let lanes = lanes::<T>();
        let count = values.len() / lanes;
        let mut weights = rows;
        for row in 0..ROWS {
            weights[row] = &rows[row][..count];
        }
        let at = |k: usize| {
            let mut column = [T::zero(); ROWS];
            for row in 0..ROWS {
                column[row] = weights[row][k];
            }
            column
        };
        let whole = count / TILES * TILES;
        for (run, values) in values.chunks_exact(TILES * lanes).enumerate() {
            for tile in 0..TILES {
                self.add(tile, &at(run * TILES + tile), &values[tile * lanes..]);
            }
        }
        let rest = values[whole * lanes..].chunks_exact(lanes);
        for (k, values) in rest.enumerate() {
            self.add(0, &at(whole + k), values);
        }
    }

    /// Adds the products of the first ROWS lanes of weights and values, `[count, lanes]` each.
    #[inline(always)]
    pub(crate) fn add_lanes(&mut self, weights: &[T], values: &[T]) {
        let lanes = lanes::<T>();
        let pairs = weights.chunks(lanes).zip(values.chunks_exact(lanes));
        for (weights, values) in pairs {
            if let Some(weights) = weights.first_chunk() {
                self.add(0, weights, values);
            }
        }
    }

    /// The parts' sums, added up in the first.
    #[inline(always)]
    fn join(&mut self) {
        for tile in 1..TILES {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let more = self.sums[tile][row][vector];
                    let so_far = self.sums[0][row][vector];
                    self.sums[0][row][vector] = T::sum(self.simd, so_far, more);
                }
            }
        }
    }

    /// Writes the sums, rows `stride` numbers apart.
    #[inline(always)]
    pub(crate) fn store(mut self, to: &mut [T], stride: usize) {
        self.join();
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let to = &mut to[row * stride + vector * Self::WIDTH..][..Self::WIDTH];
                cast_slice_mut(to).copy_from_slice(bytes_of(&self.sums[0][row][vector]));
            }
        }
    }

    /// Adds the sums to what is there, rows `stride` numbers apart.
    #[inline(always)]
    pub(crate) fn add_to(mut self, to: &mut [T], stride: usize) {
        self.join();
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let to = &mut to[row * stride + vector * Self::WIDTH..][..Self::WIDTH];
                let before = pod_read_unaligned(cast_slice(to));
                let sum = T::sum(self.simd, before, self.sums[0][row][vector]);
                cast_slice_mut(to).copy_from_slice(bytes_of(&sum));
            }
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
            let lengths = blocks.iter().map(Range::len);
            let [least, most] =
                [lengths.clone().min(), lengths.max()].map(Option::unwrap_or_default);
            assert!(most - least <= 1 && most <= MOST_ROWS);
            for (block, start) in blocks.iter().zip(&starts) {
                assert_eq!(block.start, *start);
                assert!(!block.is_empty());
            }
        }
    }

    /// Which of a tile's loops sums.
    #[derive(Clone, Copy, Debug)]
    enum Order {
        Packed,
        InRows,
    }

    /// Sums of products in rows onto 1, which are stored and then added to themselves.
    struct Sums<'a, T> {
        order: Order,
        /// `[terms, rows]` or `[rows, terms]`
        weights: &'a [T],
        values: &'a [T],
        out: &'a mut [T],
    }

    impl<T: Element> OnTile for Sums<'_, T> {
        type Number = T;

        #[inline(always)]
        fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(
            self,
            simd: S,
        ) {
            let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::onto(simd, Some(self.out));
            match self.order {
                Order::Packed => tile.add_all(self.weights.as_chunks().0, self.values),
                Order::InRows => {
                    let terms = self.weights.len() / ROWS;
                    let rows = std::array::from_fn(|row| &self.weights[row * terms..]);
                    tile.add_rows(rows, self.values);
                }
            }
            tile.store(self.out, lanes::<T>());
            let again = Tile::<T, S, ROWS, VECTORS, TILES>::onto(simd, Some(self.out));
            again.add_to(self.out, lanes::<T>());
        }
    }

    /// As pulp's own dispatch, for vectors of a given length.
    #[cfg(target_arch = "x86_64")]
    struct Vectorized<W, S>(W, S);

    #[cfg(target_arch = "x86_64")]
    impl<W: WithSimd, S: Simd> crate::vectors::Kernel for Vectorized<W, S> {
        type Output = W::Output;

        #[inline(always)]
        fn call(self) -> W::Output {
            self.0.with_simd(self.1)
        }
    }

    /// The sums by vectors of each length that the processor at hand has.
    fn by_all_vectors<T: Element, const ROWS: usize, const TILES: usize>(
        order: Order,
        weights: &[T],
        values: &[T],
    ) -> Vec<Vec<T>> {
        let sums = |run: &dyn Fn(Rows<Sums<'_, T>, ROWS, TILES, false>)| {
            let mut out = vec![T::one(); ROWS * lanes::<T>()];
            run(Rows(Sums {
                order,
                weights,
                values,
                out: &mut out,
            }));
            out
        };
        let mut found = vec![
            sums(&|work| on_tile(ROWS, work.0)),
            sums(&|work| with_vectors(work)),
            sums(&|work| work.with_simd(pulp::Scalar::new())),
        ];
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            found.push(sums(&|work| simd.vectorize(Vectorized(work, simd))));
        }
        found
    }

    fn check<T: Element, const ROWS: usize, const TILES: usize>(tolerance: f64) {
        for (terms, order) in [0, 1, 2, 3, 37]
            .into_iter()
            .flat_map(|terms| [(terms, Order::Packed), (terms, Order::InRows)])
        {
            let wave = |count: usize, step: f64| -> Vec<T> {
                let wave = (0..count).map(|k| T::from_f64((0.3 + step * k as f64).sin()));
                wave.collect()
            };
            let (weights, values) = (wave(terms * ROWS, 1.3), wave(terms * lanes::<T>(), 0.7));
            let all = by_all_vectors::<T, ROWS, TILES>(order, &weights, &values);
            assert!(all.iter().all(|sums| *sums == all[0]), "{ROWS} {order:?}");
            for (place, found) in all[0].iter().enumerate() {
                let (row, lane) = (place / lanes::<T>(), place % lanes::<T>());
                let products = (0..terms).map(|term| {
                    let weight = match order {
                        Order::Packed => weights[term * ROWS + row],
                        Order::InRows => weights[row * terms + term],
                    };
                    weight.to_f64() * values[term * lanes::<T>() + lane].to_f64()
                });
                let expected = 2.0 * (1.0 + products.sum::<f64>());
                let error = (found.to_f64() - expected).abs();
                assert!(error < tolerance, "{ROWS} {order:?}: {found} {expected}");
            }
        }
    }

    fn check_all<T: Element>(tolerance: f64) {
        check::<T, 1, 4>(tolerance);
        check::<T, 2, 2>(tolerance);
        check::<T, 3, 2>(tolerance);
        check::<T, 4, 1>(tolerance);
        check::<T, 5, 1>(tolerance);
        check::<T, MOST_ROWS, 1>(tolerance);
    }

    #[test]
    fn sums_are_right_and_the_same_bytes_for_all_lengths_of_vectors() {
        check_all::<f32>(1e-4);
        check_all::<f64>(1e-13);
    }
}
