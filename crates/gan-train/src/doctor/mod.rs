//! The run doctor: from the history of a run to what ails it, with evidence and one thing to try.

mod ailments;
mod history;
mod window;

pub use history::{ClassShares, GeneratedImages, HistoryRecord};

/// What can be wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// A loss is NaN or infinite.
    NotFinite,
    /// The discriminator tells everything apart, and its loss has nothing left to teach.
    DeadDiscriminator,
    /// All generated images are one.
    ConstantGenerator,
    /// Generated images have no shades between black and white.
    Saturation,
    /// The players take turns in winning.
    Oscillation,
    /// Classes of the data are not drawn.
    LostClasses,
}

/// An ailment, what shows it, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is wrong.
    pub ailment: Ailment,
    /// The steps and figures that show it.
    pub evidence: String,
    /// One thing to try.
    pub advice: &'static str,
}

/// Everything alarming in `history`, which is in the order of the steps, and in the last known
/// `classes`; empty for a healthy run.
///
/// What is judged is the end of the history, its last 4,000 steps at most: an ailment that a run has got
/// over is none.
pub fn diagnose(history: &[HistoryRecord], classes: Option<&ClassShares>) -> Vec<Finding> {
    let recent = window::spaced(history);
    let of_history = [
        ailments::not_finite(&recent),
        ailments::dead_discriminator(&recent),
        ailments::constant_generator(&recent),
        ailments::saturation(&recent),
        ailments::oscillation(&recent),
    ];
    let of_classes = classes.and_then(ailments::lost_classes);
    of_history
        .into_iter()
        .chain([of_classes])
        .flatten()
        .collect()
}

/// Removes the records that [`diagnose`] looks at no more, whatever comes after them: who diagnoses a run
/// again and again needs memory for its last 4,000 steps alone.
pub fn forget(history: &mut Vec<HistoryRecord>) {
    history.drain(..window::first_needed(history));
}

impl Finding {
    fn new(ailment: Ailment, evidence: String) -> Self {
        let advice = match ailment {
            Ailment::NotFinite => "train again with a smaller --lr, a tenth of this run's",
            Ailment::DeadDiscriminator => {
                "slow the discriminator down: a smaller --lr, as 0.0001, or a larger --batch-size"
            }
            Ailment::ConstantGenerator => "train again with another --seed and a smaller --lr",
            Ailment::Saturation => {
                "a smaller --lr: saturated pixels pass no gradient back through tanh"
            }
            Ailment::Oscillation => "a smaller --lr, or --beta1 0.5 or less if it was raised",
            Ailment::LostClasses => {
                "look at earlier checkpoints by --evaluate-every, and keep the best; the tutorial's \
                 recipe is known to drop classes"
            }
        };
        Self {
            ailment,
            evidence,
            advice,
        }
    }
}
