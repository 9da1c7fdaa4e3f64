//! Keeps what has been learnt: a checkpoint and the generator, after epochs and at the end.

use super::Schedule;
use crate::config::RunConfig;
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_models::GeneratorHeader;
use gan_train::{Observer, StepReport, Trainer};
use std::error::Error;
use std::time::{Duration, Instant};

/// Short epochs are not all worth a wait for the disk: this long must have gone by since the last.
const INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct CheckpointObserver {
    run: RunFolder,
    config: RunConfig,
    config_value: serde_json::Value,
    schedule: Schedule,
    /// When the last ones were written, or the run began.
    written: Instant,
}

impl CheckpointObserver {
    pub(crate) fn new(run: RunFolder, config: RunConfig, schedule: Schedule) -> Result<Self> {
        let config_value = serde_json::to_value(&config)?;
        Ok(Self {
            run,
            config,
            config_value,
            schedule,
            written: Instant::now(),
        })
    }
}

impl Observer for CheckpointObserver {
    fn on_step(
        &mut self,
        trainer: &Trainer,
        report: &StepReport,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let done = report.step + 1;
        let end_of_epoch = done.is_multiple_of(self.schedule.steps_per_epoch);
        let due = end_of_epoch && self.written.elapsed() >= INTERVAL;
        if due || self.schedule.is_last(report.step) {
            let checkpoint = self.run.last_checkpoint();
            gan_train::save(trainer, self.config_value.clone(), &checkpoint)?;
            let generator = trainer.generator();
            let (model, seed) = (self.config.model.clone(), self.config.train.seed);
            GeneratorHeader::new(model, generator.image_shape(), done, seed)
                .save(generator, &self.run.generator())?;
            self.written = Instant::now();
        }
        Ok(())
    }
}
