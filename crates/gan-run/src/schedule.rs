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

    /// Whether something is due after a step that is done after every `every` steps and at the end.
    pub(crate) fn is_due(self, step: u64, every: u64) -> bool {
        (step + 1).is_multiple_of(every) || self.is_last(step)
    }

    /// The first step, `step` or a later one, after which it is due.
    pub(crate) fn next_due(self, step: u64, every: u64) -> u64 {
        let done = (step + 1).checked_next_multiple_of(every);
        done.unwrap_or(u64::MAX).min(self.steps).max(step + 1) - 1
    }

    /// The first step, `step` or a later one, whose number is a multiple of `every`, or the last.
    pub(crate) fn next_multiple(self, step: u64, every: u64) -> u64 {
        let multiple = step.checked_next_multiple_of(every).unwrap_or(u64::MAX);
        multiple.min(self.steps.saturating_sub(1)).max(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_due_step_is_the_first_that_is_due() {
        for steps in [1, 7, 12] {
            let schedule = Schedule {
                steps,
                steps_per_epoch: 3,
            };
            for every in [1, 2, 5, 100, u64::MAX] {
                for step in 0..steps {
                    let due = (step..steps).find(|later| schedule.is_due(*later, every));
                    assert_eq!(Some(schedule.next_due(step, every)), due);
                    let is_multiple =
                        |later: &u64| later.is_multiple_of(every) || schedule.is_last(*later);
                    let multiple = (step..steps).find(is_multiple);
                    assert_eq!(Some(schedule.next_multiple(step, every)), multiple);
                }
            }
        }
    }
}
