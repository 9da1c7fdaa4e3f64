//! Products of a matrix with all examples: fully connected layers, forwards and backwards.

use super::prefetch::prefetch;
use super::tile::{MOST_ROWS, OnTile, Tile, lanes, on_half_tile, on_tile, row_blocks};
use super::transpose::{BLOCK, pack_rows, turn, turn_some};
use crate::element::Element;
use crate::features::{Division, Features, Part, Size};
use crate::parallel::for_each_part;
use crate::scratch::{Buffer, Scratch};
use crate::team::threads;
use pulp::Simd;
use std::ops::Range;

/// Inputs whose products are summed before the next tile: so many of them stay in the first level of the
/// cache for a line of examples.
const RUN: usize = 256;

/// Multiplications of a part: some tens of microseconds, so that threads end together.
const PART: usize = 3 << 20;

/// In tiles of so many rows each sum is one chain of products, in tiles of fewer it has several parts.
const FEWEST_ROWS_OF_CHAINS: usize = 4;

/// The most rows of a part: their weights of a run stay in the second level of the cache.
const MOST_PART_ROWS: usize = 8 * MOST_ROWS;

/// Parts of whole row blocks, of `rows` rows that cost `work` multiplications each.
fn row_parts(rows: usize, work: usize) -> Vec<Range<usize>> {
    let least = (PART / work.max(1)).clamp(MOST_ROWS, MOST_PART_ROWS);
    let mut parts: Vec<Range<usize>> = Vec::new();
    for block in row_blocks(rows) {
        match parts.last_mut() {
            Some(part) if block.end - part.start <= least => part.end = block.end,
            _ => parts.push(block),
        }
    }
    parts
}

/// A weight `[o, i]` as a map of features.
pub(crate) struct Product<'a, T> {
    pub(crate) weight: &'a [T],
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    /// Whether all examples are in the first half of one line, and nobody reads the other.
    pub(crate) half: bool,
}

