//! Trains a text generator in a run folder until the end, a stop or a failure.

use super::attempt::Attempt;
use super::go_back::go_back;
use super::saved::TextRunFacts;
use super::{AgreedTextRun, TextOutputConfig, TextPlan};
use crate::events::Tell;
use crate::{Ended, Event, Events, NewRun, RunError, RunFolder, StopToken};
use gan_text::TextCheckpoint;
use std::cell::RefCell;
use std::io::Write;

/// A run folder that this process writes to, and the state of its run.
pub(super) struct Start {
    pub(super) run: RunFolder,
    /// None at the start.
    pub(super) checkpoint: Option<TextCheckpoint>,
    /// The output of a shorter run that ended at the checkpoint and is now extended.
    pub(super) ended: Option<TextOutputConfig>,
}

/// A run of text that this process alone writes to, ready to be trained.
pub struct TextSession {
    plan: TextPlan,
    start: Start,
}

impl TextSession {
    /// A new run. With `replace`, a run that is there is removed, and nothing else.
    ///
    /// # Errors
    /// When the folder cannot be made or holds anything.
    pub fn create(plan: TextPlan, place: &NewRun, replace: bool) -> Result<Self, RunError> {
        let start = Start {
            run: RunFolder::create(place, replace)?,
            checkpoint: None,
            ended: None,
        };
        Self::new(plan, start)
    }

    /// A run that goes on.
    ///
    /// # Errors
    /// When its checkpoint does not fit, or the folder cannot be written.
    pub fn resume(agreed: AgreedTextRun) -> Result<Self, RunError> {
        let (plan, start) = agreed.start();
        // A checkpoint that does not fit is to be found before the run's configuration is replaced.
        if let Some(checkpoint) = &start.checkpoint {
            checkpoint.restore(&mut plan.trainer()?)?;
        }
        start.run.complete()?;
        Self::new(plan, start)
    }

    fn new(plan: TextPlan, start: Start) -> Result<Self, RunError> {
        start.run.write_config(&plan.config)?;
        if let Some(tokenizer) = &plan.set.tokenizer {
            for (name, bytes) in tokenizer.files() {
                let path = start.run.real().join(name);
                if gan_core::read_regular(&path).is_ok_and(|there| there == bytes) {
                    continue;
                }
                start.run.check_in_place()?;
                gan_core::write_atomically(&path, |out| out.write_all(&bytes))
                    .map_err(RunError::io(&path, "written"))?;
            }
        }
        Ok(Self { plan, start })
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.start.run
    }

    /// What is trained.
    pub fn plan(&self) -> &TextPlan {
        &self.plan
    }

    /// The generator's steps that are done already.
    pub fn done(&self) -> u64 {
        let checkpoint = self.start.checkpoint.as_ref();
        checkpoint.map_or(0, |checkpoint| checkpoint.header.state.step)
    }

    /// Trains to the end, or until `stop` is asked for. The same seed gives the same bytes, however often the run is
    /// stopped and resumed.
    ///
    /// # Errors
    /// [`RunError::Failed`], with what is saved, when a step or a write fails.
    pub fn train(self, stop: &StopToken, events: &mut dyn Events) -> Result<Ended, RunError> {
        let events = RefCell::new(events);
        let ended = self.attempt(stop, &events);
        events.tell(Event::Ended);
        ended
    }

    fn attempt(self, stop: &StopToken, events: &dyn Tell) -> Result<Ended, RunError> {
        let Self { plan, start } = self;
        let mut trainer = plan.trainer()?;
        if let Some(checkpoint) = &start.checkpoint {
            checkpoint.restore(&mut trainer)?;
        }
        go_back(&start.run, trainer.state(), start.ended.as_ref())?;
        let facts = TextRunFacts::of(&plan);
        if start.ended.is_some() {
            let checkpoints = start.run.text_checkpoints();
            checkpoints.restate::<TextCheckpoint>(&start.run, &serde_json::to_value(&facts)?)?;
        }
        let attempt = Attempt {
            plan: &plan,
            run: &start.run,
            facts: &facts,
            stop,
            events,
        };
        attempt.train(&mut trainer)
    }
}
