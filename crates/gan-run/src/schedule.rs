//! The length of a run.

use gan_train::TrainConfig;

/// How many steps a run has, and how they divide into epochs.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// All steps of the run.
    pub steps: u64,
    /// The steps of an epoch; the last batch may be smaller.
    pub steps_per_epoch: u64,
}

impl Schedule {
    /// `train.steps`, where it is set, else `train.epochs`.
    pub fn new(config: &TrainConfig, steps_per_epoch: u64) -> Self {
        let all = config.epochs.saturating_mul(steps_per_epoch);
        Self {
            steps: config.steps.unwrap_or(all),
            steps_per_epoch,
        }
    }

    /// The number of epochs that are started.
    pub fn epochs(self) -> u64 {
        self.steps.div_ceil(self.steps_per_epoch)
    }

    /// The epoch of a step, both from 0.
    pub fn epoch(self, step: u64) -> u64 {
        step / self.steps_per_epoch
    }

    /// Whether a step, from 0, is the last.
    pub fn is_last(self, step: u64) -> bool {
        step + 1 == self.steps
    }
}
