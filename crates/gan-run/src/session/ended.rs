//! How a session ended.

use gan_core::with_causes;
use gan_train::TrainError;
use std::fmt;
use std::time::Duration;

/// How a session ended, other than by an error.
#[derive(Debug)]
pub enum Ended {
    /// All steps are done.
    Complete(Summary),
    /// It was asked to stop, and saved its state.
    Stopped {
        /// The steps that are done.
        done: u64,
    },
    /// A number was not finite, and the run may not go back, or not once more.
    Diverged {
        /// The step of the newest checkpoint; 0: there is none.
        saved: u64,
        /// How often the run went back; 0 for one that does not.
        rollbacks: u32,
        /// The step and the tensor.
        cause: TrainError,
    },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (saved, rollbacks, cause) = match self {
            Self::Complete(summary) => return summary.fmt(f),
            Self::Stopped { done } => return write!(f, "Stopped after {done} steps, all saved"),
            Self::Diverged {
                saved,
                rollbacks,
                cause,
            } => (saved, rollbacks, cause),
        };
        match (rollbacks, saved) {
            (1, _) => write!(f, "diverged after 1 rollback: ")?,
            (2.., _) => write!(f, "diverged after {rollbacks} rollbacks: ")?,
            (0, 0) => write!(f, "there was no checkpoint yet: ")?,
            (0, step) => write!(f, "the checkpoint of step {step} is saved: ")?,
        }
        f.write_str(&with_causes(cause))
    }
}

/// What was done since the run was started, resumed or last went back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// The steps.
    pub steps: u64,
    /// The training examples in them.
    pub examples: u64,
    /// What they are: `images` or `texts`.
    pub of: &'static str,
    /// How long they took.
    pub elapsed: Duration,
}
