//! The loop around the training step.

use crate::{Engine, HostEngine, Look, Observer, TrainError, Trainer};
use candle_core::Result as TensorResult;
use gan_core::ImageBatch;

impl Trainer {
    /// Trains on each batch in turn, on the trainer's own device.
    ///
    /// # Errors
    /// Stops at the first failure of a batch, a step or an observer.
    pub fn run(
        &mut self,
        batches: impl IntoIterator<Item = TensorResult<ImageBatch>>,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), TrainError> {
        self.run_on(&mut HostEngine::new(batches.into_iter()), observers)
    }

    /// Takes the steps of an engine until its batches end, and lets the observers look between bursts.
    ///
    /// # Errors
    /// Stops at the first failure of the engine or an observer. The trainer may then be out of date.
    pub fn run_on(
        &mut self,
        engine: &mut dyn Engine,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), TrainError> {
        let mut reports = Vec::new();
        loop {
            let step = self.state.step;
            let looks = observers.iter().map(|observer| observer.looks_after(step));
            let last = looks.min().unwrap_or(u64::MAX);
            let most = last.saturating_sub(step).saturating_add(1);
            reports.clear();
            let taken = engine.burst(self, most, &mut reports);
            for report in &reports {
                for observer in observers.iter_mut() {
                    observer.on_step(report).map_err(TrainError::Observer)?;
                }
            }
            taken?;
            let Some(report) = reports.last() else { break };
            self.state.step = report.step + 1;
            self.state.images_seen = report.images_seen;
            let mut look = Look::new(self, engine, report);
            for observer in observers.iter_mut() {
                observer.on_look(&mut look).map_err(TrainError::Observer)?;
            }
        }
        engine.store(self)?;
        for observer in observers.iter_mut() {
            observer.on_end(self).map_err(TrainError::Observer)?;
        }
        Ok(())
    }
}