impl<T: Element> Product<'_, T> {
    pub(crate) fn division(&self, lines: usize) -> Division {
        let work = self.inputs * lines * lanes::<T>();
        Division::Channels(row_parts(self.outputs, work))
    }

    /// y `[o]` ← weight · x
    pub(crate) fn forward(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let rows = y.region.channels.clone();
        let blocks = blocks_in(self.outputs, &rows);
        // One line of examples needs no number twice; where a sum is one chain, runs change nothing.
        let chains = blocks
            .iter()
            .all(|block| block.len() >= FEWEST_ROWS_OF_CHAINS);
        let step = if self.half && chains {
            self.inputs
        } else {
            RUN
        };
        for start in (0..self.inputs).step_by(step) {
            let run = start..self.inputs.min(start + step);
            let lines = y.runs.len();
            for (line, y) in y.runs.iter_mut().enumerate() {
                let values = &x.line(line)[run.start * lanes::<T>()..run.end * lanes::<T>()];
                // The weights of the next run are fetched meanwhile, a share of them for each line of
                // examples; of the last run those that this thread's next part will probably begin with.
                let next = match run.end < self.inputs {
                    true => run.end,
                    false => threads() * rows.len() * self.inputs,
                };
                let ahead = next + line * RUN / lines..next + (line + 1) * RUN / lines;
                for block in &blocks {
                    let place = (block.start - rows.start) * lanes::<T>();
                    let on_tile = if self.half { on_half_tile } else { on_tile };
                    on_tile(
                        block.len(),
                        InRows {
                            weights: &self.weight[block.start * self.inputs..],
                            start: run.start,
                            stride: self.inputs,
                            ahead: ahead.clone(),
                            values,
                            sums: &mut y[place..],
                            onto: run.start > 0,
                        },
                    );
                }
            }
        }
    }

    /// By lines of inputs.
    pub(crate) fn adjoint_division(&self, lines: usize) -> Division {
        let lanes = lanes::<T>();
        let work = self.outputs * lines * lanes * lanes;
        let step = (PART / work.max(1)).clamp(1, MOST_PART_ROWS / lanes);
        Division::channels(self.inputs, step * lanes)
    }

    /// x `[i]` ← weightᵀ · y. Here a line of inputs lies in the lanes, so that the weight is read as it lies, and
    /// rows are examples; the sums change places in the end.
    pub(crate) fn adjoint(&self, y: &Features<T>, x: &mut Part<'_, T>, scratch: &Scratch<T>) {
        let lanes = lanes::<T>();
        let columns = x.region.channels.clone();
        let mut packed = scratch.take(RUN * lanes);
        let mut sums = scratch.take(x.runs.len() * lanes * lanes);
        for first in columns.clone().step_by(lanes) {
            let width = lanes.min(columns.end - first);
            for start in (0..self.outputs).step_by(RUN) {
                let run = start..self.outputs.min(start + RUN);
                self.pack(&run, first, width, &mut packed);
                // The rows of the next run are fetched meanwhile, a share of them for each line of examples; of
                // the last run those of the next columns' first.
                let next = match run.end < self.outputs {
                    true => run.end * self.inputs + first,
                    false if first + lanes < columns.end => first + lanes,
                    false => columns.start + threads() * columns.len(),
                };
                let share = RUN.div_ceil(y.lines());
                for (line, sums) in sums.chunks_exact_mut(lanes * lanes).enumerate() {
                    for row in line * share..RUN.min((line + 1) * share) {
                        prefetch(self.weight, next + row * self.inputs);
                        prefetch(self.weight, next + row * self.inputs + lanes - 1);
                    }
                    let values = &y.line(line)[run.start * lanes..run.end * lanes];
                    for rows in row_blocks(lanes) {
                        on_tile(
                            rows.len(),
                            Across {
                                examples: &values[rows.start..],
                                weights: &packed[..run.len() * lanes],
                                sums: &mut sums[rows.start * lanes..],
                                onto: start > 0,
                            },
                        );
                    }
                }
            }
            for (sums, x) in sums.chunks_exact(lanes * lanes).zip(&mut x.runs) {
                let place = (first - columns.start) * lanes;
                turn_some(sums, &mut x[place..][..width * lanes]);
            }
        }
    }

    /// packed `[run, lanes]` ← a line of columns of the weight's rows of the run; what is beyond `width` stays
    /// as it is.
    fn pack(&self, run: &Range<usize>, first: usize, width: usize, packed: &mut [T]) {
        let lanes = lanes::<T>();
        let rows = self.weight[run.start * self.inputs..].chunks(self.inputs);
        let pairs = packed.chunks_exact_mut(lanes).zip(rows).take(run.len());
        for (to, row) in pairs {
            let row = &row[first..first + width];
            if width < lanes {
                to[..width].copy_from_slice(row);
                continue;
            }
            let (to, _) = to.as_chunks_mut::<BLOCK>();
            let (row, _) = row.as_chunks();
            to.iter_mut().zip(row).for_each(|(to, row)| *to = *row);
        }
    }
}

/// y `[outputs, lanes]` of one line of examples ← (or +=) a weight `[outputs, inputs]` · x `[inputs, lanes]`.
pub(crate) fn line_product<T: Element>(weight: &[T], x: &[T], y: &mut [T], onto: bool) {
    let (inputs, outputs) = (x.len() / lanes::<T>(), y.len() / lanes::<T>());
    for block in row_blocks(outputs) {
        let next = block.len() * inputs;
        on_tile(
            block.len(),
            InRows {
                weights: &weight[block.start * inputs..],
                start: 0,
                stride: inputs,
                ahead: if inputs >= RUN {
                    next..next + inputs
                } else {
                    0..0
                },
                values: x,
                sums: &mut y[block.start * lanes::<T>()..],
                onto,
            },
        );
    }
}

/// The row blocks of `all` rows that lie in a part of them.
fn blocks_in(all: usize, part: &Range<usize>) -> Vec<Range<usize>> {
    let blocks = row_blocks(all).filter(|block| part.contains(&block.start));
    blocks.collect()
}

/// sums `[ROWS, lanes]` ← (or += ) weights · values, weights in rows of `stride`.
struct InRows<'a, T> {
    weights: &'a [T],
    /// The first of them in each row.
    start: usize,
    stride: usize,
    /// Which weights of each row will be needed next.
    ahead: Range<usize>,
    values: &'a [T],
    sums: &'a mut [T],
    onto: bool,
}

