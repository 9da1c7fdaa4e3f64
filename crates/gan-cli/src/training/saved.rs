//! An existing run, to be resumed.

use super::changes::changes;
use super::plan::Plan;
use super::start::Start;
use crate::checkpoint_folder::Regular;
use crate::config::{OutputConfig, RunConfig};
use crate::exit::WrongUse;
use crate::observers::Schedule;
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use gan_train::{Checkpoint, OnNan};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a checkpoint says about its run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    /// The effective configuration.
    pub(crate) config: RunConfig,
    /// SHA-256 of the training images and labels.
    pub(crate) data_sha256: String,
    /// Steps that were done when the interval of checkpoints was set: 0, or the step where a resumed run
    /// changed it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) regular_since: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl RunFacts {
    /// Which checkpoints the run has, whether or not it was stopped.
    pub(crate) fn regular(&self) -> Regular {
        Regular {
            every: self.config.output.checkpoint_every,
            since: self.regular_since,
        }
    }
}

/// A run folder locked by this process, and the state of its run.
pub(crate) struct SavedRun {
    pub(crate) folder: RunFolder,
    /// The configuration in the folder, including edits.
    pub(crate) config: RunConfig,
    /// The newest whole checkpoint; none if the run was stopped before the first.
    checkpoint: Option<Checkpoint>,
    /// The facts in the checkpoint.
    facts: Option<RunFacts>,
}

impl SavedRun {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if !RunFolder::open(path).config().is_file() {
            return Err(WrongUse(format!(
                "{}: there is no config.toml, expected the folder of a run; start one with `train --out`",
                path.display()
            ))
            .into());
        }
        let folder = RunFolder::take(path)?;
        let checkpoint = folder.checkpoints().read_newest(|_| true)?;
        if checkpoint.is_none() {
            check_never_saved(&folder)?;
        }
        let facts = checkpoint.as_ref().map(facts_of).transpose()?;
        let mut config = RunConfig::read(&folder.config())?;
        folder.locate_data(&mut config.data);
        Ok(Self {
            folder,
            config,
            checkpoint,
            facts,
        })
    }

    /// Refuses a plan with fewer steps than are done, or that changes a length that has no effect, or,
    /// unless `allow`, that changes the run's results.
    pub(crate) fn check_changes(&mut self, plan: &Plan, allow: bool) -> Result<()> {
        let (Some(checkpoint), Some(before)) = (&mut self.checkpoint, &self.facts) else {
            return Ok(());
        };
        let path = self.folder.path().display();
        let (done, steps) = (checkpoint.header.state.step, plan.schedule.steps);
        if steps < done {
            return Err(WrongUse(format!(
                "{path}: {done} steps are done already, found train.steps or epochs for {steps}; ask for at \
                 least {done} steps, or start a new run"
            ))
            .into());
        }
        let train = [&before.config.train, &plan.config.train];
        if train[0].epochs != train[1].epochs && train[0].steps.is_some() {
            refuse_epochs(&format!("{path}"), train[0].steps, train[1].steps)?;
        }
        let mut changes = changes(&before.config, &plan.config, plan.schedule.steps_per_epoch)?;
        if before.data_sha256 != plan.training.data_sha256 {
            changes.push(format!(
                "the data set in {} has SHA-256 {}, was {} in {}",
                plan.config.data.path.display(),
                plan.training.data_sha256,
                before.data_sha256,
                before.config.data.path.display(),
            ));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let changes = changes.join("; ");
        if !allow {
            return Err(WrongUse(format!(
                "{path}: {changes}; expected no such changes, by flags or in config.toml: they change the \
                 results of the run. Undo them, or give --allow-change to resume with them"
            ))
            .into());
        }
        tracing::warn!("{path}: {changes}");
        checkpoint.header.seed = plan.config.train.seed;
        Ok(())
    }

    /// Where training starts.
    pub(crate) fn start(self, plan: &Plan) -> Start {
        let done = self.checkpoint.as_ref().map_or(0, |c| c.header.state.step);
        Start {
            ended: self
                .facts
                .as_ref()
                .and_then(|facts| ended(facts, plan, done)),
            log_every: match &self.facts {
                Some(facts) => facts.config.output.log_every,
                None => plan.config.output.log_every,
            },
            regular: Regular {
                every: plan.config.output.checkpoint_every,
                since: self
                    .facts
                    .map_or(0, |facts| regular_since(&facts, plan, done)),
            },
            run: self.folder,
            checkpoint: self.checkpoint,
        }
    }
}

/// The output of a run that was complete after `done` steps, if the plan is longer.
fn ended(before: &RunFacts, plan: &Plan, done: u64) -> Option<OutputConfig> {
    let old = Schedule::new(&before.config.train, plan.schedule.steps_per_epoch);
    let is_longer = old.steps == done && plan.schedule.steps > done;
    is_longer.then(|| before.config.output.clone())
}

/// A run that may roll back counts the interval of checkpoints from the step where it was set.
fn regular_since(before: &RunFacts, plan: &Plan, done: u64) -> u64 {
    let place = |config: &RunConfig| (config.train.on_nan, config.output.checkpoint_every);
    if plan.config.train.on_nan != OnNan::Rollback {
        0
    } else if place(&before.config) == place(&plan.config) {
        before.regular_since
    } else {
        done
    }
}

/// Refuses epochs that have no effect because a number of steps is set and unchanged.
fn refuse_epochs(path: &str, before: Option<u64>, now: Option<u64>) -> Result<()> {
    match now {
        Some(steps) if before == now => Err(WrongUse(format!(
            "{path}: train.epochs was changed, but train.steps = {steps} sets the length of the run; change \
             that instead, with --steps or in config.toml"
        ))
        .into()),
        _ => Ok(()),
    }
}

/// Distinguishes a run that was stopped before its first checkpoint from one whose checkpoints are
/// missing.
fn check_never_saved(folder: &RunFolder) -> Result<()> {
    let best = folder.best_files();
    let files = [folder.generator(), best.checkpoint(), best.generator()];
    let Some(sign) = files.into_iter().find(|file| file.exists()) else {
        return Ok(());
    };
    Err(WrongUse(format!(
        "{}: there is no checkpoint, but {} shows that the run had one; put the checkpoint back, or start a \
         new run in another folder or with --force",
        folder.checkpoints().path().display(),
        sign.display(),
    ))
    .into())
}

fn facts_of(checkpoint: &Checkpoint) -> Result<RunFacts> {
    serde_json::from_value(checkpoint.header.run.clone()).with_context(|| {
        WrongUse(
            "the checkpoint has no configuration that this version of gan-cli can read, expected one that \
             `train` wrote; start a new run with --force"
                .to_string(),
        )
    })
}
