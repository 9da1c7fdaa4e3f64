//! What is called after each step of a run.

use crate::{StepReport, Trainer};
use std::error::Error;

/// Is given the report of every step: progress, grids, logs, checkpoints.
pub trait Observer {
    /// Called after each step.
    ///
    /// # Errors
    /// An error stops the run.
    fn on_step(
        &mut self,
        trainer: &Trainer,
        report: &StepReport,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Called once, after the last step.
    ///
    /// # Errors
    /// An error makes the run fail.
    fn on_end(&mut self, _trainer: &Trainer) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}
