//! Convolution and transposed convolution of a block of images.
//!
//! A pixel of the output is a sum over its links, each a matrix product of the tap's weights
//! `[outputs, inputs]` with the values `[inputs, n]` of a pixel of the input. Only images of few channels
//! are cut into patches. As links that would leave an image do not exist, no zeros of the padding are
//! multiplied but in patches.

use super::links::{Link, Links};
use super::patches::Patches;
use super::tile::{OnTiles, Tile, lanes, row_blocks, run_on_tiles, with_rows};
use crate::element::Element;
use crate::scratch::Scratch;
use pulp::Simd;
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use rayon::prelude::*;
use std::ops::Range;

/// Output pixels that are computed by all rows before the next ones, so that what they read of the
/// input stays in the second level of the cache.
const STRIP: usize = 8;

/// Lines of an image that are copied one after the other.
const COPIED: usize = 8;

/// A linear map of images, with the weights in the order in which they are read.
pub(super) struct Correlation<'a, T> {
    extent: Extent,
    /// Of each pixel of the output.
    links: &'a Links,
    direction: Direction,
    /// If the window sees the large image as patches.
    patches: Option<&'a Patches>,
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
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// The large one.
    Shrinking,
    /// The small one.
    Enlarging,
}

/// The sizes of a linear map of images.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Into how many parts the channels of both images fall.
    pub(super) groups: usize,
    /// All channels of the input.
    pub(super) inputs: usize,
    /// All channels of the output.
    pub(super) outputs: usize,
    pub(super) input_pixels: usize,
    pub(super) output_pixels: usize,
    pub(super) taps: usize,
}

impl Extent {
    /// That of the adjoint map.
    pub(super) fn reversed(self) -> Self {
        Self {
            inputs: self.outputs,
            outputs: self.inputs,
            input_pixels: self.output_pixels,
            output_pixels: self.input_pixels,
            ..self
        }
    }
}

impl<'a, T: Element> Correlation<'a, T> {
    /// links: of each pixel of the output; weights: those of all taps from an input to an output
    /// channel.
    pub(super) fn new<'w>(
        extent: Extent,
        links: &'a Links,
        direction: Direction,
        patches: Option<&'a Patches>,
        weights: impl Fn(usize, usize) -> &'w [T] + Sync,
    ) -> Self {
        let (inputs, outputs) = (
            extent.inputs / extent.groups,
            extent.outputs / extent.groups,
        );
        let blocks = (0..extent.groups).flat_map(|group| {
            row_blocks(outputs).map(move |rows| {
                let (first, inputs) = (group * outputs, group * inputs..(group + 1) * inputs);
                (first + rows.start..first + rows.end, inputs)
            })
        });
        let blocks: Vec<(Range<usize>, Range<usize>)> = blocks.collect();
        let blocks = blocks.into_par_iter().map(|(outputs, inputs)| {
            let tap_weights = inputs.len() * outputs.len();
            let mut ordered = vec![T::zero(); extent.taps * tap_weights];
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
            extent,
            links,
            direction,
            patches,
            blocks: blocks.collect(),
        }
    }

    /// y `[outputs, pixels, n]` ← map(x `[inputs, pixels, n]`)
    pub(super) fn apply(&self, x: &[T], y: &mut [T], n: usize, scratch: &Scratch<T>) {
        let Some(patches) = self.patches else {
            return self.sum_links(x, y, n, scratch);
        };
        let mut linked = scratch.take(patches.values() * n);
        match self.direction {
            Direction::Shrinking => {
                patches.gather(x, &mut linked, n);
                self.sum_links(&linked, y, n, scratch);
            }
            Direction::Enlarging => {
                self.sum_links(x, &mut linked, n, scratch);
                patches.scatter(&linked, y, n);
            }
        }
    }

    /// y ← the sums over all links of what is linked, x itself or its patches.
    fn sum_links(&self, x: &[T], y: &mut [T], n: usize, scratch: &Scratch<T>) {
        let lanes = lanes::<T>();
        let lines = n.div_ceil(lanes);
        let Extent { inputs, .. } = self.extent;
        let line_values = self.extent.input_pixels * inputs * lanes;
        let mut values = scratch.take(lines * line_values);
        if n < lanes {
            values.fill(T::zero());
        }
        let shape = [inputs, self.extent.input_pixels, n];
        for (line, values) in values.chunks_exact_mut(line_values).enumerate() {
            copy_lines(x, shape, first_of_line::<T>(line, n), values);
        }
        let apply = |sums: &mut [T], n: usize| {
            run_on_tiles(Apply {
                map: self,
                values: &values,
                sums,
                n,
            });
        };
        if n >= lanes {
            return apply(y, n);
        }
        let mut wide = scratch.take(y.len() / n * lanes);
        apply(&mut wide, lanes);
        for (to, from) in y.chunks_exact_mut(n).zip(wide.chunks_exact(lanes)) {
            to.copy_from_slice(&from[..n]);
        }
    }

    /// The pixel of the input that a link reads.
    #[inline(always)]
    fn source(&self, link: &Link) -> usize {
        match self.direction {
            Direction::Shrinking => link.large,
            Direction::Enlarging => link.small,
        }
    }
}

