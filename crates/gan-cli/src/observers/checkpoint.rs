//! Keeps what has been learnt: a checkpoint and the generator, every so often and at the end.

use super::{Observed, Schedule, present};
use crate::checkpoint_folder::Retention;
use crate::config::OutputConfig;
use crate::run_folder::RunFolder;
use crate::training::RunFacts;
use anyhow::Result;
use gan_models::{GeneratorHeader, ModelConfig, TrainingData};
use gan_train::{Observer, StepReport, Trainer};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between checkpoints, where the configuration does not say how many steps.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes a run's checkpoints and generators.
#[derive(Clone)]
pub(crate) struct CheckpointWriter {
    run: RunFolder,
    facts: RunFacts,
    facts_value: serde_json::Value,
    training: TrainingData,
}

impl CheckpointWriter {
    pub(crate) fn new(run: RunFolder, facts: RunFacts, training: TrainingData) -> Result<Self> {
        Ok(Self {
            run,
            training,
            facts_value: serde_json::to_value(&facts)?,
            facts,
        })
    }

    pub(crate) fn run(&self) -> &RunFolder {
        &self.run
    }

    pub(crate) fn model(&self) -> &ModelConfig {
        &self.facts.config.model
    }

    pub(crate) fn write_best(&self, trainer: &Trainer) -> Observed {
        self.write(
            trainer,
            &self.run.best_checkpoint(),
            &self.run.best_generator(),
        )
    }

    fn write_last(&self, trainer: &Trainer) -> Observed {
        let checkpoint = self.run.checkpoints().file(trainer.state().step);
        self.write(trainer, &checkpoint, &self.run.generator())
    }

    /// The logs go to the disk first and the generator before the checkpoint: all that belongs to a
    /// checkpoint is there when it is.
    fn write(&self, trainer: &Trainer, checkpoint: &Path, generator_file: &Path) -> Observed {
        present(checkpoint)?;
        for log in [self.run.metrics(), self.run.timing(), self.run.scores()] {
            if log.exists() {
                File::open(log)?.sync_data()?;
            }
        }
        let (model, seed) = (self.model().clone(), self.facts.config.train.seed);
        let done = trainer.state().step;
        trainer.with_averaged_generator(|generator| {
            GeneratorHeader::new(model, generator.image_shape(), done, seed)
                .of_data(self.training.clone())
                .save(generator, generator_file)
        })??;
        gan_train::save(trainer, self.facts_value.clone(), checkpoint)?;
        Ok(())
    }
}

pub(crate) struct CheckpointObserver {
    writer: CheckpointWriter,
    schedule: Schedule,
    retention: Retention,
    /// When the last ones were written, or the run began.
    written: Instant,
    /// Steps done at the last one.
    steps_kept: u64,
}

impl CheckpointObserver {
    /// An observer of a run that has a checkpoint of `done` steps, or has done none.
    pub(crate) fn new(
        writer: CheckpointWriter,
        schedule: Schedule,
        done: u64,
        config: &OutputConfig,
    ) -> Self {
        Self {
            writer,
            schedule,
            retention: Retention {
                count: config.keep_checkpoints,
                every: config.checkpoint_every,
                last: schedule.steps,
            },
            written: Instant::now(),
            steps_kept: done,
        }
    }

    /// How many steps were done when the newest checkpoint was written; 0 if there is none.
    pub(crate) fn steps_kept(&self) -> u64 {
        self.steps_kept
    }

    /// Writes a checkpoint, unless there is one of this step, and removes those that are outdated.
    pub(crate) fn keep(&mut self, trainer: &Trainer) -> Result<()> {
        let done = trainer.state().step;
        if done != self.steps_kept {
            self.writer
                .write_last(trainer)
                .map_err(anyhow::Error::from_boxed)?;
            self.written = Instant::now();
            self.steps_kept = done;
        }
        self.writer.run().checkpoints().prune(self.retention)
    }
}

impl Observer for CheckpointObserver {
    fn on_step(&mut self, trainer: &Trainer, report: &StepReport) -> Observed {
        let due = match self.retention.every {
            Some(every) => (report.step + 1).is_multiple_of(every),
            None => self.written.elapsed() >= INTERVAL,
        };
        if due || self.schedule.is_last(report.step) {
            self.keep(trainer)?;
        }
        Ok(())
    }
}
