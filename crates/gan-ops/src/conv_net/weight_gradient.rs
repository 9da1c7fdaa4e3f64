//! The gradient of a convolution with respect to its weight.
//!
//! For each tap it is the matrix product of the small images `[features, pixels · n]` with what the
//! tap sees of the large ones, `[pixels · n, channels]`. A line of features lies in the lanes.

use super::correlation::Extent;
use super::links::{Link, Links};
use super::patches::Patches;
use super::tile::{OnTiles, Tile, lanes, row_blocks, run_on_tiles, with_rows};
use crate::element::Element;
use crate::scratch::Scratch;
use crate::transpose::transpose;
use pulp::Simd;
use rayon::prelude::*;

/// Examples whose products are computed in a row.
const RUN: usize = 4;

/// The gradient of ⟨small, weight ⋆ large⟩ with respect to the weight.
pub(super) struct WeightGradient<'a> {
    /// From the large images to the small ones.
    pub(super) extent: Extent,
    /// Of each tap.
    pub(super) links: &'a Links,
    /// If the window sees the large images as patches.
    pub(super) patches: Option<&'a Patches>,
}

impl WeightGradient<'_> {
    /// Channels of a group of the large and features of a group of the small images.
    fn shares(&self) -> [usize; 2] {
        [self.extent.inputs, self.extent.outputs].map(|all| all / self.extent.groups)
    }

    /// The length of what belongs to a line of features: `[channels, taps, lanes]`.
    fn line<T>(&self) -> usize {
        self.shares()[0] * self.extent.taps * lanes::<T>()
    }

    /// How many sums [`Self::of_blocks`] makes.
    pub(super) fn sums<T>(&self) -> usize {
        let lines = self.shares()[1].div_ceil(lanes::<T>());
        self.extent.groups * lines * self.line::<T>()
    }

    /// sums ← the gradient over some blocks, each of small and large images and n examples, in the
    /// order `[groups, lines of features, channels, taps, lanes]`.
    pub(super) fn of_blocks<'b, T: Element>(
        &self,
        blocks: impl IntoIterator<Item = (&'b [T], &'b [T], usize)>,
        sums: &mut [T],
        scratch: &Scratch<T>,
    ) {
        sums.fill(T::zero());
        let [channels, features] = self.shares();
        let lines = features.div_ceil(lanes::<T>());
        for (small, large, n) in blocks {
            let seen = self.patches.map(|patches| {
                let mut seen = scratch.take(patches.values() * n);
                patches.gather(large, &mut seen, n);
                seen
            });
            let large = seen.as_deref().unwrap_or(large);
            let columns = self.extent.output_pixels * n;
            // Lanes without a feature keep old numbers, whose products nobody reads.
            let mut values = scratch.take(lines * columns * lanes::<T>());
            let groups = small.chunks_exact(features * columns);
            let groups = groups.zip(large.chunks_exact(channels * self.extent.input_pixels * n));
            let sums = sums.chunks_exact_mut(lines * self.line::<T>());
            for ((small, large), sums) in groups.zip(sums) {
                let lines = values.chunks_exact_mut(columns * lanes::<T>());
                for (to, features) in lines.zip(small.chunks(columns * lanes::<T>())) {
                    transpose(features, columns, to, lanes::<T>());
                }
                run_on_tiles(Products {
                    gradient: self,
                    values: &values,
                    large,
                    sums,
                    n,
                });
            }
        }
    }

    /// The gradient in the weight's own order, from sums that are to be added up.
    pub(super) fn joined<T: Element>(&self, parts: &[impl AsRef<[T]> + Sync]) -> Vec<T> {
        let [channels, features] = self.shares();
        let patch = channels * self.extent.taps;
        let mut gradient = vec![T::zero(); self.extent.outputs * patch];
        let groups = gradient.chunks_exact_mut(features * patch);
        let lines = groups.flat_map(|group| group.chunks_mut(lanes::<T>() * patch));
        let lines: Vec<(usize, &mut [T])> = lines.enumerate().collect();
        lines.into_par_iter().for_each(|(number, gradient)| {
            let mut sums = vec![T::zero(); self.line::<T>()];
            for part in parts {
                let part = &part.as_ref()[number * sums.len()..][..sums.len()];
                let pairs = sums.iter_mut().zip(part);
                pairs.for_each(|(sum, value)| *sum += *value);
            }
            transpose(&sums, lanes::<T>(), gradient, patch);
        });
        gradient
    }
}

