//! The run doctor: finds failure modes in the history of a run, each with evidence and one thing to try.

mod failure_modes;
mod history;
mod window;

pub use history::{ClassBalance, GeneratedImages, HistoryRecord};

/// A known way for GAN training to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureMode {
    /// A loss is NaN or infinite.
    NotFinite,
    /// The discriminator is always right, and its loss gives no gradient to learn from.
    DeadDiscriminator,
    /// All generated images are the same.
    ConstantGenerator,
    /// Generated images have no grays between black and white.
    Saturation,
    /// The two networks take turns in winning.
    Oscillation,
    /// Some classes of the data are hardly generated.
    LostClasses,
}

/// A failure mode, its evidence, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is wrong.
    pub failure_mode: FailureMode,
    /// The steps and figures that show it.
    pub evidence: String,
    /// One thing to try.
    pub advice: &'static str,
}

/// All failure modes found in `history`, in the order of its steps, and in the last known `classes`;
/// empty for a healthy run.
///
/// Only the last 4,000 steps count: a failure that the run has recovered from is not reported.
pub fn diagnose(history: &[HistoryRecord], classes: Option<&ClassBalance>) -> Vec<Finding> {
    let recent = window::spaced(history);
    let of_history = [
        failure_modes::not_finite(&recent),
        failure_modes::dead_discriminator(&recent),
        failure_modes::constant_generator(&recent),
        failure_modes::saturation(&recent),
        failure_modes::oscillation(&recent),
    ];
    let of_classes = classes.and_then(failure_modes::lost_classes);
    of_history
        .into_iter()
        .chain([of_classes])
        .flatten()
        .collect()
}

/// Removes the records that [`diagnose`] no longer needs, whatever comes after them. A caller that
/// diagnoses a run repeatedly keeps only its last 4,000 steps in memory.
pub fn forget(history: &mut Vec<HistoryRecord>) {
    history.drain(..window::first_needed(history));
}

impl Finding {
    fn new(failure_mode: FailureMode, evidence: String) -> Self {
        let advice = match failure_mode {
            FailureMode::NotFinite => {
                "train again with a smaller `train.lr`, a tenth of this run's"
            }
            FailureMode::DeadDiscriminator => {
                "train again with a slower discriminator: a `train.discriminator_lr` below this run's"
            }
            FailureMode::ConstantGenerator => {
                "train again with another `train.seed` and a smaller `train.lr`"
            }
            FailureMode::Saturation => {
                "train again with a smaller `train.lr`: saturated values pass no gradient back through tanh"
            }
            FailureMode::Oscillation => {
                "train again with a smaller `train.lr`, and with `train.beta1 = 0.5` if it was above that"
            }
            FailureMode::LostClasses => {
                "train again with `output.evaluate_every = 1000` and sample from the run's \
                 checkpoints/best-generator.safetensors; or choose a `recipe` that covers all classes"
            }
        };
        Self {
            failure_mode,
            evidence,
            advice,
        }
    }
}
