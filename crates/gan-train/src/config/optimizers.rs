//! The keys of the optimizers and of the exponential schedule: which belong together, and what they make.

use super::TrainConfig;
use crate::{LrDecay, LrSchedule, Optimizer, OptimizerKind, Ramp};
use gan_core::{Number, OutOfRange, ParameterStore};

/// The usual one.
const DEFAULT_MOMENTUM: f64 = 0.9;

impl TrainConfig {
    pub(super) fn check_momentum(&self) -> Result<(), OutOfRange> {
        let set = [
            ("train.momentum", Number::from(self.momentum)),
            ("train.final_momentum", self.final_momentum.into()),
            ("train.momentum_steps", self.momentum_steps.into()),
        ];
        let refused = |expected: &str, (key, found): &(&'static str, Number)| OutOfRange {
            key,
            found: found.to_string(),
            expected: expected.to_string(),
        };
        let of_adam = "no value: it belongs to `train.optimizer = momentum`";
        if self.optimizer == OptimizerKind::Adam {
            let found = set.iter().find(|(_, found)| *found != Number::Unset);
            return found.map_or(Ok(()), |key| Err(refused(of_adam, key)));
        }
        let [_, end, steps] = &set;
        match (self.final_momentum, self.momentum_steps) {
            (Some(_), None) => Err(refused(
                "a number of steps, in which `train.final_momentum` is reached",
                steps,
            )),
            (None, Some(_)) => Err(refused(
                "a momentum, from 0 to below 1, that is reached after `train.momentum_steps`",
                end,
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn check_decay(&self) -> Result<(), OutOfRange> {
        let is_exponential = self.lr_schedule == LrSchedule::Exponential;
        let expected = match (is_exponential, self.lr_decay, self.lr_floor) {
            (true, Some(_), _) | (false, None, None) => return Ok(()),
            (true, None, _) => {
                "a number above 0, such as 0.0001: the exponential schedule needs it"
            }
            (false, ..) => "no value: it belongs to `train.lr_schedule = exponential`",
        };
        let (key, found) = match (self.lr_decay, self.lr_schedule) {
            (None, LrSchedule::Exponential) | (Some(_), _) => ("train.lr_decay", self.lr_decay),
            _ => ("train.lr_floor", self.lr_floor),
        };
        Err(OutOfRange {
            key,
            found: Number::from(found).to_string(),
            expected: expected.to_string(),
        })
    }

    /// The optimizer of a network with the learning rate `lr`.
    pub(crate) fn optimizer_of(
        &self,
        parameters: &ParameterStore,
        lr: f64,
    ) -> candle_core::Result<Optimizer> {
        let from = self.momentum.unwrap_or(DEFAULT_MOMENTUM);
        let momentum = Ramp {
            from,
            to: self.final_momentum.unwrap_or(from),
            steps: self.momentum_steps.unwrap_or(0),
        };
        match self.optimizer {
            OptimizerKind::Adam => Optimizer::adam(parameters, lr, [self.beta1, self.beta2]),
            OptimizerKind::Momentum => Optimizer::momentum(parameters, lr, momentum),
        }
    }

    /// The decay of the exponential schedule; none of the others looks at it.
    pub fn lr_decay(&self) -> LrDecay {
        LrDecay {
            per_step: self.lr_decay.unwrap_or(0.0),
            floor: self.lr_floor.unwrap_or(0.0),
        }
    }
}
