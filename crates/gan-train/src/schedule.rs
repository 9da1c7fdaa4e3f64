//! How the learning rates change during training.

use gan_core::exact::sin_cos_turns;
use serde::{Deserialize, Serialize};

/// The factor of the learning rates from the first step to the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LrSchedule {
    /// Always 1.
    #[default]
    Constant,
    /// From 1 down to 0 in a straight line.
    Linear,
    /// From 1 down to 0 along half a cosine (Loshchilov & Hutter, 2017, arXiv 1608.03983).
    Cosine,
}

impl LrSchedule {
    /// The factor of step `step`, from 0, of a run of `steps`, in [0, 1]; above 0 for every step of the run.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let passed = (step as f64 / steps.max(1) as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - passed,
            Self::Cosine => {
                // ½ (1 + cos πp) = cos² πp/2, whose digits are not lost next to the end.
                let (_, cos) = sin_cos_turns(passed / 4.0);
                cos * cos
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_begin_at_one_and_fall_to_their_formulas() {
        for schedule in [LrSchedule::Constant, LrSchedule::Linear, LrSchedule::Cosine] {
            assert_eq!(schedule.factor(0, 10), 1.0);
            assert!(schedule.factor(9, 10) > 0.0);
            assert!(schedule.factor(999_999_999, 1_000_000_000) > 0.0);
        }
        assert_eq!(LrSchedule::Constant.factor(9, 10), 1.0);
        assert!((LrSchedule::Linear.factor(9, 10) - 0.1).abs() < 1e-12);
        // cos(π/3) = 1/2, so after a third of the steps 3/4 are left.
        assert!((LrSchedule::Cosine.factor(3, 9) - 0.75).abs() < 1e-12);
        assert_eq!(LrSchedule::Linear.factor(20, 10), 0.0);
    }
}