impl<T: Element> OnTile for InRows<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S) {
        let so_far = self.onto.then_some(&*self.sums);
        let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::onto(simd, so_far);
        let mut rows: [&[T]; ROWS] = [&[]; ROWS];
        for (row, weights) in rows.iter_mut().enumerate() {
            let first = row * self.stride;
            *weights = &self.weights[first + self.start..];
            for place in self.ahead.clone().step_by(lanes::<T>()) {
                prefetch(self.weights, first + place);
            }
        }
        tile.add_rows(rows, self.values);
        tile.store(self.sums, lanes::<T>());
    }
}

/// sums of ROWS examples `[ROWS, lanes]` ← (or +=) the products of examples `[values, lanes]`, of which the first
/// ROWS lanes count, and weights `[values, lanes]`.
struct Across<'a, T> {
    examples: &'a [T],
    weights: &'a [T],
    sums: &'a mut [T],
    onto: bool,
}

impl<T: Element> OnTile for Across<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S) {
        let so_far = self.onto.then_some(&*self.sums);
        let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::onto(simd, so_far);
        tile.add_lanes(self.examples, self.weights);
        tile.store(self.sums, lanes::<T>());
    }
}

/// An input's values with inputs in the lanes, `[lines of inputs, lines, lanes, lanes]`.
pub(crate) struct Turned<T> {
    values: Buffer<T>,
    lines: usize,
    inputs: usize,
}

impl<T: Element> Turned<T> {
    /// line: a line's values `[inputs, lanes]`, by number.
    pub(crate) fn new<L: AsRef<[T]>>(
        inputs: usize,
        lines: usize,
        line: impl Fn(usize) -> L + Sync,
        scratch: &Scratch<T>,
    ) -> Self {
        let square = lanes::<T>() * lanes::<T>();
        let columns = inputs.div_ceil(lanes::<T>());
        let mut values = scratch.take(columns * lines * square);
        let mut parts: Vec<Vec<&mut [T]>> = Vec::new();
        parts.resize_with(lines, || Vec::with_capacity(columns));
        for column in values.chunks_exact_mut(lines * square) {
            for (part, block) in parts.iter_mut().zip(column.chunks_exact_mut(square)) {
                part.push(block);
            }
        }
        for_each_part(parts, |number, blocks| {
            let line = line(number);
            let from = line.as_ref().chunks(square);
            from.zip(blocks).for_each(|(from, to)| turn(from, to));
        });
        Self {
            values,
            lines,
            inputs,
        }
    }
}

/// gradient `[o, i]` ← the sum over all examples of products `[o]` times inputs `[i]`.
pub(crate) fn weight_gradient<T: Element>(
    products: &Features<T>,
    inputs: &Turned<T>,
    gradient: &mut [T],
    scratch: &Scratch<T>,
) {
    let Size { channels, .. } = products.size;
    let lanes = lanes::<T>();
    let examples = inputs.lines * lanes;
    let parts = row_parts(channels, inputs.inputs * examples);
    let mut rest = gradient;
    let mut slices = Vec::with_capacity(parts.len());
    for rows in parts {
        let (slice, after) = rest.split_at_mut(rows.len() * inputs.inputs);
        slices.push((rows, slice));
        rest = after;
    }
    for_each_part(slices, |_, (rows, gradient)| {
        let blocks = blocks_in(channels, &rows);
        let mut packed = scratch.take(rows.len() * examples);
        for block in &blocks {
            for line in 0..inputs.lines {
                let place = (block.start - rows.start) * examples + line * block.len() * lanes;
                let from = &products.line(line)[block.start * lanes..block.end * lanes];
                pack_rows(from, &mut packed[place..]);
            }
        }
        let columns = inputs.values.chunks_exact(examples * lanes);
        for (column, values) in columns.enumerate() {
            let first = column * lanes;
            for block in &blocks {
                let row = block.start - rows.start;
                let weights = &packed[row * examples..][..block.len() * examples];
                on_tile(
                    block.len(),
                    Outer {
                        weights,
                        values,
                        gradient: &mut gradient[row * inputs.inputs + first..],
                        stride: inputs.inputs,
                        width: lanes.min(inputs.inputs - first),
                    },
                );
            }
        }
    });
}

