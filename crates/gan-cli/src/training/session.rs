//! Trains in a run folder until the end, a stop or a failure.

use super::go_back::{go_back, restate};
use super::plan::Plan;
use super::saved::RunFacts;
use super::start::Start;
use crate::best_files::generator_step;
use crate::checkpoint_folder::Regular;
use crate::commands::{program, quoted};
use crate::config::OutputConfig;
use crate::console::Console;
use crate::evaluation::DataReference;
use crate::observers::{
    CheckpointObserver, CheckpointWriter, LogObserver, PictureObserver, ScoreObserver, picture_name,
};
use crate::run_folder::RunFolder;
use crate::stop::StopSignals;
use anyhow::Result;
use gan_train::{Checkpoint, Observer, OnNan, TrainError, Trainer};
use indicatif::HumanCount;

/// The most rollbacks of a run that diverges.
const MOST_ROLLBACKS: u32 = 3;

/// A run that this process alone writes to.
struct Session<'a> {
    plan: &'a Plan,
    run: RunFolder,
    facts: RunFacts,
    /// What scores during training need.
    reference: Option<DataReference>,
    console: &'a Console,
}

/// How an attempt ended without an error.
enum Ending {
    Complete { summary: String },
    Diverged { step: u64, error: anyhow::Error },
}

/// Trains from `start` to the end.
///
/// # Errors
/// When the run diverges, is stopped or cannot write.
pub(crate) fn train(
    plan: &Plan,
    start: Start,
    reference: Option<DataReference>,
    console: &Console,
) -> Result<()> {
    let Start {
        run,
        checkpoint,
        ended,
        log_every,
        regular,
    } = start;
    let session = Session {
        plan,
        run,
        facts: RunFacts {
            config: plan.config.clone(),
            data_sha256: plan.training.data_sha256.clone(),
            regular_since: regular.since,
        },
        reference,
        console,
    };
    session.train(checkpoint, ended, log_every, regular)
}

