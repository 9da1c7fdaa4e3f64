//! Saves a checkpoint and the generator at intervals, at a stop and at the end.

use super::Observed;
use crate::checkpoints::Retention;
use crate::events::Tell;
use crate::saved::RunFacts;
use crate::{Event, OutputConfig, RunError, RunFolder, Schedule};
use gan_core::Weights;
use gan_models::{GeneratorHeader, ModelConfig, TrainingData};
use gan_train::{Checkpoint, Look, Observer, Trainer};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time between checkpoints if the configuration does not set a number of steps.
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
    pub(crate) fn new(
        run: RunFolder,
        facts: RunFacts,
        training: TrainingData,
    ) -> Result<Self, RunError> {
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

    /// Writes the best checkpoint and its generator. Earlier ones stay, named by their step, as long as
    /// the run may roll back to them.
    pub(crate) fn write_best(&self, trainer: &Trainer) -> Observed {
        let best = self.run.best_files();
        self.run.check_in_place()?;
        if let Some(step) = best.step::<Checkpoint>()? {
            best.keep_earlier(step)?;
        }
        self.write(trainer, &best.checkpoint(), &best.generator())
    }

    /// Writes the generator of the best checkpoint, which `trainer` is restored from.
    pub(crate) fn write_best_generator(&self, trainer: &Trainer) -> Observed {
        self.run.check_in_place()?;
        self.write_generator(trainer, &self.run.best_files().generator())
    }

    /// Writes the generator of a resumed run if it is missing or not from the checkpoint.
    pub(crate) fn restore_generator(&self, trainer: &Trainer) -> Observed {
        let path = self.run.generator();
        let header = generator_header(&path);
        let (step, model) = (trainer.state().step, self.model());
        let is_current = |header: GeneratorHeader| header.step == step && header.model == *model;
        if step == 0 || header.is_some_and(is_current) {
            return Ok(());
        }
        self.run.check_in_place()?;
        self.write_generator(trainer, &path)
    }

    fn write_last(&self, trainer: &Trainer) -> Observed<PathBuf> {
        let checkpoint = self.run.checkpoints().file(trainer.state().step);
        self.write(trainer, &checkpoint, &self.run.generator())?;
        Ok(checkpoint)
    }

    /// The logs are flushed to disk first, so that a checkpoint never exists without its log lines.
    /// The generator comes last: it can be written again from the checkpoint.
    fn write(&self, trainer: &Trainer, checkpoint: &Path, generator: &Path) -> Observed {
        self.run.check_in_place()?;
        self.run.flush_logs()?;
        gan_train::save(trainer, self.facts_value.clone(), checkpoint)?;
        self.write_generator(trainer, generator)
    }

    fn write_generator(&self, trainer: &Trainer, path: &Path) -> Observed {
        let (model, seed) = (self.model().clone(), self.facts.config.train.seed);
        let done = trainer.state().step;
        let generator = trainer.averaged_generator()?;
        GeneratorHeader::new(model, generator.image_shape(), done, seed)
            .of_data(self.training.clone())
            .save(generator.as_ref(), path)?;
        Ok(())
    }
}

/// What a generator's file says of itself, if it is whole.
fn generator_header(path: &Path) -> Option<GeneratorHeader> {
    let file = Weights::read(path).ok()?;
    GeneratorHeader::parse(&file.metadata, path).ok()
}

pub(crate) struct CheckpointObserver<'a> {
    events: &'a dyn Tell,
    writer: CheckpointWriter,
    schedule: Schedule,
    retention: Retention,
    /// When the last checkpoint was written, or the run started.
    written: Instant,
    /// Steps done at the last checkpoint.
    steps_kept: u64,
}

impl<'a> CheckpointObserver<'a> {
    /// An observer of a run that has a checkpoint of `done` steps, or has not done any.
    pub(crate) fn new(
        writer: CheckpointWriter,
        schedule: Schedule,
        done: u64,
        config: &OutputConfig,
        events: &'a dyn Tell,
    ) -> Self {
        let regular = writer.facts.regular();
        Self {
            events,
            writer,
            schedule,
            retention: Retention {
                count: config.keep_checkpoints,
                regular,
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

    /// Writes a checkpoint, unless this step already has one, and removes outdated ones. If a divergence
    /// is found here, its error keeps its type.
    pub(crate) fn keep(&mut self, trainer: &Trainer) -> Observed {
        let done = trainer.state().step;
        if done != self.steps_kept {
            let path = self.writer.write_last(trainer)?;
            self.events.tell(Event::Checkpoint { done, path: &path });
            self.written = Instant::now();
            self.steps_kept = done;
        }
        let run = self.writer.run();
        run.check_in_place()?;
        run.checkpoints().prune(self.retention)?;
        // The run may roll back to each of these, and to before the score of its last step.
        let mut horizons = run.checkpoints().steps()?;
        horizons.push(self.schedule.steps - 1);
        run.best_files().prune::<Checkpoint>(&horizons)?;
        Ok(())
    }
}

impl Observer for CheckpointObserver<'_> {
    /// A checkpoint that is due by the clock is written at the next look.
    fn looks_after(&self, step: u64) -> u64 {
        let every = self.retention.regular.every.unwrap_or(u64::MAX);
        self.schedule.next_due(step, every)
    }

    fn on_look(&mut self, look: &mut Look<'_>) -> Observed {
        let step = look.report().step;
        let due = match self.retention.regular.every {
            Some(every) => self.schedule.is_due(step, every),
            None => self.schedule.is_last(step) || self.written.elapsed() >= INTERVAL,
        };
        if due {
            self.keep(look.trainer()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Plan, RunConfig};
    use candle_core::{DType, Device, Tensor};
    use gan_data::Parts;
    use gan_train::TrainError;
    use std::cell::RefCell;

    #[test]
    fn a_divergence_that_is_found_when_a_checkpoint_is_written_is_known_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = RunConfig::default();
        config.data.path = "ring".into();
        let plan = Plan::new(config, Parts::Training, &mut |_: Event<'_>| {}).unwrap();
        let trainer = plan.trainer().unwrap();
        let parameters = trainer.generator().parameters();
        let name = &parameters.all()[0].name;
        let shape = parameters.all()[0].var.shape().clone();
        let infinite = Tensor::full(f32::INFINITY, shape, &Device::Cpu).unwrap();
        parameters
            .set(name, &infinite.to_dtype(DType::F32).unwrap())
            .unwrap();
        let facts = RunFacts {
            config: plan.config.clone(),
            data_sha256: String::new(),
            regular_since: 0,
        };
        let run = RunFolder::open(folder.path());
        let writer = CheckpointWriter::new(run, facts, plan.training.clone()).unwrap();
        let mut nobody = |_: Event<'_>| {};
        let events = RefCell::new(&mut nobody as &mut dyn Events);
        let config = &plan.config.output;
        let mut observer = CheckpointObserver::new(writer, plan.schedule, 1, config, &events);
        let error = observer.keep(&trainer).unwrap_err();
        let error = error.downcast_ref::<TrainError>();
        assert!(
            matches!(error, Some(TrainError::NonFinite { .. })),
            "{error:?}"
        );
    }
}
