//! Linear maps and convolutions: their geometry, their tiles and their launches.

use super::norm::{Norm, Normalized};
use super::recorder::{Finish, Recorder, blocks, number};
use crate::launch::{Argument, KernelFile, Launch, Module, Place, optional};
use gan_core::{GraphStage, ImageShape, Op, Window};
use gan_train::Precision;
use std::sync::Arc;

/// Blocks that a large GPU runs at a time.
const WANTED_BLOCKS: usize = 132;
/// Parts of a sum that separate blocks make.
const MOST_SPLITS: usize = 64;
/// Terms of a sum that wait in shared memory.
const TILE_K: usize = 32;
/// So many parts of them wait, if there is room in what every block may have beside what kernels declare.
const MOST_STAGES: usize = 4;
const SHARED_BYTES: usize = 45 << 10;

/// A window between a large and a small image; for a linear map both have one pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Geometry {
    pub(crate) large: ImageShape,
    pub(crate) small: ImageShape,
    pub(crate) window: Window,
    /// Whether the map goes from the large image to the small one.
    pub(crate) shrinks: bool,
}

/// Which product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Shrink,
    Enlarge,
    Weight,
}

/// The part of a result that a block computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    m: usize,
    n: usize,
    warps: [usize; 3],
}

/// What a weight's gradient is the sum of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GradientTerms {
    /// By what the map made.
    pub(crate) delta: Place,
    /// What the map read.
    pub(crate) input: Place,
    /// Factors of the examples.
    pub(crate) weights: Option<Place>,
    /// A second input, without factors.
    pub(crate) tangent: Option<Place>,
}

impl Geometry {
    /// Of a stage's map, if it has a weight.
    pub(crate) fn of(stage: &GraphStage<'_>) -> Option<Self> {
        let (from, to) = (stage.input_shape, stage.shape);
        match stage.map? {
            Op::Linear { .. } => Some(Self {
                large: from,
                small: to,
                window: Window::of([1, 1]),
                shrinks: true,
            }),
            Op::Convolution { window, .. } => Some(Self {
                large: from,
                small: to,
                window: *window,
                shrinks: true,
            }),
            Op::TransposedConvolution { window, .. } => Some(Self {
                large: to,
                small: from,
                window: *window,
                shrinks: false,
            }),
            _ => None,
        }
    }

    /// A tile with all rows of its columns, of so many examples of one pixel each.
    fn normalized_tile(&self, mode: Mode, examples: usize) -> Option<Tile> {
        const MOST_ROWS: usize = 128;
        let is_linear = self.large.height * self.large.width == 1 && self.window.taps() == 1;
        let columns = self.columns(mode);
        let m = examples.next_multiple_of(16);
        let warps_m = (1..=8)
            .rev()
            .find(|warps| (m / 16).is_multiple_of(*warps))?;
        let tile = Tile {
            m,
            n: if columns >= 16 * WANTED_BLOCKS { 16 } else { 8 },
            warps: [warps_m, 1, (8 / warps_m).min(TILE_K / 8)],
        };
        (is_linear && m <= MOST_ROWS).then_some(tile)
    }

    fn columns(&self, mode: Mode) -> usize {
        let groups = self.window.groups;
        match mode {
            Mode::Shrink => self.small.channels / groups,
            Mode::Enlarge => self.large.channels / groups,
            Mode::Weight => self.window.taps() * self.large.channels / groups,
        }
    }

    /// Rows of the result, of the largest phase, in so many examples.
    fn rows(&self, mode: Mode, examples: usize) -> usize {
        let stride = self.window.stride;
        match mode {
            Mode::Shrink => examples * self.small.height * self.small.width,
            Mode::Enlarge => {
                let pixels = self.large.height.div_ceil(stride) * self.large.width.div_ceil(stride);
                examples * pixels
            }
            Mode::Weight => self.small.channels / self.window.groups,
        }
    }

    /// Values of the weight.
    fn weights(&self) -> usize {
        self.small.channels * self.columns(Mode::Weight)
    }

    fn module(&self, mode: Mode, tile: Tile, splits: usize, precision: Precision) -> Module {
        let [kernel_height, kernel_width] = self.window.kernel;
        // A warp sums so many terms at a time.
        let terms = match precision {
            Precision::Bf16 => 16,
            _ => 8,
        };
        let warps_k = tile.warps[2].min(TILE_K / terms);
        let threads = number(32 * tile.warps[0] * tile.warps[1] * warps_k);
        let mode_number = match mode {
            Mode::Shrink => 0,
            Mode::Enlarge => 1,
            Mode::Weight => 2,
        };
        let precision = match precision {
            Precision::F32 => 0,
            Precision::Tf32 => 1,
            Precision::Bf16 => 2,
        };
        Module::new(KernelFile::Product, threads)
            .with("MODE", mode_number)
            .with("LARGE_C", self.large.channels)
            .with("LARGE_H", self.large.height)
            .with("LARGE_W", self.large.width)
            .with("SMALL_C", self.small.channels)
            .with("SMALL_H", self.small.height)
            .with("SMALL_W", self.small.width)
            .with("KERNEL_H", kernel_height)
            .with("KERNEL_W", kernel_width)
            .with("STRIDE", self.window.stride)
            .with("PADDING", self.window.padding)
            .with("GROUPS", self.window.groups)
            .with("TILE_M", tile.m)
            .with("TILE_N", tile.n)
            .with("TILE_K", TILE_K)
            .with("WARPS_M", tile.warps[0])
            .with("WARPS_N", tile.warps[1])
            .with("WARPS_K", warps_k)
            .with("STAGES", stages(mode, tile))
            .with("SPLITS", splits)
            .with("PRECISION", precision)
    }
}

