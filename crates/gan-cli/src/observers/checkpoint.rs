//! Keeps what has been learnt: a checkpoint and the generator, after epochs and at the end.

use super::{Observed, Schedule};
use crate::config::RunConfig;
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_models::{GeneratorHeader, ModelConfig};
use gan_train::{Observer, StepReport, Trainer};
use std::path::Path;
use std::time::{Duration, Instant};

/// Short epochs are not all worth a wait for the disk: this long must have gone by since the last.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes a run's checkpoints and generators.
#[derive(Clone)]
pub(crate) struct CheckpointWriter {
    run: RunFolder,
    config: RunConfig,
    config_value: serde_json::Value,
}

impl CheckpointWriter {
    pub(crate) fn new(run: RunFolder, config: RunConfig) -> Result<Self> {
        let config_value = serde_json::to_value(&config)?;
        Ok(Self {
            run,
            config,
            config_value,
        })
    }

    pub(crate) fn model(&self) -> &ModelConfig {
        &self.config.model
    }

    pub(crate) fn write_last(&self, trainer: &Trainer) -> Observed {
        self.write(trainer, &self.run.last_checkpoint(), &self.run.generator())
    }

    pub(crate) fn write_best(&self, trainer: &Trainer) -> Observed {
        self.write(
            trainer,
            &self.run.best_checkpoint(),
            &self.run.best_generator(),
        )
    }

    fn write(&self, trainer: &Trainer, checkpoint: &Path, generator_file: &Path) -> Observed {
        gan_train::save(trainer, self.config_value.clone(), checkpoint)?;
        let (model, seed) = (self.config.model.clone(), self.config.train.seed);
        let done = trainer.state().step;
        trainer.with_averaged_generator(|generator| {
            GeneratorHeader::new(model, generator.image_shape(), done, seed)
                .save(generator, generator_file)
        })??;
        Ok(())
    }
}

pub(crate) struct CheckpointObserver {
    writer: CheckpointWriter,
    schedule: Schedule,
    /// When the last ones were written, or the run began.
    written: Instant,
    /// Steps done at the last one.
    steps_kept: Option<u64>,
}

impl CheckpointObserver {
    pub(crate) fn new(writer: CheckpointWriter, schedule: Schedule) -> Self {
        Self {
            writer,
            schedule,
            written: Instant::now(),
            steps_kept: None,
        }
    }

    /// How many steps were done when the checkpoint that is there was written.
    pub(crate) fn steps_kept(&self) -> Option<u64> {
        self.steps_kept
    }
}

impl Observer for CheckpointObserver {
    fn on_step(&mut self, trainer: &Trainer, report: &StepReport) -> Observed {
        let end_of_epoch = (report.step + 1).is_multiple_of(self.schedule.steps_per_epoch);
        let due = end_of_epoch && self.written.elapsed() >= INTERVAL;
        if due || self.schedule.is_last(report.step) {
            self.writer.write_last(trainer)?;
            self.written = Instant::now();
            self.steps_kept = Some(report.step + 1);
        }
        Ok(())
    }
}
