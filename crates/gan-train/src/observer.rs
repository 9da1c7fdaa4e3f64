//! What is called during a run.

use crate::{Look, StepReport, Trainer};
use std::error::Error;

/// Is given the report of every step and, between steps, a look at the trainer: progress, grids, logs, checkpoints.
///
/// An engine takes its steps in bursts. It reports each of them, in order, and then all observers may look.
pub trait Observer {
    /// The first step, `step` or a later one, after which this observer must look: a burst ends there or earlier.
    /// Every step, if it is not implemented.
    fn looks_after(&self, step: u64) -> u64 {
        step
    }

    /// Called with the figures of each step.
    ///
    /// # Errors
    /// An error stops the run.
    fn on_step(&mut self, _report: &StepReport) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    /// Called after each burst.
    ///
    /// # Errors
    /// An error stops the run.
    fn on_look(&mut self, look: &mut Look<'_>) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Called once, after the last step.
    ///
    /// # Errors
    /// An error makes the run fail.
    fn on_end(&mut self, _trainer: &Trainer) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}
