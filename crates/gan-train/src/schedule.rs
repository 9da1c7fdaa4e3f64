//! How the learning rates change during training.

use gan_core::exact::{powi, sin_cos_turns};
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
    /// Divided by the same number after each step, down to a floor: [`LrDecay`].
    Exponential,
}

/// How the exponential schedule falls: 1 / (1 + per_step)ᵗ after t steps, at least `floor`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LrDecay {
    /// Above 0.
    pub per_step: f64,
    /// In [0, 1].
    pub floor: f64,
}

impl LrDecay {
    fn factor(self, step: u64) -> f64 {
        powi(1.0 / (1.0 + self.per_step), step).max(self.floor)
    }
}

impl LrSchedule {
    /// Whether it spreads the learning rate over the steps of a run, so that a longer run has other rates.
    pub fn depends_on_length(self) -> bool {
        matches!(self, Self::Linear | Self::Cosine)
    }

    /// The factor of step `step`, from 0, of a run of `steps`, in [0, 1]; above 0 for every step of the run, but that
    /// an exponential one without a floor may reach 0. decay: of the exponential schedule.
    pub fn factor(self, step: u64, steps: u64, decay: LrDecay) -> f64 {
        let passed = (step as f64 / steps.max(1) as f64).min(1.0);
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - passed,
            Self::Cosine => {
                // ½ (1 + cos πp) = cos² πp/2, whose digits are not lost next to the end.
                let (_, cos) = sin_cos_turns(passed / 4.0);
                cos * cos
            }
            Self::Exponential => decay.factor(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECAY: LrDecay = LrDecay {
        per_step: 1.0,
        floor: 0.1,
    };

    #[test]
    fn schedules_begin_at_one_and_fall_to_their_formulas() {
        for schedule in [LrSchedule::Constant, LrSchedule::Linear, LrSchedule::Cosine] {
            assert_eq!(schedule.factor(0, 10, DECAY), 1.0);
            assert!(schedule.factor(9, 10, DECAY) > 0.0);
            assert!(schedule.factor(999_999_999, 1_000_000_000, DECAY) > 0.0);
        }
        assert_eq!(LrSchedule::Constant.factor(9, 10, DECAY), 1.0);
        assert!((LrSchedule::Linear.factor(9, 10, DECAY) - 0.1).abs() < 1e-12);
        // cos(π/3) = 1/2, so after a third of the steps 3/4 are left.
        assert!((LrSchedule::Cosine.factor(3, 9, DECAY) - 0.75).abs() < 1e-12);
        assert_eq!(LrSchedule::Linear.factor(20, 10, DECAY), 0.0);
    }

    /// The rates of the 2014 paper's program: 0.1 / 1.000004ᵗ, at least 10⁻⁶.
    #[test]
    fn an_exponential_schedule_falls_by_its_formula_to_its_floor() {
        let factor = |step| LrSchedule::Exponential.factor(step, 10, DECAY);
        assert_eq!([0, 1, 2, 3].map(factor), [1.0, 0.5, 0.25, 0.125]);
        assert_eq!([4, 1000, 1 << 50].map(factor), [0.1; 3]);
        let paper = LrDecay {
            per_step: 4e-6,
            floor: 1e-5,
        };
        let factor = |step| LrSchedule::Exponential.factor(step, 1, paper);
        // exp(−t · ln 1.000004) at t = 125,000, where the logarithm is 4e-6 − 8e-12 + ….
        let expected = f64::exp(-125_000.0 * f64::ln_1p(4e-6));
        assert!((factor(125_000) - expected).abs() < 1e-9);
        assert!(factor(2_878_000) > 1e-5 && factor(2_880_000) == 1e-5);
    }
}
