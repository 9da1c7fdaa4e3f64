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
        if self.optimizer == OptimizerKind::Adam {
            let of_another = "no value: it belongs to `train.optimizer = momentum`";
            let found = set.into_iter().find(|(_, found)| *found != Number::Unset);
            return found.map_or(Ok(()), |(key, found)| refused(key, found, of_another));
        }
        match (self.final_momentum, self.momentum_steps) {
            (Some(_), None) => refused(
                "train.momentum_steps",
                Number::Unset,
                "a number of steps, in which `train.final_momentum` is reached",
            ),
            (None, Some(_)) => refused(
                "train.final_momentum",
                Number::Unset,
                "a momentum, from 0 to below 1, that is reached after `train.momentum_steps`",
            ),
            _ => Ok(()),
        }
    }

    pub(super) fn check_decay(&self) -> Result<(), OutOfRange> {
        let [decay, floor] = [self.lr_decay, self.lr_floor].map(Number::from);
        let of_another = "no value: it belongs to `train.lr_schedule = exponential`";
        match self.lr_schedule {
            LrSchedule::Exponential if decay == Number::Unset => refused(
                "train.lr_decay",
                decay,
                "a number above 0, such as 0.0001: the exponential schedule needs it",
            ),
            LrSchedule::Exponential => Ok(()),
            _ if decay != Number::Unset => refused("train.lr_decay", decay, of_another),
            _ if floor != Number::Unset => refused("train.lr_floor", floor, of_another),
            _ => Ok(()),
        }
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

fn refused(key: &'static str, found: Number, expected: &str) -> Result<(), OutOfRange> {
    Err(OutOfRange {
        key,
        found: found.to_string(),
        expected: expected.to_string(),
    })
}
