//! Where training starts: in a new run, or in one that is resumed.

use super::plan::Plan;
use crate::checkpoint_folder::Regular;
use crate::config::OutputConfig;
use crate::run_folder::RunFolder;
use gan_train::{Checkpoint, LrSchedule};
use indicatif::HumanCount;

/// A run folder that this process writes to, and the state of its run.
pub(crate) struct Start {
    pub(crate) run: RunFolder,
    /// None at the start.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The output of a shorter run that ended at the checkpoint and is now extended.
    pub(crate) ended: Option<OutputConfig>,
    /// The steps that a run that diverges may roll back to.
    pub(crate) regular: Regular,
    /// Steps between the lines of the log so far.
    pub(crate) log_every: u64,
}

impl Start {
    /// The start of a run.
    pub(crate) fn of_new_run(run: RunFolder, plan: &Plan) -> Self {
        Self {
            run,
            checkpoint: None,
            ended: None,
            log_every: plan.config.output.log_every,
            regular: Regular {
                every: plan.config.output.checkpoint_every,
                since: 0,
            },
        }
    }

    /// How far a resumed run has come, in a line.
    pub(crate) fn in_words(&self, plan: &Plan) -> Option<String> {
        let steps = plan.schedule.steps;
        let done = self.checkpoint.as_ref()?.header.state.step;
        if done < steps {
            return Some(format!(
                "Resuming after step {} of {}",
                HumanCount(done),
                HumanCount(steps)
            ));
        }
        let train = &plan.config.train;
        let more = match (train.steps, train.lr_schedule) {
            (_, LrSchedule::Linear | LrSchedule::Cosine) => {
                "its schedule has brought the learning rate to 0"
            }
            (Some(_), _) => "more --steps would continue it",
            (None, _) => "more --epochs or --steps would continue it",
        };
        Some(format!(
            "All {} steps of this run are done; {more}",
            HumanCount(steps)
        ))
    }
}
