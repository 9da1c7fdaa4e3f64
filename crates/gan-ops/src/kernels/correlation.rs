//! Convolution and transposed convolution of lines of examples.
//!
//! A pixel of the output is a sum over its links, each a matrix product of the tap's weights
//! `[outputs, inputs]` with the values `[inputs, lanes]` of a pixel of the input, read where they lie. Only
//! images of few channels are cut into patches. As links that would leave an image do not exist, no zeros of
//! the padding are multiplied but in patches.

use super::links::{Link, Links};
use super::sliding::Sliding;
use super::tile::{OnTile, Tile, lanes, on_half_tile, on_tile, row_blocks};
use crate::element::Element;
use crate::features::{Division, Features, Part, Size};
use crate::parallel::map_pieces;
use crate::scratch::Scratch;
use pulp::Simd;
use std::ops::Range;

/// Output pixels that are computed by all rows before the next ones, so that what they read of the
/// input stays in the second level of the cache.
const STRIP: usize = 8;

/// Multiplications of a part: some tens of microseconds, so that threads end together.
const PART: usize = 2 << 20;

/// A linear map of images, with the weights in the order in which they are read.
pub(crate) struct Correlation<'a, T> {
    sliding: &'a Sliding,
    /// Of each pixel of the output.
    links: &'a Links,
    direction: Direction,
    blocks: Vec<RowBlock<T>>,
}

/// Output channels that are computed together, and the input channels of their group.
struct RowBlock<T> {
    outputs: Range<usize>,
    inputs: Range<usize>,
    /// `[taps, inputs, outputs]`
    weights: Vec<T>,
}

/// Which image a correlation reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The large one.
    Shrinking,
    /// The small one.
    Enlarging,
}

impl<'a, T: Element> Correlation<'a, T> {
    /// links: of each pixel of the output; weights: those of all taps from an input to an output
    /// channel.
    pub(crate) fn new<'w>(
        sliding: &'a Sliding,
        links: &'a Links,
        direction: Direction,
        weights: impl Fn(usize, usize) -> &'w [T] + Sync,
    ) -> Self {
        let (input, output) = linked_sizes(sliding, direction);
        let groups = sliding.groups();
        let (inputs, outputs) = (input.channels / groups, output.channels / groups);
        let blocks = (0..groups).flat_map(|group| {
            row_blocks(outputs).map(move |rows| {
                let (first, inputs) = (group * outputs, group * inputs..(group + 1) * inputs);
                (first + rows.start..first + rows.end, inputs)
            })
        });
        let blocks: Vec<(Range<usize>, Range<usize>)> = blocks.collect();
        let blocks = map_pieces(blocks.len(), |block| {
            let (outputs, inputs) = blocks[block].clone();
            let tap_weights = inputs.len() * outputs.len();
            let mut ordered = vec![T::zero(); sliding.taps() * tap_weights];
            for (column, input) in inputs.clone().enumerate() {
                for (row, output) in outputs.clone().enumerate() {
                    let to = ordered[column * outputs.len() + row..].iter_mut();
                    let pairs = to.step_by(tap_weights).zip(weights(output, input));
                    pairs.for_each(|(to, from)| *to = *from);
                }
            }
            RowBlock {
                outputs,
                inputs,
                weights: ordered,
            }
        });
        Self {
            sliding,
            links,
            direction,
            blocks,
        }
    }

    /// Multiplications of a pixel of the output, of a line of examples.
    fn work_per_pixel(&self) -> usize {
        let (input, output) = linked_sizes(self.sliding, self.direction);
        let links = self.links.count() * (input.channels / self.sliding.groups()) * output.channels;
        links * lanes::<T>() / output.pixels
    }

    pub(crate) fn division(&self) -> Division {
        if self.direction == Direction::Enlarging && self.sliding.patches().is_some() {
            // A pixel of the large image is a sum over several patches.
            return Division::Pixels(self.sliding.large().pixels);
        }
        let pixels = (PART / self.work_per_pixel().max(1)).max(1);
        Division::Pixels(pixels.next_multiple_of(STRIP))
    }

    /// y ← map(x); half: whether all examples are in the first half of one line, and nobody reads the other.
    pub(crate) fn apply(
        &self,
        x: &Features<T>,
        y: &mut Part<'_, T>,
        half: bool,
        scratch: &Scratch<T>,
    ) {
        let region = &y.region;
        let x = x.line(region.lines.start);
        let (Some(to), Range { start, end }) = (y.runs.first_mut(), region.pixels.clone()) else {
            return;
        };
        let Some(patches) = self.sliding.patches() else {
            return self.sum_links(x, start..end, 0, half, to);
        };
        let channels = self.sliding.linked().channels * lanes::<T>();
        match self.direction {
            Direction::Shrinking => {
                let mut linked = scratch.take((end - start) * channels);
                patches.gather(x, start..end, &mut linked);
                self.sum_links(&linked, start..end, start, half, to);
            }
            Direction::Enlarging => {
                let places = self.sliding.small().pixels;
                let mut linked = scratch.take(places * channels);
                self.sum_links(x, 0..places, 0, half, &mut linked);
                patches.scatter(&linked, to);
            }
        }
    }

    /// sums ← those of some output pixels over all links of what is linked, x itself or its patches, of which
    /// the first is pixel number `first_input`.
    fn sum_links(
        &self,
        x: &[T],
        pixels: Range<usize>,
        first_input: usize,
        half: bool,
        sums: &mut [T],
    ) {
        let (input, output) = linked_sizes(self.sliding, self.direction);
        let lanes = lanes::<T>();
        for strip in pixels.clone().step_by(STRIP) {
            for block in &self.blocks {
                for pixel in strip..pixels.end.min(strip + STRIP) {
                    let place = (pixel - pixels.start) * output.channels + block.outputs.start;
                    let on_tile = if half { on_half_tile } else { on_tile };
                    on_tile(
                        block.outputs.len(),
                        SumLinks {
                            links: self.links.group(pixel),
                            direction: self.direction,
                            block,
                            x: &x[block.inputs.start * lanes..],
                            stride: input.channels * lanes,
                            first_input,
                            sums: &mut sums[place * lanes..],
                        },
                    );
                }
            }
        }
    }
}

/// Sizes of the input and the output of what is linked.
fn linked_sizes(sliding: &Sliding, direction: Direction) -> (Size, Size) {
    match direction {
        Direction::Shrinking => (sliding.linked(), sliding.small()),
        Direction::Enlarging => (sliding.small(), sliding.linked()),
    }
}

/// The sums of one pixel and block of rows.
struct SumLinks<'a, T> {
    links: &'a [Link],
    direction: Direction,
    block: &'a RowBlock<T>,
    /// From the first input of the block's group on.
    x: &'a [T],
    /// Numbers from one pixel of the input to the next.
    stride: usize,
    first_input: usize,
    sums: &'a mut [T],
}

impl<T: Element> OnTile for SumLinks<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S) {
        let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::zero(simd);
        let (weights, _) = self.block.weights.as_chunks::<ROWS>();
        let count = self.block.inputs.len();
        for link in self.links {
            let source = match self.direction {
                Direction::Shrinking => link.large,
                Direction::Enlarging => link.small,
            };
            let values = &self.x[(source - self.first_input) * self.stride..];
            tile.add_all(
                &weights[link.tap * count..][..count],
                &values[..count * lanes::<T>()],
            );
        }
        tile.store(self.sums, lanes::<T>());
    }
}
