//! What watches a training run and writes it down.

mod checkpoint;
mod doctor;
mod grid;
mod log;
mod pictures;
mod scatter;
mod scores;

pub(crate) use checkpoint::{CheckpointObserver, CheckpointWriter};
pub(crate) use log::LogObserver;
pub(crate) use pictures::{PictureObserver, picture_name};
pub(crate) use scores::ScoreObserver;

use gan_train::TrainConfig;
use std::error::Error;

/// What an observer returns. The error keeps its type, so that a run that diverged can be told from one
/// that could not write.
pub(crate) type Observed<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many steps a run has, and how they divide into epochs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) steps: u64,
    pub(crate) steps_per_epoch: u64,
}

impl Schedule {
    /// `train.steps`, where it is set, else `train.epochs`.
    pub(crate) fn new(config: &TrainConfig, steps_per_epoch: u64) -> Self {
        let all = config.epochs.saturating_mul(steps_per_epoch);
        Self {
            steps: config.steps.unwrap_or(all),
            steps_per_epoch,
        }
    }

    /// The number of epochs that are started.
    pub(crate) fn epochs(self) -> u64 {
        self.steps.div_ceil(self.steps_per_epoch)
    }

    /// The epoch of a step, both from 0.
    pub(crate) fn epoch(self, step: u64) -> u64 {
        step / self.steps_per_epoch
    }

    pub(crate) fn is_last(self, step: u64) -> bool {
        step + 1 == self.steps
    }
}