impl Session<'_> {
    fn train(
        &self,
        mut checkpoint: Option<Checkpoint>,
        mut ended: Option<OutputConfig>,
        mut log_every: u64,
        regular: Regular,
    ) -> Result<()> {
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
            let ended = ended.take();
            // After a rollback nothing is known of the intervals of older lines.
            let log_every = std::mem::replace(&mut log_every, u64::MAX);
            go_back(&self.run, trainer.state().step, ended.as_ref(), log_every)?;
            if ended.is_some() {
                restate(&self.run, &serde_json::to_value(&self.facts)?)?;
            }
            match self.attempt(&mut trainer, &signals)? {
                Ending::Complete { summary } => {
                    self.report(&summary);
                    return Ok(());
                }
                Ending::Diverged { step, error } => {
                    if rollbacks >= MOST_ROLLBACKS {
                        let text = format!("step {step}: diverged after {rollbacks} rollbacks");
                        return Err(error.context(text));
                    }
                    rollbacks += 1;
                    checkpoint = self.checkpoint_to_go_back_to(regular)?;
                    let from = checkpoint.as_ref().map_or(0, |c| c.header.state.step);
                    tracing::warn!(
                        "{error:#}; back to step {from} with another seed, rollback {rollbacks} of {MOST_ROLLBACKS}"
                    );
                }
            }
        }
    }

    /// The newest regular checkpoint: not one left by a stop, so that a run that was stopped goes back as
    /// far as one that was not. None: back to the start.
    fn checkpoint_to_go_back_to(&self, regular: Regular) -> Result<Option<Checkpoint>> {
        let found = self
            .run
            .checkpoints()
            .read_newest(|step| regular.includes(step))?;
        if found.is_none() && regular.since > 0 {
            let text = format!("the checkpoint of step {} is missing", regular.since);
            return Err(anyhow::anyhow!(text).context("the run diverged and cannot roll back"));
        }
        Ok(found)
    }

    /// Writes the best generator again, where it is missing or not that of the best checkpoint. If that
    /// cannot be done, only the file is missing.
    fn restore_best(&self, writer: &CheckpointWriter) {
        let best = self.run.best_files();
        let restore = || -> Result<()> {
            let Some(step) = best.step()? else {
                return Ok(());
            };
            if generator_step(&best.generator()) != Some(step) {
                let mut trainer = self.plan.trainer()?;
                Checkpoint::read(&best.checkpoint())?.restore(&mut trainer)?;
                writer
                    .write_best_generator(&trainer)
                    .map_err(anyhow::Error::from_boxed)?;
            }
            Ok(())
        };
        if let Err(error) = restore() {
            let path = best.generator();
            tracing::warn!("{}: cannot be written again: {error:#}", path.display());
        }
    }

    /// Trains until the end, a stop, or numbers that are not finite.
    fn attempt(&self, trainer: &mut Trainer, signals: &StopSignals) -> Result<Ending> {
        let (plan, run, config) = (self.plan, &self.run, &self.plan.config);
        let (state, schedule) = (trainer.state(), plan.schedule);
        let writer = CheckpointWriter::new(run.clone(), self.facts.clone(), plan.training.clone())?;
        writer
            .restore_generator(trainer)
            .map_err(anyhow::Error::from_boxed)?;
        self.restore_best(&writer);
        let mut log = LogObserver::new(run, schedule, state, config, &plan.data, self.console)?;
        let mut pictures = PictureObserver::new(run, plan)?;
        if state.step == 0 {
            pictures.begin(trainer).map_err(anyhow::Error::from_boxed)?;
        }
        let mut checkpoints =
            CheckpointObserver::new(writer.clone(), schedule, state.step, &config.output);
        let mut scores = match self.reference.as_ref().zip(config.output.evaluate_every) {
            None => None,
            Some((data, every)) => {
                Some(ScoreObserver::new(data, plan, every, writer, self.console)?)
            }
        };
        let seed = config.train.seed.after_rollbacks(state.rollbacks);
        let loader = plan.loader(seed)?;
        let left = schedule.steps.saturating_sub(state.step);
        let batches = loader
            .batches_from(state.step)
            .take(usize::try_from(left).unwrap_or(usize::MAX))
            .take_while(|_| signals.received().is_none());

        // Checkpoints come last: what comes before one need not be written again after a stop.
        let mut observers: Vec<&mut dyn Observer> = vec![&mut pictures, &mut log];
        observers.extend(scores.as_mut().map(|scores| scores as &mut dyn Observer));
        observers.push(&mut checkpoints);
        let trained = trainer.run(batches, &mut observers);
        if let Err(error) = trained {
            return self.failed(error, &mut log, &checkpoints);
        }
        if let Err(error) = checkpoints.keep(trainer) {
            return self.failed(TrainError::Observer(error), &mut log, &checkpoints);
        }
        match signals.received() {
            Some(stopped) if trainer.state().step < schedule.steps => {
                let (step, again) = (trainer.state().step, self.how_to_resume());
                self.console.result(format!(
                    "Stopped by {} after {} of {} steps, all saved; resume with {again}",
                    stopped.name(),
                    HumanCount(step),
                    HumanCount(schedule.steps),
                ));
                Err(stopped.into())
            }
            _ => Ok(Ending::Complete {
                summary: log.summary(),
            }),
        }
    }

    /// Reports what is saved of a run that could not continue, unless it may roll back.
    fn failed(
        &self,
        error: TrainError,
        log: &mut LogObserver,
        checkpoints: &CheckpointObserver,
    ) -> Result<Ending> {
        let steps = checkpoints.steps_kept();
        let path = self.run.path().display();
        let Some(step) = diverged_at(&error) else {
            let saved = match steps {
                _ if self.run.check_in_place().is_err() => "the run cannot continue".to_string(),
                0 => "there was no checkpoint yet".to_string(),
                _ => format!(
                    "the checkpoint of step {steps} is saved; resume with {}",
                    self.how_to_resume()
                ),
            };
            return Err(anyhow::Error::from(error).context(format!("{path}: {saved}")));
        };
        let saved = match steps {
            0 => "there was no checkpoint yet".to_string(),
            _ => format!("the checkpoint of step {steps} is saved"),
        };
        if let Err(error) = log.diverged(step) {
            tracing::warn!(%error, "the log's last line");
        }
        let error = anyhow::Error::from(error);
        if self.plan.config.train.on_nan == OnNan::Rollback {
            return Ok(Ending::Diverged { step, error });
        }
        Err(error.context(format!("{path}: {saved}")))
    }

    fn how_to_resume(&self) -> String {
        format!("`{} train --resume {}`", program(), quoted(self.run.path()))
    }

    /// Where the results are, and what to do with them.
    fn report(&self, summary: &str) {
        let path = self.run.path();
        if self.console.is_quiet() {
            self.console.result(path.display().to_string());
        }
        self.console
            .line(format!("{summary}; in {}:", path.display()));
        let picture = picture_name(self.plan.schedule.steps);
        let last = if self.run.samples().join(&picture).exists() {
            format!("samples/{picture}")
        } else {
            "samples/".to_string()
        };
        let toy = self.plan.config.data.toy().is_some();
        let scores = self.reference.is_some();
        let places = [
            (true, last.as_str(), "what the generator draws now"),
            (
                true,
                "generator.safetensors",
                "its weights, for sample and evaluate",
            ),
            (true, "metrics.jsonl", "losses, D(x), D(G(z)) and V by step"),
            (true, "timing.jsonl", "images per second by step"),
            (
                scores,
                "scores.jsonl",
                "scores by step; checkpoints/ has the best",
            ),
            (true, "checkpoints/", "what --resume needs"),
            (true, "config.toml", "the configuration"),
        ];
        for (_, name, what) in places.iter().filter(|(there, ..)| *there) {
            self.console.line(format!("  {name:<22} {what}"));
        }
        for command in ["sample", "evaluate"].iter().take(if toy { 1 } else { 2 }) {
            let text = format!("Next: {} {command} {}", program(), quoted(path));
            self.console.line(text);
        }
    }
}

/// The step at which a number was not finite, during training or when writing a checkpoint.
fn diverged_at(error: &TrainError) -> Option<u64> {
    match error {
        TrainError::NonFinite { step, .. } => Some(*step),
        TrainError::Observer(cause) => cause.downcast_ref().and_then(diverged_at),
        _ => None,
    }
}
