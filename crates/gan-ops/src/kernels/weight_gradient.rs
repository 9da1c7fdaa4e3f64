//! The gradient of a convolution with respect to its weight.
//!
//! For each tap it is the matrix product of the small images `[features, pixels · n]` with what the
//! tap sees of the large ones, `[pixels · n, channels]`. A line of features lies in the lanes.

use super::links::{Link, Links};
use super::sliding::Sliding;
use super::tile::{OnTile, Tile, lanes, on_tile, row_blocks};
use super::transpose::turn;
use crate::element::Element;
use crate::parallel::{for_each_part, map_pieces};
use crate::scratch::{Buffer, Scratch};
use pulp::Simd;

/// The most parts, and so threads, of sums over lines; each part takes memory and is added to the others.
const MOST_PARTS: usize = 4;

/// The gradient of ⟨small, weight ⋆ large⟩ with respect to the weight.
pub(crate) struct WeightGradient<'a> {
    pub(crate) sliding: &'a Sliding,
    /// Of each tap.
    pub(crate) links: &'a Links,
}

/// A line's small and large image, `[pixels, channels, lanes]` each.
pub(crate) struct LinePair<S, L> {
    pub(crate) small: S,
    pub(crate) large: L,
}

impl WeightGradient<'_> {
    /// Linked channels and features of the small images of a group.
    fn shares(&self) -> [usize; 2] {
        let groups = self.sliding.groups();
        [self.sliding.linked(), self.sliding.small()].map(|size| size.channels / groups)
    }

    /// The length of what belongs to a line of features: `[channels, taps, lanes]`.
    fn line<T>(&self) -> usize {
        self.shares()[0] * self.sliding.taps() * lanes::<T>()
    }

    /// gradient, in the weight's order ← the sum over `count` lines.
    pub(crate) fn of_lines<T, S, L>(
        &self,
        count: usize,
        line: impl Fn(usize) -> LinePair<S, L> + Sync,
        gradient: &mut [T],
        scratch: &Scratch<T>,
    ) where
        T: Element,
        S: AsRef<[T]>,
        L: AsRef<[T]>,
    {
        let lines_of_features = self.shares()[1].div_ceil(lanes::<T>());
        let sums = self.sliding.groups() * lines_of_features * self.line::<T>();
        let parts = count.min(MOST_PARTS);
        let parts = map_pieces(parts, |part| {
            let mut sums = scratch.take(sums);
            sums.fill(T::zero());
            for number in part * count / parts..(part + 1) * count / parts {
                let LinePair { small, large } = line(number);
                self.add_line(small.as_ref(), large.as_ref(), &mut sums, scratch);
            }
            sums
        });
        self.joined(&parts, gradient);
    }

    /// sums, in the order `[groups, lines of features, channels, taps, lanes]`, += those of a line.
    fn add_line<T: Element>(&self, small: &[T], large: &[T], sums: &mut [T], scratch: &Scratch<T>) {
        let seen = self.sliding.patches().map(|patches| {
            let linked = self.sliding.linked();
            let mut seen = scratch.take(linked.elements() * lanes::<T>());
            patches.gather(large, 0..linked.pixels, &mut seen);
            seen
        });
        let large = seen.as_deref().unwrap_or(large);
        let [channels, features] = self.shares();
        let (lanes, pixels) = (lanes::<T>(), self.sliding.small().pixels);
        let square = lanes * lanes;
        let mut turned = scratch.take(pixels * square);
        let mut sums = sums.chunks_exact_mut(self.line::<T>());
        for group in 0..self.sliding.groups() {
            for first in (0..features).step_by(lanes) {
                let range =
                    group * features + first..group * features + features.min(first + lanes);
                let small = small.chunks_exact(self.sliding.small().channels * lanes);
                for (small, to) in small.zip(turned.chunks_exact_mut(square)) {
                    turn(&small[range.start * lanes..range.end * lanes], to);
                }
                let Some(sums) = sums.next() else { return };
                self.add_products(&turned, &large[group * channels * lanes..], sums);
            }
        }
    }

    /// sums `[channels, taps, lanes]` += the products of turned `[pixels, lanes, lanes]` and large, from a
    /// group's first channel on.
    fn add_products<T: Element>(&self, turned: &[T], large: &[T], sums: &mut [T]) {
        let taps = self.sliding.taps();
        for tap in 0..taps {
            for rows in row_blocks(self.shares()[0]) {
                on_tile(
                    rows.len(),
                    Products {
                        links: self.links.group(tap),
                        turned,
                        large: &large[rows.start * lanes::<T>()..],
                        stride: self.sliding.linked().channels * lanes::<T>(),
                        sums: &mut sums[(rows.start * taps + tap) * lanes::<T>()..],
                        sums_stride: taps * lanes::<T>(),
                    },
                );
            }
        }
    }

    /// The gradient in the weight's own order, from sums that are to be added up.
    fn joined<T: Element>(&self, parts: &[Buffer<T>], gradient: &mut [T]) {
        let [channels, features] = self.shares();
        let patch = channels * self.sliding.taps();
        let groups = gradient.chunks_exact_mut(features * patch);
        let lines = groups.flat_map(|group| group.chunks_mut(lanes::<T>() * patch));
        for_each_part(lines.collect(), |number, gradient| {
            let mut sums = vec![T::zero(); self.line::<T>()];
            for part in parts {
                let part = &part[number * sums.len()..][..sums.len()];
                let pairs = sums.iter_mut().zip(part);
                pairs.for_each(|(sum, value)| *sum += *value);
            }
            for (feature, to) in gradient.chunks_exact_mut(patch).enumerate() {
                let from = sums[feature..].iter().step_by(lanes::<T>());
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        });
    }
}

/// sums of ROWS channels += Σ over links and examples of large times turned.
struct Products<'a, T> {
    links: &'a [Link],
    turned: &'a [T],
    /// From the first of the rows on.
    large: &'a [T],
    /// Numbers from one pixel of the large image to the next.
    stride: usize,
    sums: &'a mut [T],
    sums_stride: usize,
}

impl<T: Element> OnTile for Products<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S) {
        let lanes = lanes::<T>();
        let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::zero(simd);
        for link in self.links {
            let large = &self.large[link.large * self.stride..][..ROWS * lanes];
            let mut rows: [&[T]; ROWS] = [&[]; ROWS];
            for (row, values) in rows.iter_mut().zip(large.chunks_exact(lanes)) {
                *row = values;
            }
            tile.add_rows(
                rows,
                &self.turned[link.small * lanes * lanes..][..lanes * lanes],
            );
        }
        tile.add_to(self.sums, self.sums_stride);
    }
}