/// A module of products with a normalization: 1 forwards, 2 backwards.
fn normalizing(module: Module, norm: &Norm, way: u32) -> Module {
    module
        .with("WEIGHTED", 0)
        .with("TANGENT", 0)
        .with("NORM", way)
        .with("EPS", format!("{:?}", norm.eps))
        .with("MOMENTUM", format!("{:?}", norm.momentum))
}

/// Bytes of the parts of a sum that wait, of what warps add, or of a whole tile.
fn shared_bytes(mode: Mode, tile: Tile) -> u32 {
    let parts = stages(mode, tile) * stage_bytes(mode, tile);
    number(parts.max(4 * tile.m * (tile.n + 1)))
}

/// Bytes of a part of a sum that waits.
fn stage_bytes(mode: Mode, tile: Tile) -> usize {
    let by_k = |lines: usize| lines * (TILE_K + 4);
    let by_line = |lines: usize| TILE_K * (lines + 8);
    let (a, b) = match mode {
        Mode::Shrink => (by_k(tile.m), by_k(tile.n)),
        Mode::Enlarge => (by_k(tile.m), by_line(tile.n)),
        Mode::Weight => (by_line(tile.m), by_line(tile.n)),
    };
    4 * (a + b)
}

fn stages(mode: Mode, tile: Tile) -> usize {
    (SHARED_BYTES / stage_bytes(mode, tile)).clamp(2, MOST_STAGES)
}

/// The largest tiles that still give enough blocks work, of a result [rows, columns] so many times.
fn tile(rows: usize, columns: usize, times: usize) -> Tile {
    let all = [
        ([64, 64], [2, 2, 1]),
        ([64, 32], [2, 2, 1]),
        ([32, 32], [2, 2, 2]),
        ([32, 16], [2, 1, 4]),
        ([16, 8], [1, 1, 4]),
    ];
    let tiles = all.map(|([m, n], warps)| Tile { m, n, warps });
    let narrow = |tile: &Tile| tile.n / 2 < columns || tile.n == 8;
    let count = |tile: &Tile| rows.div_ceil(tile.m) * columns.div_ceil(tile.n) * times;
    let enough = |tile: &&Tile| narrow(tile) && count(tile) >= WANTED_BLOCKS;
    let found = tiles.iter().find(enough);
    let most = || {
        tiles
            .iter()
            .filter(|tile| narrow(tile))
            .max_by_key(|t| count(t))
    };
    found.or_else(most).copied().unwrap_or(tiles[4])
}

impl Recorder {
    /// The map, or its adjoint if not `forward`: x of `examples` → the result.
    pub(crate) fn product(
        &mut self,
        geometry: &Geometry,
        forward: bool,
        examples: usize,
        x: Place,
        weight: Place,
        finish: &Finish,
    ) -> Place {
        let (mode, to, times) = if geometry.shrinks == forward {
            (Mode::Shrink, geometry.small, geometry.window.groups)
        } else {
            let phases = geometry.window.stride * geometry.window.stride;
            let times = phases * geometry.window.groups;
            (Mode::Enlarge, geometry.large, times)
        };
        let (rows, columns) = (geometry.rows(mode, examples), geometry.columns(mode));
        let tile = tile(rows, columns, times);
        let result = finish.result(&mut self.arena, examples * to.elements());
        let module = geometry.module(mode, tile, 1, self.precision);
        let module = finish
            .define(module)
            .with("WEIGHTED", 0)
            .with("TANGENT", 0)
            .with("NORM", 0);
        let [bias, more, saved, factors] = finish.arguments();
        let grid = [blocks(rows, tile.m), blocks(columns, tile.n), number(times)];
        let arguments = vec![
            Argument::In(x),
            Argument::In(weight),
            Argument::Out(result),
            bias,
            more,
            saved,
            factors,
            Argument::None,
            Argument::None,
            number(examples).into(),
        ];
        self.launch_tile(module, "product", grid, (mode, tile), arguments);
        result
    }

