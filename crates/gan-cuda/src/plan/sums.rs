//! Sums in a fixed order.

use super::recorder::{Recorder, blocks, number};
use crate::launch::{Argument, KernelFile, Place, optional};

/// Channels of a block, as in the kernels.
const LANES: usize = 32;
/// Rows of a tile, at least, and tiles at most.
const FEWEST_ROWS: usize = 64;
const MOST_TILES: usize = 64;

/// Into how many tiles of how many rows so many rows fall.
pub(super) fn row_tiles(rows: usize) -> (usize, usize) {
    let rows_of_tile = rows.div_ceil(MOST_TILES).max(FEWEST_ROWS);
    (rows.div_ceil(rows_of_tile), rows_of_tile)
}

/// Blocks for so many channels and tiles.
pub(super) fn lanes_grid(channels: usize, tiles: usize, batches: usize) -> [u32; 3] {
    [blocks(channels, LANES), number(tiles), number(batches)]
}

impl Recorder {
    /// result [length] ← the sum of parts [count, length].
    pub(super) fn add_parts(&mut self, parts: Place, result: Place, count: usize, length: usize) {
        let module = self.plain(KernelFile::Sums);
        let arguments = vec![
            Argument::In(parts),
            Argument::Out(result),
            number(count).into(),
            number(length).into(),
        ];
        self.for_each(&module, "add_parts", length, arguments);
    }

    /// result [channels] ← the sum over rows of x [examples · rows_of_example, channels], each times the weight of
    /// its example.
    pub(super) fn column_sums(
        &mut self,
        x: Place,
        weights: Option<Place>,
        result: Place,
        examples: usize,
        rows_of_example: usize,
        channels: usize,
    ) {
        let rows = examples * rows_of_example;
        let (tiles, rows_of_tile) = row_tiles(rows);
        let parts = match tiles {
            1 => result,
            _ => self.arena.floats(tiles * channels),
        };
        let module = self.plain(KernelFile::Sums);
        let grid = lanes_grid(channels, tiles, 1);
        let arguments = vec![
            Argument::In(x),
            optional(weights),
            Argument::Out(parts),
            number(rows).into(),
            number(rows_of_tile).into(),
            number(channels).into(),
            number(rows_of_example).into(),
        ];
        self.launch(&module, "column_sums", grid, arguments);
        if tiles > 1 {
            self.add_parts(parts, result, tiles, channels);
        }
    }

    /// x ← value
    pub(super) fn fill(&mut self, x: Place, value: f32) {
        let module = self.plain(KernelFile::Sums);
        let length = x.bytes / 4;
        let arguments = vec![Argument::Out(x), value.into(), number(length).into()];
        self.for_each(&module, "fill", length, arguments);
    }

    /// A factor that brings a gradient to the norm `clip`, if its norm is larger.
    pub(super) fn clip_factor(&mut self, gradient: Place, clip: f64) -> Place {
        let module = self.plain(KernelFile::Sums);
        let length = gradient.bytes / 4;
        let parts = blocks(length, 4 * module.threads as usize);
        let squares = self.arena.bytes(8 * parts as usize);
        let arguments = vec![
            Argument::In(gradient),
            Argument::Out(squares),
            number(length).into(),
        ];
        self.launch(&module, "squares", [parts, 1, 1], arguments);
        let factor = self.arena.floats(1);
        let arguments = vec![
            Argument::In(squares),
            Argument::Out(factor),
            parts.into(),
            clip.into(),
        ];
        self.launch(&module, "clip_factor", [1, 1, 1], arguments);
        factor
    }
}
