//! Training in a run folder until the end, a stop or a failure.

use super::plan::Plan;
use super::saved::RunFacts;
use crate::commands::{program, quoted};
use crate::console::Console;
use crate::evaluation::DataReference;
use crate::observers::{
    CheckpointObserver, CheckpointWriter, GridObserver, LogObserver, ScatterObserver, ScoreObserver,
};
use crate::run_folder::RunFolder;
use crate::stop::StopSignals;
use anyhow::Result;
use gan_train::{Checkpoint, Observer, OnNan, TrainError, Trainer};

/// A run that diverges goes back at most so often.
const MOST_ROLLBACKS: u32 = 3;

/// A run that this process has to itself.
pub(crate) struct Session<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) run: RunFolder,
    /// What scores while training need.
    pub(crate) reference: Option<DataReference>,
    pub(crate) console: &'a Console,
}

/// How an attempt ended that nothing went wrong in.
enum Ending {
    Complete { summary: String },
    Diverged { step: u64, error: anyhow::Error },
}

impl Session<'_> {
    /// Trains from `checkpoint`, or from the beginning, to the end.
    pub(crate) fn train(&self, mut checkpoint: Option<Checkpoint>) -> Result<()> {
        let signals = StopSignals::listen()?;
        let mut rollbacks = 0;
        loop {
            let mut trainer = self.plan.trainer()?;
            if let Some(checkpoint) = checkpoint.take() {
                checkpoint.restore(&mut trainer)?;
            }
            let before = trainer.state().rollbacks;
            rollbacks = before.max(rollbacks);
            trainer.set_rollbacks(rollbacks);
            match self.attempt(&mut trainer, &signals)? {
                Ending::Complete { summary } => {
                    self.report(&summary);
                    return Ok(());
                }
                Ending::Diverged { step, error } => {
                    if rollbacks == MOST_ROLLBACKS {
                        let text = format!("step {step}: diverged after {rollbacks} rollbacks");
                        return Err(error.context(text));
                    }
                    rollbacks += 1;
                    checkpoint = self.run.checkpoints().read_newest()?;
                    let from = checkpoint.as_ref().map_or(0, |c| c.header.state.step);
                    tracing::warn!(
                        "{error:#}; back to step {from} with another seed, rollback {rollbacks} of {MOST_ROLLBACKS}"
                    );
                }
            }
        }
    }

    /// Trains until the end, a stop, or numbers that are not finite.
    fn attempt(&self, trainer: &mut Trainer, signals: &StopSignals) -> Result<Ending> {
        let (plan, run, config) = (self.plan, &self.run, &self.plan.config);
        let (state, schedule) = (trainer.state(), plan.schedule);
        let facts = RunFacts {
            config: config.clone(),
            data_sha256: plan.training.data_sha256.clone(),
        };
        let writer = CheckpointWriter::new(run.clone(), facts, plan.training.clone())?;
        let mut log =
            LogObserver::new(run, schedule, state.step, config, &plan.data, self.console)?;
        let mut pictures: Box<dyn Observer> = if config.data.toy().is_some() {
            let every = config.output.sample_every;
            Box::new(ScatterObserver::new(run.samples(), every, &plan.data)?)
        } else {
            Box::new(GridObserver::new(run.samples(), &config.output))
        };
        let mut checkpoints =
            CheckpointObserver::new(writer.clone(), schedule, state.step, &config.output);
        let mut scores = match self.reference.as_ref().zip(config.output.evaluate_every) {
            None => None,
            Some((data, every)) => Some(ScoreObserver::new(
                data,
                plan,
                every,
                writer,
                state.step,
                self.console,
            )?),
        };
        let seed = config.train.seed.after_rollbacks(state.rollbacks);
        let loader = plan.loader(seed)?;
        let left = schedule.steps.saturating_sub(state.step);
        let batches = loader
            .batches_from(state.step)
            .take(usize::try_from(left).unwrap_or(usize::MAX))
            .take_while(|_| signals.received().is_none());

        // Checkpoints come last: what is before one need not be written again after a stop.
        let mut observers: Vec<&mut dyn Observer> = vec![&mut *pictures, &mut log];
        observers.extend(scores.as_mut().map(|scores| scores as &mut dyn Observer));
        observers.push(&mut checkpoints);
        let trained = trainer.run(batches, &mut observers);
        if let Err(error) = trained {
            return self.failed(error, &mut log, &checkpoints);
        }
        checkpoints.keep(trainer)?;
        match signals.received() {
            Some(stopped) if trainer.state().step < schedule.steps => {
                let (step, again) = (trainer.state().step, self.how_to_go_on());
                self.console.result(format!(
                    "{stopped} after {step} of {} steps, all kept; {again} goes on from there",
                    schedule.steps
                ));
                Err(stopped.into())
            }
            _ => Ok(Ending::Complete {
                summary: log.summary(),
            }),
        }
    }

    /// What is kept of a run that could not go on, unless it may go back.
    fn failed(
        &self,
        error: TrainError,
        log: &mut LogObserver,
        checkpoints: &CheckpointObserver,
    ) -> Result<Ending> {
        let kept = match checkpoints.steps_kept() {
            0 => "there was no checkpoint yet".to_string(),
            steps => format!("the checkpoint of step {steps} is kept"),
        };
        let path = self.run.path().display();
        let Some(step) = diverged_at(&error) else {
            let again = self.how_to_go_on();
            let context = format!("{path}: {kept}; {again} goes on from it");
            return Err(anyhow::Error::from(error).context(context));
        };
        if let Err(error) = log.diverged(step) {
            tracing::warn!(%error, "the log's last line");
        }
        let error = anyhow::Error::from(error);
        if self.plan.config.train.on_nan == OnNan::Rollback {
            return Ok(Ending::Diverged { step, error });
        }
        Err(error.context(format!("{path}: {kept}")))
    }

    fn how_to_go_on(&self) -> String {
        format!("`{} train --resume {}`", program(), quoted(self.run.path()))
    }

    fn report(&self, summary: &str) {
        let path = self.run.path();
        let line = |text: &str| self.console.line(text);
        line(&format!("{summary}, all in {}:", path.display()));
        line("  generator.safetensors  the trained generator");
        line("  samples/               a grid of generated digits, named by the step");
        line("  metrics.jsonl          losses, D(x), D(G(z)), V by step");
        line("  timing.jsonl           images a second by step");
        if self.reference.is_some() {
            line("  scores.jsonl           the scores by step; the best is in checkpoints/ too");
        }
        line("  checkpoints/           all that training needs to go on");
        line("  config.toml            this run's configuration");
        for command in ["sample", "evaluate"] {
            line(&format!("Next: {} {command} {}", program(), quoted(path)));
        }
    }
}

/// The step that found a number that is not finite, itself or when it was to be kept.
fn diverged_at(error: &TrainError) -> Option<u64> {
    match error {
        TrainError::NonFinite { step, .. } => Some(*step),
        TrainError::Observer(cause) => cause.downcast_ref().and_then(diverged_at),
        _ => None,
    }
}
