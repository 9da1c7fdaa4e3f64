//! A run that is there, to be gone on with.

use super::changes::changes;
use super::plan::Plan;
use crate::config::RunConfig;
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use crate::run_lock::RunLock;
use anyhow::{Context, Result};
use gan_train::Checkpoint;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a checkpoint says of its run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    /// The effective configuration.
    pub(crate) config: RunConfig,
    /// SHA-256 of the training images and labels.
    pub(crate) data_sha256: String,
}

/// A run folder that no other process writes to, and how far its run has come.
pub(crate) struct SavedRun {
    pub(crate) folder: RunFolder,
    pub(crate) lock: RunLock,
    /// The newest whole checkpoint; none if the run was stopped before the first.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The configuration of the checkpoint, else that of the folder.
    pub(crate) config: RunConfig,
    data_sha256: Option<String>,
}

impl SavedRun {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let folder = RunFolder::open(path);
        if !folder.config().is_file() {
            return Err(WrongUse(format!(
                "{}: there is no config.toml, expected the folder of a run; start one with `train --out`",
                path.display()
            ))
            .into());
        }
        let lock = RunLock::take(path)?;
        let checkpoint = folder.checkpoints().read_newest()?;
        let facts: Option<RunFacts> = checkpoint.as_ref().map(facts_of).transpose()?;
        let (mut config, data_sha256) = match facts {
            Some(facts) => (facts.config, Some(facts.data_sha256)),
            None => (RunConfig::read(&folder.config())?, None),
        };
        folder.locate_data(&mut config.data);
        Ok(Self {
            folder,
            lock,
            checkpoint,
            config,
            data_sha256,
        })
    }

    /// Refuses a plan that would go on otherwise than the run would have, unless `allow`.
    pub(crate) fn check_changes(&mut self, plan: &Plan, allow: bool) -> Result<()> {
        let mut changes = changes(&self.config, &plan.config)?;
        if let Some(before) = self
            .data_sha256
            .as_ref()
            .filter(|sha| **sha != plan.training.data_sha256)
        {
            changes.push(format!(
                "the data set in {} has SHA-256 {}, had {before} in {}",
                plan.config.data.path.display(),
                plan.training.data_sha256,
                self.config.data.path.display(),
            ));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let (path, changes) = (self.folder.path().display(), changes.join("; "));
        if !allow {
            return Err(WrongUse(format!(
                "{path}: {changes}; expected no such changes: the run would not go on as it would have \
                 without the stop. Give --allow-change to go on all the same"
            ))
            .into());
        }
        tracing::warn!("{path}: {changes}");
        if let Some(checkpoint) = &mut self.checkpoint {
            checkpoint.header.seed = plan.config.train.seed;
        }
        Ok(())
    }
}

fn facts_of(checkpoint: &Checkpoint) -> Result<RunFacts> {
    serde_json::from_value(checkpoint.header.run.clone()).with_context(|| {
        WrongUse(
            "the checkpoint names no configuration of this version of gan-cli, expected one that \
             `train` wrote; start the run again with --force"
                .to_string(),
        )
    })
}
