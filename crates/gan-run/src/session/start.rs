//! Where training starts: in a new run, or in one that is resumed.

use crate::checkpoints::Regular;
use crate::{OutputConfig, Plan, RunFolder};
use gan_train::Checkpoint;

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
}
