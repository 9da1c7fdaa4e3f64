//! One attempt to train to the end: from a checkpoint to a stop or a failure.

use super::TextPlan;
use super::checkpoint::TextCheckpoints;
use super::examination::TextDoctor;
use super::log::TextLog;
use super::saved::TextRunFacts;
use super::scores::{DECISIVE, scores};
use super::texts::write_texts;
use crate::events::Tell;
use crate::json_lines::JsonLines;
use crate::log::ScoresLine;
use crate::{Ended, Event, RunError, RunFolder, StopToken};
use gan_text::{PartKind, TextCheckpoint, TextPart, TextTrainer};
use gan_train::TrainError;

/// What an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) plan: &'a TextPlan,
    pub(super) run: &'a RunFolder,
    pub(super) facts: &'a TextRunFacts,
    pub(super) stop: &'a StopToken,
    pub(super) events: &'a dyn Tell,
}

/// What is written after each part.
struct Writers<'a> {
    log: TextLog<'a>,
    scores: JsonLines,
    /// The lowest decisive score so far.
    lowest: f64,
    checkpoints: TextCheckpoints<'a>,
    doctor: TextDoctor,
}

impl Attempt<'_> {
    /// Trains until the end, a stop, or numbers that are not finite.
    pub(super) fn train(&self, trainer: &mut TextTrainer) -> Result<Ended, RunError> {
        let (plan, run, events) = (self.plan, self.run, self.events);
        let state = trainer.state();
        let parts = state.parts();
        let mut writers = Writers {
            log: TextLog::new(run, plan, events)?,
            scores: JsonLines::open(run, run.scores())?,
            lowest: self.lowest()?,
            checkpoints: TextCheckpoints::new(run, plan, self.facts, parts, events)?,
            doctor: TextDoctor::of(run)?,
        };
        writers.checkpoints.restore(trainer)?;
        events.tell(Event::Started {
            done: state.step,
            steps: plan.steps,
        });
        if parts == 0 {
            write_texts(run, trainer.generator(), plan, 0, events)?;
        }
        let trained = self.parts(trainer, &mut writers);
        let kept = trained.and_then(|()| writers.checkpoints.keep(trainer));
        let saved = writers.checkpoints.kept;
        match kept {
            Ok(()) if trainer.state().step < plan.steps => Ok(Ended::Stopped {
                done: trainer.state().step,
            }),
            Ok(()) => Ok(Ended::Complete(writers.log.summary())),
            Err(RunError::Train(cause @ TrainError::NonFinite { .. })) => Ok(Ended::Diverged {
                saved,
                rollbacks: 0,
                cause,
            }),
            Err(error) => Err(RunError::Failed {
                path: run.path().to_path_buf(),
                saved,
                in_place: run.check_in_place().is_ok(),
                source: Box::new(error),
            }),
        }
    }

    fn parts(&self, trainer: &mut TextTrainer, writers: &mut Writers<'_>) -> Result<(), RunError> {
        while !self.stop.is_stopped() {
            let Some(part) = trainer.advance()? else {
                return Ok(());
            };
            self.after(&part, trainer, writers)?;
        }
        Ok(())
    }

    /// Everything that is written after a part; the checkpoint comes last, so that what belongs to it is there.
    fn after(
        &self,
        part: &TextPart,
        trainer: &TextTrainer,
        writers: &mut Writers<'_>,
    ) -> Result<(), RunError> {
        let (plan, run) = (self.plan, self.run);
        let output = &plan.config.output;
        if let Some(line) = writers.log.part(part, trainer.state())? {
            writers.doctor.line(&line, self.events);
        }
        if part.kind != PartKind::Round {
            let done = trainer.state().step;
            let is_end = done == plan.steps;
            let is_pretrained = done == plan.pretraining_steps && plan.config.adversary.steps() > 0;
            if done.is_multiple_of(output.sample_every) || is_end || is_pretrained {
                write_texts(run, trainer.generator(), plan, done, self.events)?;
            }
            if is_pretrained {
                writers.checkpoints.write_pretrained(trainer)?;
            }
            if done.is_multiple_of(output.evaluate_every) || is_end || is_pretrained {
                self.score(trainer, writers)?;
            }
        }
        writers.checkpoints.part(trainer)
    }

    fn score(&self, trainer: &TextTrainer, writers: &mut Writers<'_>) -> Result<(), RunError> {
        let scores = scores(trainer.generator(), self.plan)?;
        let value = scores.get(DECISIVE).copied().flatten();
        let best = value.is_some_and(|value| value < writers.lowest);
        let line = ScoresLine {
            step: trainer.state().step - 1,
            epoch: 0,
            features: None,
            against: None,
            scores,
            class_shares: None,
            data_class_shares: None,
            best,
        };
        self.events.tell(Event::TextScored(&line));
        writers.doctor.scores(&line, self.events);
        if best {
            writers.lowest = value.unwrap_or(f64::INFINITY);
            writers.checkpoints.write_best(trainer)?;
        }
        writers.scores.append(&line)
    }

    /// The lowest decisive score that the run has had.
    fn lowest(&self) -> Result<f64, RunError> {
        let has_best = self
            .run
            .text_best_files()
            .step::<TextCheckpoint>()?
            .is_some();
        let lines = match has_best {
            true => self.run.read_scores()?,
            false => Vec::new(),
        };
        let scores = lines.iter().filter_map(|line| *line.scores.get(DECISIVE)?);
        Ok(scores.fold(f64::INFINITY, f64::min))
    }
}