/// gradient, ROWS rows of `width` numbers ← weights `[examples, ROWS]` times values `[examples, lanes]`.
struct Outer<'a, T> {
    weights: &'a [T],
    values: &'a [T],
    gradient: &'a mut [T],
    stride: usize,
    width: usize,
}

impl<T: Element> OnTile for Outer<'_, T> {
    type Number = T;

    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const VECTORS: usize, const TILES: usize>(self, simd: S) {
        let lanes = lanes::<T>();
        let mut tile = Tile::<T, S, ROWS, VECTORS, TILES>::zero(simd);
        tile.add_all(self.weights.as_chunks::<ROWS>().0, self.values);
        if self.width == lanes {
            return tile.store(self.gradient, self.stride);
        }
        let mut sums = [T::zero(); MOST_ROWS * 16];
        tile.store(&mut sums, lanes);
        for (row, sums) in sums.chunks_exact(lanes).take(ROWS).enumerate() {
            let to = &mut self.gradient[row * self.stride..][..self.width];
            to.copy_from_slice(&sums[..self.width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_whole_blocks_of_all_rows() {
        for rows in 1..140 {
            for work in [0, 1, PART / 100, PART / 20, PART, usize::MAX] {
                let parts = row_parts(rows, work);
                let ends = parts.iter().map(|part| part.end);
                let starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
                assert_eq!(starts.last(), Some(&rows));
                for (part, start) in parts.iter().zip(&starts) {
                    assert_eq!(part.start, *start);
                    assert!((1..=MOST_PART_ROWS).contains(&part.len()));
                }
                let blocks = parts.iter().flat_map(|part| blocks_in(rows, part));
                assert!(blocks.eq(row_blocks(rows)), "{rows} {work}");
            }
        }
    }

    /// Numbers of a line, some of them beyond a run.
    #[test]
    fn products_are_right_in_every_direction() {
        let scratch = Scratch::<f64>::default();
        let wave = |count: usize, step: f64| -> Vec<f64> {
            (0..count).map(|k| (0.3 + step * k as f64).sin()).collect()
        };
        let (inputs, outputs, lines, n) = (RUN + 21, 19, 3, lanes::<f64>());
        let weight = wave(outputs * inputs, 1.3);
        let product = Product {
            weight: &weight,
            outputs,
            inputs,
            half: false,
        };
        let features = |channels: usize, step: f64| {
            let size = Size {
                channels,
                pixels: 1,
            };
            let mut features = Features::new(lines, size, &scratch);
            let values = wave(lines * channels * n, step);
            let to = features.lines_mut().into_iter();
            to.zip(values.chunks_exact(channels * n))
                .for_each(|(to, from)| to.copy_from_slice(from));
            features
        };
        let (x, g) = (features(inputs, 0.7), features(outputs, 0.9));
        let (mut y, mut back) = (features(outputs, 0.0), features(inputs, 0.0));
        for mut part in y.parts(&product.division(lines)) {
            product.forward(&x, &mut part);
        }
        for mut part in back.parts(&product.adjoint_division(lines)) {
            product.adjoint(&g, &mut part, &scratch);
        }
        let mut gradient = vec![0.0; weight.len()];
        let turned = Turned::new(inputs, lines, |line| x.line(line), &scratch);
        weight_gradient(&g, &turned, &mut gradient, &scratch);
        // ⟨g, W x⟩ in three ways, and one number of each by its formula.
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let expected = dot(g.values(), y.values());
        for found in [dot(back.values(), x.values()), dot(&gradient, &weight)] {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-11);
        let column = |features: &Features<f64>, channel: usize| -> Vec<f64> {
            let lines = (0..lines).flat_map(|line| &features.line(line)[channel * n..][..n]);
            lines.copied().collect()
        };
        for (output, input) in [(0, 0), (7, RUN), (outputs - 1, inputs - 1)] {
            near(
                gradient[output * inputs + input],
                dot(&column(&g, output), &column(&x, input)),
            );
            let sums = (0..inputs).map(|k| weight[output * inputs + k] * x.line(2)[k * n + 5]);
            near(y.line(2)[output * n + 5], sums.sum());
            let sums = (0..outputs).map(|k| weight[k * inputs + input] * g.line(1)[k * n + 6]);
            near(back.line(1)[input * n + 6], sums.sum());
        }
    }
}