/// sums `[lines, channels, taps, lanes]` += the products of a block's features and channels.
struct Products<'a, T> {
    gradient: &'a WeightGradient<'a>,
    /// `[lines, pixels, n, lanes]`
    values: &'a [T],
    /// `[channels, pixels, n]`
    large: &'a [T],
    sums: &'a mut [T],
    n: usize,
}

impl<T: Element> OnTiles for Products<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(mut self, simd: S) {
        let [channels, _] = self.gradient.shares();
        for tap in 0..self.gradient.extent.taps {
            for rows in row_blocks(channels) {
                with_rows!(rows.len(), self.rows::<S, VECTORS>(simd, tap, rows.start));
            }
        }
    }
}

impl<T: Element> Products<'_, T> {
    /// Of a few channels with all features: what the tap sees of them stays in the cache.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(
        &mut self,
        simd: S,
        tap: usize,
        first: usize,
    ) {
        let extent = &self.gradient.extent;
        let image = extent.input_pixels * self.n;
        let large = &self.large[first * image..][..ROWS * image];
        let values = self
            .values
            .chunks_exact(extent.output_pixels * self.n * lanes::<T>());
        let sums = self.sums.chunks_exact_mut(self.gradient.line::<T>());
        for (values, sums) in values.zip(sums) {
            let links = self.gradient.links.group(tap);
            let tile = products::<T, S, ROWS, VECTORS, TILES>(simd, links, values, large, self.n);
            for row in 0..ROWS {
                let place = (first + row) * extent.taps + tap;
                tile.add_to(row, &mut sums[place * lanes::<T>()..]);
            }
        }
    }
}

/// Σ over links, pixels and examples of large `[ROWS, pixels, n]` times values `[pixels, n, lanes]`.
#[inline(always)]
fn products<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(
    simd: S,
    links: &[Link],
    values: &[T],
    large: &[T],
    n: usize,
) -> Tile<T, S, ROWS, VECTORS> {
    let (image, lanes) = (large.len() / ROWS, lanes::<T>());
    let mut tiles = [Tile::<T, S, ROWS, VECTORS>::zero(simd); TILES];
    for link in links {
        let values = &values[link.small * n * lanes..][..n * lanes];
        let mut runs: [&[[T; RUN]]; ROWS] = [&[]; ROWS];
        let mut rest: [&[T]; ROWS] = [&[]; ROWS];
        for row in 0..ROWS {
            let examples = &large[row * image + link.large * n..][..n];
            (runs[row], rest[row]) = examples.as_chunks();
        }
        for run in 0..n / RUN {
            let mut examples = [&runs[0][run]; ROWS];
            for row in 1..ROWS {
                examples[row] = &runs[row][run];
            }
            let values = &values[run * RUN * lanes..][..RUN * lanes];
            for example in 0..RUN {
                let mut weights = [T::zero(); ROWS];
                for row in 0..ROWS {
                    weights[row] = examples[row][example];
                }
                tiles[example % TILES].add(&weights, &values[example * lanes..]);
            }
        }
        for example in 0..n % RUN {
            let mut weights = [T::zero(); ROWS];
            for row in 0..ROWS {
                weights[row] = rest[row][example];
            }
            tiles[0].add(&weights, &values[(n - n % RUN + example) * lanes..]);
        }
    }
    Tile::joined(tiles)
}
