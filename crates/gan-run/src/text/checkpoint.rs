//! Saves checkpoints and generators of a run of text at intervals, at a stop and at the end.

use super::TextPlan;
use super::saved::TextRunFacts;
use crate::best::generator_step;
use crate::checkpoints::Retention;
use crate::events::Tell;
use crate::{Event, RunError, RunFolder};
use gan_text::{TextCheckpoint, TextGeneratorHeader, TextTrainer};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time between checkpoints if the configuration does not set a number of parts.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes a run's checkpoints and generators.
pub(super) struct TextCheckpoints<'a> {
    run: &'a RunFolder,
    plan: &'a TextPlan,
    facts: serde_json::Value,
    retention: Retention,
    written: Instant,
    /// Parts done at the newest checkpoint.
    pub(super) kept: u64,
    events: &'a dyn Tell,
}

impl<'a> TextCheckpoints<'a> {
    /// Those of a run that has one of `done` parts, or has not done any.
    pub(super) fn new(
        run: &'a RunFolder,
        plan: &'a TextPlan,
        facts: &TextRunFacts,
        done: u64,
        events: &'a dyn Tell,
    ) -> Result<Self, RunError> {
        Ok(Self {
            run,
            plan,
            facts: serde_json::to_value(facts)?,
            retention: Retention {
                count: plan.config.output.keep_checkpoints,
                regular: facts.regular(),
                last: u64::MAX,
            },
            written: Instant::now(),
            kept: done,
            events,
        })
    }

    /// Writes a checkpoint if one is due.
    pub(super) fn part(&mut self, trainer: &TextTrainer) -> Result<(), RunError> {
        let is_due = match self.plan.config.output.checkpoint_every {
            Some(every) => trainer.state().parts().is_multiple_of(every),
            None => self.written.elapsed() >= INTERVAL,
        };
        if is_due { self.keep(trainer) } else { Ok(()) }
    }

    /// Writes a checkpoint, unless this part already has one, and removes outdated ones.
    pub(super) fn keep(&mut self, trainer: &TextTrainer) -> Result<(), RunError> {
        let done = trainer.state().parts();
        if done == self.kept {
            return Ok(());
        }
        let path = self.run.text_checkpoints().file(done);
        self.write(trainer, &path, &self.run.generator())?;
        (self.kept, self.written) = (done, Instant::now());
        let is_end = trainer.state().step == trainer.steps();
        let retention = Retention {
            last: if is_end { done } else { u64::MAX },
            ..self.retention
        };
        let checkpoints = self.run.text_checkpoints();
        checkpoints.prune(retention)?;
        let horizons = checkpoints.steps()?;
        let best = self.run.text_best_files();
        best.prune::<TextCheckpoint>(&horizons)?;
        self.events.tell(Event::Checkpoint { done, path: &path });
        Ok(())
    }

    /// Writes the best checkpoint and its generator. Earlier ones stay, named by their parts, as long as the run may
    /// go back to them.
    pub(super) fn write_best(&self, trainer: &TextTrainer) -> Result<(), RunError> {
        let best = self.run.text_best_files();
        self.run.check_in_place()?;
        if let Some(parts) = best.step::<TextCheckpoint>()? {
            best.keep_earlier(parts)?;
        }
        self.write(trainer, &best.checkpoint(), &best.generator())
    }

    /// Writes the generators again that are missing or not those of their checkpoints.
    pub(super) fn restore(&self, trainer: &TextTrainer) -> Result<(), RunError> {
        let parts = trainer.state().parts();
        let generator = self.run.generator();
        if parts > 0 && generator_step(&generator) != Some(parts) {
            self.write_generator(trainer, &generator)?;
        }
        let best = self.run.text_best_files();
        if let Some(parts) = best.step::<TextCheckpoint>()?
            && generator_step(&best.generator()) != Some(parts)
        {
            let mut other = self.plan.trainer()?;
            TextCheckpoint::read(&best.checkpoint())?.restore(&mut other)?;
            self.write_generator(&other, &best.generator())?;
        }
        Ok(())
    }

    /// Writes the generator as it is before the first adversarial step.
    pub(super) fn write_pretrained(&self, trainer: &TextTrainer) -> Result<(), RunError> {
        self.write_generator(trainer, &self.run.pretrained())
    }

    /// The logs are flushed to disk first, so that a checkpoint never exists without its log lines. The generator
    /// comes last: it can be written again from the checkpoint.
    fn write(
        &self,
        trainer: &TextTrainer,
        checkpoint: &Path,
        generator: &Path,
    ) -> Result<(), RunError> {
        self.run.check_in_place()?;
        self.run.flush_logs()?;
        TextCheckpoint::save(trainer, self.facts.clone(), checkpoint)?;
        self.write_generator(trainer, generator)
    }

    fn write_generator(&self, trainer: &TextTrainer, path: &Path) -> Result<(), RunError> {
        self.run.check_in_place()?;
        let (corpus, tokens) = (trainer.corpus(), self.plan.tokenizer_sha256());
        let header = TextGeneratorHeader::new(corpus, tokens, trainer.state(), trainer.seed());
        Ok(header.save(trainer.generator(), path)?)
    }
}
