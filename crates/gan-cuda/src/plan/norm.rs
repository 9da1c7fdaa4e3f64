//! Batch normalization, each batch by its own moments.

use super::recorder::{Activation, Finish, Recorder, THREADS, number};
use super::sums::{lanes_grid, row_tiles};
use crate::launch::{Argument, KernelFile, Module, Place, optional_out};
use std::sync::Arc;

/// The tensors of a normalization, [channels] each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm {
    pub(crate) weight: Place,
    pub(crate) bias: Place,
    pub(crate) running_mean: Place,
    pub(crate) running_variance: Place,
    pub(crate) eps: f64,
    pub(crate) momentum: f64,
}

/// The sizes of features that are normalized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches {
    pub(crate) batches: usize,
    /// Of each batch: examples times pixels.
    pub(crate) rows: usize,
    pub(crate) channels: usize,
}

/// What the backward pass needs of the forward pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normalized {
    /// The values before γ and β.
    pub(crate) values: Place,
    /// Of each batch: means and 1 / σ of the channels.
    pub(crate) moments: Place,
}

impl Normalized {
    /// Of the batches from `first` on.
    pub(crate) fn of_batches(self, first: usize, sizes: Batches) -> Self {
        let values = sizes.batches * sizes.rows * sizes.channels;
        let moments = 2 * sizes.channels;
        Self {
            values: self
                .values
                .floats(first * sizes.rows * sizes.channels, values),
            moments: self
                .moments
                .floats(first * moments, sizes.batches * moments),
        }
    }
}

impl Batches {
    fn values(self) -> usize {
        self.batches * self.rows * self.channels
    }

    fn module(self, norm: &Norm, activation: Activation) -> Arc<Module> {
        let module = Module::new(KernelFile::Norm, THREADS)
            .with("CHANNELS", self.channels)
            .with("EPS", format!("{:?}", norm.eps))
            .with("MOMENTUM", format!("{:?}", norm.momentum));
        let finish = Finish {
            activation,
            ..Finish::default()
        };
        Arc::new(finish.define(module))
    }
}

impl Recorder {
    /// activation(γ x̂ + β) of x [batches, rows, channels], and what the backward pass needs.
    pub(super) fn normalize(
        &mut self,
        norm: &Norm,
        activation: Activation,
        sizes: Batches,
        x: Place,
        result: Option<Place>,
    ) -> (Place, Normalized) {
        let module = sizes.module(norm, activation);
        let (rows, batches) = (number(sizes.rows), number(sizes.batches));
        let (tiles, rows_of_tile) = row_tiles(sizes.rows);
        let partials = self.tile_sums(&module, "norm_partials", sizes, &[x]);
        let normalized = Normalized {
            values: self.arena.floats(sizes.values()),
            moments: self.arena.floats(2 * sizes.batches * sizes.channels),
        };
        let arguments = vec![
            Argument::In(partials),
            Argument::Out(normalized.moments),
            Argument::Out(norm.running_mean),
            Argument::Out(norm.running_variance),
            rows.into(),
            number(rows_of_tile).into(),
            number(tiles).into(),
            batches.into(),
        ];
        self.for_each(&module, "norm_moments", sizes.channels, arguments);
        let y = result.unwrap_or_else(|| self.arena.floats(sizes.values()));
        let arguments = vec![
            Argument::In(x),
            Argument::In(normalized.moments),
            Argument::In(norm.weight),
            Argument::In(norm.bias),
            Argument::Out(normalized.values),
            Argument::Out(y),
            rows.into(),
            batches.into(),
        ];
        self.for_each(&module, "norm_apply", sizes.values(), arguments);
        (y, normalized)
    }

    /// gradient ← by x, from the one by γ x̂ + β. by: where the gradients of γ and β go, if they are wanted.
    pub(super) fn normalize_back(
        &mut self,
        norm: &Norm,
        sizes: Batches,
        normalized: Normalized,
        gradient: Place,
        by: Option<[Place; 2]>,
    ) {
        let module = sizes.module(norm, Activation::Identity);
        let (rows, batches) = (number(sizes.rows), number(sizes.batches));
        let (tiles, _) = row_tiles(sizes.rows);
        let of = [gradient, normalized.values];
        let partials = self.tile_sums(&module, "norm_back_partials", sizes, &of);
        let sums = self.arena.floats(2 * sizes.batches * sizes.channels);
        let arguments = vec![
            Argument::In(partials),
            Argument::Out(sums),
            optional_out(by.map(|[weight, _]| weight)),
            optional_out(by.map(|[_, bias]| bias)),
            number(tiles).into(),
            batches.into(),
        ];
        self.for_each(&module, "norm_back_sums", sizes.channels, arguments);
        let arguments = vec![
            Argument::Out(gradient),
            Argument::In(normalized.values),
            Argument::In(normalized.moments),
            Argument::In(sums),
            Argument::In(norm.weight),
            rows.into(),
            batches.into(),
        ];
        self.for_each(&module, "norm_back_apply", sizes.values(), arguments);
    }

    /// Two sums over each tile of rows of some features: [batches, tiles, 2, channels].
    fn tile_sums(
        &mut self,
        module: &Arc<Module>,
        kernel: &'static str,
        sizes: Batches,
        features: &[Place],
    ) -> Place {
        let (tiles, rows_of_tile) = row_tiles(sizes.rows);
        let count = 2 * sizes.batches * tiles * sizes.channels;
        let partials = self.arena.floats(count);
        let mut arguments: Vec<_> = features.iter().map(|place| Argument::In(*place)).collect();
        arguments.extend([
            Argument::Out(partials),
            number(sizes.rows).into(),
            number(rows_of_tile).into(),
        ]);
        let grid = lanes_grid(sizes.channels, tiles, sizes.batches);
        self.launch(module, kernel, grid, arguments);
        partials
    }
}
