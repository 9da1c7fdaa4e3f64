//! Trains in a run folder until the end, a stop or a failure.

mod attempt;
mod ended;
mod go_back;
mod start;

pub use ended::{Ended, Summary};
pub(crate) use start::Start;

use crate::events::Tell;
use crate::observers::prepare;
use crate::saved::{AgreedRun, RunFacts, SavedRun};
use crate::{Event, Events, NewRun, Plan, RunError, RunFolder, StopToken, check_outside_data};
use attempt::{Attempt, Outcome};
use gan_eval::DataReference;
use gan_train::{Checkpoint, CheckpointHeader, ENGINE, OnNan, TrainError};
use go_back::go_back;
use std::cell::RefCell;

/// The most rollbacks of a run that diverges.
const MOST_ROLLBACKS: u32 = 3;

/// A run that this process alone writes to, ready to be trained.
pub struct Session {
    plan: Plan,
    start: Start,
    facts: RunFacts,
    /// What scores during training need.
    reference: Option<DataReference>,
}

impl Session {
    /// A new run. With `replace`, a run that is there is removed, and nothing else.
    ///
    /// # Errors
    /// When the training data cannot be scored against, although the plan wants it; when the folder cannot
    /// be made or holds anything.
    pub fn create(
        plan: Plan,
        place: &NewRun,
        replace: bool,
        events: &mut dyn Events,
    ) -> Result<Self, RunError> {
        check_outside_data(&place.path(), &plan.config.data)?;
        let reference = prepare(&plan, events)?;
        let start = Start::of_new_run(RunFolder::create(place, replace)?, &plan);
        Self::new(plan, start, reference)
    }

    /// A run that goes on. An [`Event::Note`] says if another version of the engine has trained it so far.
    ///
    /// # Errors
    /// When the training data cannot be scored against, although the plan wants it; when the folder cannot
    /// be written.
    pub fn resume(agreed: AgreedRun, events: &mut dyn Events) -> Result<Self, RunError> {
        let AgreedRun { saved, plan } = agreed;
        check_outside_data(saved.folder.path(), &plan.config.data)?;
        let reference = prepare(&plan, events)?;
        tell_of_another_device(&saved, &plan, events);
        let start = saved.start(&plan);
        // A checkpoint that does not fit is to be found before the run's configuration is replaced.
        if let Some(checkpoint) = &start.checkpoint {
            checkpoint.restore(&mut plan.trainer()?)?;
            tell_of_another_engine(&checkpoint.header, plan.schedule.steps, events);
        }
        start.run.complete()?;
        Self::new(plan, start, reference)
    }

    fn new(plan: Plan, start: Start, reference: Option<DataReference>) -> Result<Self, RunError> {
        start.run.write_config(&plan.config)?;
        Ok(Self {
            facts: RunFacts {
                config: plan.config.clone(),
                data_sha256: plan.training.data_sha256.clone(),
                regular_since: start.regular.since,
            },
            plan,
            start,
            reference,
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.start.run
    }

    /// What is trained.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The steps that are done already.
    pub fn done(&self) -> u64 {
        let checkpoint = self.start.checkpoint.as_ref();
        checkpoint.map_or(0, |checkpoint| checkpoint.header.state.step)
    }

    /// Trains to the end, or until `stop` is asked for. The same seed gives the same bytes, however often
    /// the run is stopped and resumed.
    ///
    /// # Errors
    /// [`RunError::Failed`], with what is saved, when a step or a write fails; others when the run cannot be
    /// taken up or rolled back.
    pub fn train(mut self, stop: &StopToken, events: &mut dyn Events) -> Result<Ended, RunError> {
        let events = RefCell::new(events);
        let ended = self.train_and_roll_back(stop, &events);
        events.tell(Event::Ended);
        ended
    }

    fn train_and_roll_back(
        &mut self,
        stop: &StopToken,
        events: &dyn Tell,
    ) -> Result<Ended, RunError> {
        let mut checkpoint = self.start.checkpoint.take();
        let mut ended = self.start.ended.take();
        let mut log_every = self.start.log_every;
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
            let run = &self.start.run;
            go_back(run, trainer.state().step, ended.as_ref(), log_every)?;
            if ended.is_some() {
                let facts = serde_json::to_value(&self.facts)?;
                run.checkpoints().restate::<Checkpoint>(run, &facts)?;
            }
            let attempt = Attempt {
                plan: &self.plan,
                run,
                facts: &self.facts,
                reference: self.reference.as_ref(),
                stop,
                events,
            };
            match attempt.train(&mut trainer)? {
                Outcome::Ended(ended) => return Ok(ended),
                Outcome::Diverged { saved, cause, .. }
                    if self.plan.config.train.on_nan != OnNan::Rollback
                        || rollbacks >= MOST_ROLLBACKS =>
                {
                    let rolls_back = self.plan.config.train.on_nan == OnNan::Rollback;
                    return Ok(Ended::Diverged {
                        saved,
                        rollbacks: if rolls_back { rollbacks } else { 0 },
                        cause,
                    });
                }
                Outcome::Diverged { cause, .. } => {
                    rollbacks += 1;
                    let (found, cause) = self.checkpoint_to_go_back_to(cause)?;
                    checkpoint = found;
                    let to = checkpoint.as_ref().map_or(0, |c| c.header.state.step);
                    events.tell(Event::WentBack {
                        to,
                        rollback: rollbacks,
                        most: MOST_ROLLBACKS,
                        cause: &cause,
                    });
                }
            }
        }
    }

    /// The newest regular checkpoint: not one left by a stop, so that a run that was stopped goes back as
    /// far as one that was not. None: back to the start.
    fn checkpoint_to_go_back_to(
        &self,
        cause: TrainError,
    ) -> Result<(Option<Checkpoint>, TrainError), RunError> {
        let regular = self.start.regular;
        let checkpoints = self.start.run.checkpoints();
        let found = checkpoints.read_newest(|step| regular.includes(step))?;
        match found {
            None if regular.since > 0 => Err(RunError::NoWayBack {
                step: regular.since,
                source: Box::new(cause),
            }),
            found => Ok((found, cause)),
        }
    }
}

/// Says that the CPU goes on where a GPU trained, or the reverse.
fn tell_of_another_device(saved: &SavedRun, plan: &Plan, events: &mut dyn Events) {
    let Some(before) = saved.device_before() else {
        return;
    };
    let now = &plan.config.device;
    let is_cpu = |device: &str| device == "cpu";
    if is_cpu(before) != is_cpu(now) {
        events.event(Event::Note(&format!(
            "The run was trained with `device = {before}` so far, now with `device = {now}`: the same images and \
             noise, but numbers that differ in their last digits"
        )));
    }
}

/// Says that the remaining steps are not those of an uninterrupted run, although the configuration is the same.
fn tell_of_another_engine(before: &CheckpointHeader, steps: u64, events: &mut dyn Events) {
    let done = before.state.step;
    if before.engine != ENGINE && done < steps {
        events.event(Event::Note(&format!(
            "After step {done} numbers differ in their last digits from those of the version that trained so \
             far (engine {}, now {ENGINE})",
            before.engine,
        )));
    }
}