/// The first example of a line. The last line may begin before the one before it ends: the same
/// sums are computed twice then.
fn first_of_line<T>(line: usize, n: usize) -> usize {
    (line * lanes::<T>()).min(n.saturating_sub(lanes::<T>()))
}

/// to `[pixels, channels, lanes]` ← from `[channels, pixels, n]`, a line of examples from `first` on. What
/// lies behind them stays, if n is less than a line. Whole lines are of known length: no call copies them.
fn copy_lines<T: Element>(
    from: &[T],
    [channels, pixels, n]: [usize; 3],
    first: usize,
    to: &mut [T],
) {
    let lanes = lanes::<T>();
    for start in (0..pixels).step_by(COPIED) {
        let strip = start..pixels.min(start + COPIED);
        for channel in 0..channels {
            for pixel in strip.clone() {
                let from = &from[(channel * pixels + pixel) * n + first..];
                let to = &mut to[(pixel * channels + channel) * lanes..][..lanes];
                if n >= lanes {
                    let (from, to) = (cast_slice::<T, u8>(from), cast_slice_mut::<T, u8>(to));
                    if let (Some(from), Some(to)) = (from.first_chunk(), to.first_chunk_mut::<64>())
                    {
                        *to = *from;
                    }
                } else {
                    to[..n].copy_from_slice(&from[..n]);
                }
            }
        }
    }
}

/// sums ← map(values) for n examples, at least as many as there are lanes.
struct Apply<'a, T> {
    map: &'a Correlation<'a, T>,
    /// `[lines, pixels, inputs, lanes]`: what a link reads lies together.
    values: &'a [T],
    /// `[outputs, pixels, n]`
    sums: &'a mut [T],
    n: usize,
}

impl<T: Element> OnTiles for Apply<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(mut self, simd: S) {
        for line in 0..self.n.div_ceil(lanes::<T>()) {
            for start in (0..self.map.extent.output_pixels).step_by(STRIP) {
                let strip = start..(start + STRIP).min(self.map.extent.output_pixels);
                for block in &self.map.blocks {
                    let (strip, rows) = (strip.clone(), block.outputs.len());
                    with_rows!(rows, self.rows::<S, VECTORS>(simd, block, strip, line));
                }
            }
        }
    }
}

impl<T: Element> Apply<'_, T> {
    /// The sums of a strip of pixels for a line of examples.
    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(
        &mut self,
        simd: S,
        block: &RowBlock<T>,
        strip: Range<usize>,
        line: usize,
    ) {
        let (n, lanes) = (self.n, lanes::<T>());
        let extent = &self.map.extent;
        let values = extent.input_pixels * extent.inputs * lanes;
        let values = &self.values[line * values..][..values];
        let first = first_of_line::<T>(line, n);
        let image = extent.output_pixels * n;
        let sums = &mut self.sums[block.outputs.start * image..][..ROWS * image];
        let (weights, _) = block.weights.as_chunks::<ROWS>();
        let count = block.inputs.len();
        for pixel in strip {
            let mut tiles = [Tile::<T, S, ROWS, VECTORS>::zero(simd); TILES];
            for link in self.map.links.group(pixel) {
                let weights = &weights[link.tap * count..][..count];
                let first_input = self.map.source(link) * extent.inputs + block.inputs.start;
                let values = &values[first_input * lanes..][..count * lanes];
                let (runs, rest) = weights.as_chunks::<TILES>();
                let (run_values, rest_values) = values.split_at(runs.len() * TILES * lanes);
                for (run, values) in runs.iter().zip(run_values.chunks_exact(TILES * lanes)) {
                    for tile in 0..TILES {
                        tiles[tile].add(&run[tile], &values[tile * lanes..]);
                    }
                }
                for (weights, values) in rest.iter().zip(rest_values.chunks_exact(lanes)) {
                    tiles[0].add(weights, values);
                }
            }
            let tile = Tile::joined(tiles);
            for row in 0..ROWS {
                tile.store(row, &mut sums[row * image + pixel * n + first..]);
            }
        }
    }
}
