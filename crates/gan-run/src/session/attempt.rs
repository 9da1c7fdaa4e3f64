//! One attempt to train to the end: from a checkpoint to a stop, a failure or a divergence.

use super::Ended;
use crate::best::generator_step;
#[cfg(feature = "cuda")]
use crate::device::TrainingDevice;
use crate::events::Tell;
use crate::observers::{
    CheckpointObserver, CheckpointWriter, LogObserver, Observed, PictureObserver, ScoreObserver,
};
use crate::saved::RunFacts;
use crate::{Event, Plan, RunError, RunFolder, StopToken};
use gan_core::with_causes;
use gan_data::DataLoader;
use gan_eval::DataReference;
use gan_train::{Checkpoint, Observer, TrainError, Trainer};

/// What an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) plan: &'a Plan,
    pub(super) run: &'a RunFolder,
    pub(super) facts: &'a RunFacts,
    pub(super) reference: Option<&'a DataReference>,
    pub(super) stop: &'a StopToken,
    pub(super) events: &'a dyn Tell,
}

/// How an attempt ended without an error.
pub(super) enum Outcome {
    Ended(Ended),
    Diverged { saved: u64, cause: TrainError },
}

impl Attempt<'_> {
    /// Trains until the end, a stop, or numbers that are not finite.
    pub(super) fn train(&self, trainer: &mut Trainer) -> Result<Outcome, RunError> {
        let (plan, run, events) = (self.plan, self.run, self.events);
        let (config, schedule) = (&plan.config, plan.schedule);
        let state = trainer.state();
        let writer = CheckpointWriter::new(run.clone(), self.facts.clone(), plan.training.clone())?;
        writer.restore_generator(trainer).map_err(observed)?;
        self.restore_best(&writer);
        let mut log = LogObserver::new(run, plan, state, events)?;
        let mut pictures = PictureObserver::new(run, plan, events)?;
        events.tell(Event::Started {
            done: state.step,
            steps: schedule.steps,
        });
        if state.step == 0 {
            pictures.begin(trainer).map_err(observed)?;
        }
        let mut checkpoints =
            CheckpointObserver::new(writer.clone(), schedule, state.step, &config.output, events);
        let mut scores = match self.reference.zip(config.output.evaluate_every) {
            None => None,
            Some((data, every)) => Some(ScoreObserver::new(data, plan, every, writer, events)?),
        };
        let seed = config.train.seed.after_rollbacks(state.rollbacks);
        let loader = plan.loader(seed)?;
        let left = schedule.steps.saturating_sub(state.step);
        let left = usize::try_from(left).unwrap_or(usize::MAX);

        // Checkpoints come last: what comes before one need not be written again after a stop.
        let mut observers: Vec<&mut dyn Observer> = vec![&mut pictures, &mut log];
        observers.extend(scores.as_mut().map(|scores| scores as &mut dyn Observer));
        observers.push(&mut checkpoints);
        let trained = self.take_steps(trainer, &loader, left, &mut observers);
        let kept = match trained {
            Ok(()) => checkpoints.keep(trainer).map_err(TrainError::Observer),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            return self.failed(error, &mut log, checkpoints.steps_kept());
        }
        let done = trainer.state().step;
        Ok(Outcome::Ended(if done < schedule.steps {
            Ended::Stopped { done }
        } else {
            Ended::Complete(log.summary())
        }))
    }

    /// Trains on `left` batches, or until a stop is asked for.
    fn take_steps(
        &self,
        trainer: &mut Trainer,
        loader: &DataLoader,
        left: usize,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), TrainError> {
        let step = trainer.state().step;
        #[cfg(feature = "cuda")]
        if let Ok(TrainingDevice::Cuda(ordinal)) = TrainingDevice::named(&self.plan.config.device) {
            let picks = loader.picks_from(step).take(left);
            let picks = picks.take_while(|_| !self.stop.is_stopped());
            return crate::gpu::run(self.plan, ordinal, trainer, picks, observers);
        }
        let batches = loader.batches_from(step).take(left);
        trainer.run(batches.take_while(|_| !self.stop.is_stopped()), observers)
    }

    /// Writes the best generator again, where it is missing or not that of the best checkpoint. If that
    /// cannot be done, only the file is missing.
    fn restore_best(&self, writer: &CheckpointWriter) {
        let best = self.run.best_files();
        let restore = || -> Observed {
            let Some(step) = best.step::<Checkpoint>()? else {
                return Ok(());
            };
            if generator_step(&best.generator()) != Some(step) {
                let mut trainer = self.plan.trainer()?;
                Checkpoint::read(&best.checkpoint())?.restore(&mut trainer)?;
                writer.write_best_generator(&trainer)?;
            }
            Ok(())
        };
        if let Err(error) = restore() {
            let (path, text) = (best.generator(), with_causes(error.as_ref()));
            tracing::warn!("{}: cannot be written again: {text}", path.display());
        }
    }

    /// What is saved of a run that could not go on; a divergence is noted in the log.
    fn failed(
        &self,
        error: TrainError,
        log: &mut LogObserver<'_>,
        saved: u64,
    ) -> Result<Outcome, RunError> {
        let Some(step) = diverged_at(&error) else {
            return Err(RunError::Failed {
                path: self.run.path().to_path_buf(),
                saved,
                in_place: self.run.check_in_place().is_ok(),
                source: Box::new(of_training(error)),
            });
        };
        if let Err(error) = log.diverged(step) {
            tracing::warn!("the log's last line: {}", with_causes(&error));
        }
        Ok(Outcome::Diverged {
            saved,
            cause: error,
        })
    }
}

/// An observer's error with its type, if it is one of this crate.
fn observed(error: Box<dyn std::error::Error + Send + Sync>) -> RunError {
    of_training(TrainError::Observer(error))
}

fn of_training(error: TrainError) -> RunError {
    match error {
        TrainError::Observer(error) => match error.downcast::<RunError>() {
            Ok(error) => *error,
            Err(error) => RunError::Train(TrainError::Observer(error)),
        },
        error => RunError::Train(error),
    }
}

/// The step at which a number was not finite, during training or when writing a checkpoint.
fn diverged_at(error: &TrainError) -> Option<u64> {
    match error {
        TrainError::NonFinite { step, .. } => Some(*step),
        TrainError::Observer(cause) => match cause.downcast_ref::<RunError>() {
            Some(RunError::Train(error)) => diverged_at(error),
            _ => cause.downcast_ref().and_then(diverged_at),
        },
        _ => None,
    }
}
