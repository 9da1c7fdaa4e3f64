//! An existing run, to be resumed.

use crate::changes::{Change, changes};
use crate::checkpoints::Regular;
use crate::session::Start;
use crate::{Configuration, OutputConfig, Plan, RunConfig, RunError, RunFolder, Schedule};
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
pub struct SavedRun {
    pub(crate) folder: RunFolder,
    /// The configuration in the folder, including edits.
    pub config: RunConfig,
    /// The newest whole checkpoint; none if the run was stopped before the first.
    checkpoint: Option<Checkpoint>,
    /// The facts in the checkpoint.
    facts: Option<RunFacts>,
}

impl SavedRun {
    /// Locks the folder and reads its newest whole checkpoint.
    ///
    /// # Errors
    /// When it is not the folder of a run, another process writes to it, or its checkpoints are damaged or
    /// missing.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !RunFolder::open(path).config().is_file() {
            return Err(RunError::NotARun {
                path: path.to_path_buf(),
                found: "there is no config.toml".to_string(),
            });
        }
        let folder = RunFolder::take(path)?;
        let checkpoint = folder.checkpoints().read_newest(|_| true)?;
        if checkpoint.is_none() {
            check_never_saved(&folder)?;
        }
        let facts = checkpoint.as_ref().map(facts_of).transpose()?;
        let mut config = RunConfig::read(&folder.config())?;
        config.data.locate(path);
        Ok(Self {
            folder,
            config,
            checkpoint,
            facts,
        })
    }

    /// The device of the steps before the checkpoint.
    pub(crate) fn device_before(&self) -> Option<&str> {
        Some(self.facts.as_ref()?.config.device.as_str())
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Refuses a plan with fewer steps than are done, or that changes a length that has no effect, or,
    /// unless `allow_change`, that changes the run's results.
    ///
    /// # Errors
    /// [`RunError::Changed`] lists the changes.
    pub fn agreed(mut self, plan: Plan, allow_change: bool) -> Result<AgreedRun, RunError> {
        self.check_changes(&plan, allow_change)?;
        Ok(AgreedRun { saved: self, plan })
    }

    fn check_changes(&mut self, plan: &Plan, allow: bool) -> Result<(), RunError> {
        let (Some(checkpoint), Some(before)) = (&mut self.checkpoint, &self.facts) else {
            return Ok(());
        };
        let path = self.folder.path();
        let (done, steps) = (checkpoint.header.state.step, plan.schedule.steps);
        if steps < done {
            let text = format!(
                "{done} steps are done already, found train.steps or epochs for {steps}; ask for at least \
                 {done} steps, or start a new run"
            );
            return Err(RunError::refused(path, text));
        }
        let train = [&before.config.train, &plan.config.train];
        if train[0].epochs != train[1].epochs && train[0].steps.is_some() {
            refuse_epochs(path, train[0].steps, train[1].steps)?;
        }
        let mut changes = changes(&before.config, &plan.config, plan.schedule.steps_per_epoch)?;
        if before.data_sha256 != plan.training.data_sha256 {
            changes.push(Change::Data {
                path: plan.config.data.path.clone(),
                sha256: plan.training.data_sha256.clone(),
                before_path: before.config.data.path.clone(),
                before_sha256: before.data_sha256.clone(),
            });
        }
        if changes.is_empty() {
            return Ok(());
        }
        if !allow {
            return Err(RunError::Changed {
                path: path.to_path_buf(),
                changes,
            });
        }
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        tracing::warn!("{}: {}", path.display(), changes.join("; "));
        checkpoint.header.seed = plan.config.train.seed;
        Ok(())
    }
}

/// A saved run with the plan that may go on with it.
pub struct AgreedRun {
    pub(crate) saved: SavedRun,
    pub(crate) plan: Plan,
}

impl AgreedRun {
    /// What the run goes on with.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl SavedRun {
    /// Where training starts.
    pub(crate) fn start(self, plan: &Plan) -> Start {
        let Self {
            folder,
            checkpoint,
            facts,
            ..
        } = self;
        let done = checkpoint.as_ref().map_or(0, |c| c.header.state.step);
        Start {
            ended: facts.as_ref().and_then(|facts| ended(facts, plan, done)),
            log_every: match &facts {
                Some(facts) => facts.config.output.log_every,
                None => plan.config.output.log_every,
            },
            regular: Regular {
                every: plan.config.output.checkpoint_every,
                since: facts.map_or(0, |facts| regular_since(&facts, plan, done)),
            },
            run: folder,
            checkpoint,
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
fn refuse_epochs(path: &Path, before: Option<u64>, now: Option<u64>) -> Result<(), RunError> {
    match now {
        Some(steps) if before == now => Err(RunError::refused(
            path,
            format!(
                "train.epochs was changed, but train.steps = {steps} sets the length of the run; change \
                 that instead, by `train.steps` or in config.toml"
            ),
        )),
        _ => Ok(()),
    }
}

/// Distinguishes a run that was stopped before its first checkpoint from one whose checkpoints are
/// missing.
pub(crate) fn check_never_saved(folder: &RunFolder) -> Result<(), RunError> {
    // Written after a checkpoint; the best one, and its generator, may come before the first of them.
    let sign = folder.generator();
    if !sign.exists() {
        return Ok(());
    }
    Err(RunError::Checkpoints {
        path: folder.checkpoints().path().to_path_buf(),
        found: format!(
            "there is no checkpoint, but {} shows that the run had one; put the checkpoint back, or start a \
             new run in another folder or with `replace`",
            sign.display(),
        ),
    })
}

fn facts_of(checkpoint: &Checkpoint) -> Result<RunFacts, RunError> {
    serde_json::from_value(checkpoint.header.run.clone()).map_err(|error| unreadable_facts(&error))
}

/// The error that a checkpoint says nothing about its run that can be read.
pub(crate) fn unreadable_facts(error: &serde_json::Error) -> RunError {
    RunError::Refused(format!(
        "the checkpoint has no configuration that this version can read, expected one that `train` wrote; \
         start a new run with `replace`: {error}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_best_checkpoint_may_come_before_the_first_and_the_generator_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::open(folder.path());
        fs::create_dir(run.checkpoints().path()).unwrap();
        for path in [run.best_files().checkpoint(), run.best_files().generator()] {
            fs::write(path, "").unwrap();
        }
        assert!(check_never_saved(&run).is_ok());
        fs::write(run.generator(), "").unwrap();
        let error = check_never_saved(&run).unwrap_err().to_string();
        assert!(error.contains("there is no checkpoint, but"), "{error}");
    }
}