    /// The linear map with batch normalization behind it, in one kernel, of one batch whose examples are the rows of a
    /// tile; `None` if they are too many.
    pub(super) fn product_normalized(
        &mut self,
        geometry: &Geometry,
        norm: &Norm,
        examples: usize,
        [x, weight]: [Place; 2],
        finish: &Finish,
    ) -> Option<(Place, Normalized)> {
        let tile = geometry.normalized_tile(Mode::Shrink, examples)?;
        let channels = geometry.small.channels;
        let result = finish.result(&mut self.arena, examples * channels);
        let normalized = Normalized {
            values: self.arena.floats(examples * channels),
            moments: self.arena.floats(2 * channels),
        };
        let module = geometry.module(Mode::Shrink, tile, 1, self.precision);
        let module = normalizing(finish.define(module), norm, 1);
        let arguments = vec![
            Argument::In(x),
            Argument::In(weight),
            Argument::Out(result),
            optional(finish.bias),
            Argument::Out(normalized.values),
            Argument::Out(normalized.moments),
            Argument::Out(norm.running_mean),
            Argument::Out(norm.running_variance),
            Argument::In(norm.weight),
            Argument::In(norm.bias),
            number(examples).into(),
        ];
        let grid = [1, blocks(channels, tile.n), 1];
        self.launch_tile(
            module,
            "product_normalized",
            grid,
            (Mode::Shrink, tile),
            arguments,
        );
        Some((result, normalized))
    }

    /// The adjoint of the linear map and, behind it, the backward pass of the normalization that made its input; `None`
    /// if the examples are too many. by: where the gradients of γ and β go.
    pub(super) fn product_normalized_back(
        &mut self,
        geometry: &Geometry,
        (norm, normalized): (&Norm, Normalized),
        examples: usize,
        [gradient, weight]: [Place; 2],
        finish: &Finish,
        by: [Place; 2],
    ) -> Option<Place> {
        let tile = geometry.normalized_tile(Mode::Enlarge, examples)?;
        let channels = geometry.large.channels;
        let result = finish.result(&mut self.arena, examples * channels);
        let module = geometry.module(Mode::Enlarge, tile, 1, self.precision);
        let module = normalizing(finish.define(module), norm, 2);
        let arguments = vec![
            Argument::In(gradient),
            Argument::In(weight),
            Argument::Out(result),
            optional(finish.more),
            optional(finish.saved),
            Argument::In(normalized.values),
            Argument::In(normalized.moments),
            Argument::In(norm.weight),
            Argument::Out(by[0]),
            Argument::Out(by[1]),
            number(examples).into(),
        ];
        let grid = [1, blocks(channels, tile.n), 1];
        let kernel = "product_normalized_back";
        self.launch_tile(module, kernel, grid, (Mode::Enlarge, tile), arguments);
        Some(result)
    }

    fn launch_tile(
        &mut self,
        module: Module,
        kernel: &'static str,
        grid: [u32; 3],
        (mode, tile): (Mode, Tile),
        arguments: Vec<Argument>,
    ) {
        self.launches.push(Launch {
            module: Arc::new(module),
            kernel,
            grid,
            shared_bytes: shared_bytes(mode, tile),
            arguments,
        });
    }

    /// result ← the weight's gradient over `examples`.
    pub(crate) fn weight_gradient(
        &mut self,
        geometry: &Geometry,
        examples: usize,
        terms: &GradientTerms,
        result: Place,
    ) {
        let mode = Mode::Weight;
        let (rows, columns) = (geometry.rows(mode, examples), geometry.columns(mode));
        let groups = geometry.window.groups;
        let sum = examples * geometry.small.height * geometry.small.width;
        let tile = tile(rows, columns, groups * sum.div_ceil(8 * TILE_K));
        let blocks_of_one = rows.div_ceil(tile.m) * columns.div_ceil(tile.n) * groups;
        let splits = WANTED_BLOCKS.div_ceil(blocks_of_one);
        let splits = splits.min(sum.div_ceil(4 * TILE_K)).clamp(1, MOST_SPLITS);
        let module = geometry.module(mode, tile, splits, self.precision);
        let tangent = match (terms.tangent, geometry.shrinks) {
            (None, _) => 0,
            (Some(_), true) => 1,
            (Some(_), false) => 2,
        };
        let module = Finish::default()
            .define(module)
            .with("WEIGHTED", u32::from(terms.weights.is_some()))
            .with("TANGENT", tangent)
            .with("NORM", 0);
        let (small, large) = match geometry.shrinks {
            true => (terms.delta, terms.input),
            false => (terms.input, terms.delta),
        };
        let length = geometry.weights();
        let parts = match splits {
            1 => result,
            _ => self.arena.floats(splits * length),
        };
        let grid = [
            blocks(rows, tile.m),
            blocks(columns, tile.n),
            number(groups * splits),
        ];
        let arguments = vec![
            Argument::In(small),
            Argument::In(large),
            Argument::Out(parts),
            Argument::None,
            Argument::None,
            Argument::None,
            Argument::None,
            optional(terms.tangent),
            optional(terms.weights),
            number(examples).into(),
        ];
        self.launch_tile(module, "product", grid, (mode, tile), arguments);
        if splits > 1 {
            self.add_parts(parts, result, splits, length);
        }
    }
}
