//! An existing run of text, to be resumed.

use super::session::Start;
use super::{TextPlan, TextRunConfig};
use crate::changes::{Change, changed_values};
use crate::checkpoints::Regular;
use crate::saved::check_never_saved;
use crate::{Configuration, RunError, RunFolder};
use gan_text::{AdversaryConfig, TextCheckpoint, Tokenizer};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a run's ids stand for; it cannot be changed once there are weights.
pub(super) const TOKENS: [&str; 4] = [
    "data.tokens",
    "data.tokenizer",
    "data.vocabulary",
    "data.lowercase",
];

/// What a checkpoint says about its run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TextRunFacts {
    /// The effective configuration.
    pub(super) config: TextRunConfig,
    /// SHA-256 of the data.
    pub(super) data_sha256: String,
    /// The generator's steps in all phases.
    pub(super) steps: u64,
}

impl TextRunFacts {
    pub(super) fn of(plan: &TextPlan) -> Self {
        Self {
            config: plan.config.clone(),
            data_sha256: plan.sha256.clone(),
            steps: plan.steps,
        }
    }

    /// Which checkpoints the run has, whether or not it was stopped.
    pub(super) fn regular(&self) -> Regular {
        Regular {
            every: self.config.output.checkpoint_every,
            since: 0,
        }
    }
}

/// The folder of a run of text locked by this process, and the state of its run.
pub struct SavedTextRun {
    folder: RunFolder,
    /// The configuration in the folder, including edits.
    pub config: TextRunConfig,
    /// What the run's ids stand for.
    tokenizer: Option<Tokenizer>,
    checkpoint: Option<TextCheckpoint>,
    facts: Option<TextRunFacts>,
}

impl SavedTextRun {
    /// Locks the folder and reads its newest whole checkpoint.
    ///
    /// # Errors
    /// When another process writes to it, or its checkpoints or its vocabulary are damaged or missing.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let folder = RunFolder::take(path)?;
        let checkpoint: Option<TextCheckpoint> = folder.text_checkpoints().read_newest(|_| true)?;
        if checkpoint.is_none() {
            check_never_saved(&folder)?;
        }
        let facts = checkpoint.as_ref().map(facts_of).transpose()?;
        let mut config = TextRunConfig::read(&folder.config())?;
        config.data.locate(path);
        // A run that was stopped before it had written its vocabulary makes it again.
        let has_tokens = checkpoint.is_some() && !config.data.is_oracle();
        let tokenizer = has_tokens.then(|| Tokenizer::load(folder.real()));
        Ok(Self {
            tokenizer: tokenizer.transpose()?,
            folder,
            config,
            checkpoint,
            facts,
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// What the run's ids stand for, if it has come so far.
    pub fn tokenizer(&self) -> Option<Tokenizer> {
        self.tokenizer.clone()
    }

    /// Refuses a plan with fewer steps than are done or, unless `allow_change`, that changes the run's results.
    ///
    /// # Errors
    /// [`RunError::Changed`] lists the changes.
    pub fn agreed(self, plan: TextPlan, allow_change: bool) -> Result<AgreedTextRun, RunError> {
        let (Some(checkpoint), Some(before)) = (&self.checkpoint, &self.facts) else {
            return Ok(AgreedTextRun { saved: self, plan });
        };
        let path = self.folder.path();
        let mut free = vec!["recipe", "data.path", "train.steps"];
        if plan.config.adversary == AdversaryConfig::default() {
            free.push("train.epochs");
        }
        let mut changes = changed_values(&before.config, &plan.config, |key| {
            free.contains(&key) || key.starts_with("output.")
        })?;
        if before.data_sha256 != plan.sha256 {
            changes.push(Change::Data {
                path: plan.config.data.path.clone(),
                sha256: plan.sha256.clone(),
                before_path: before.config.data.path.clone(),
                before_sha256: before.data_sha256.clone(),
            });
        }
        let (done, steps) = (checkpoint.header.state.step, plan.steps);
        let fixed = |change: &&Change| TOKENS.iter().any(|key| change.key() == Some(*key));
        if let Some(change) = changes.iter().find(fixed) {
            let text = format!("{change}; the tokens of a run stay what they are; start a new run");
            return Err(RunError::refused(path, text));
        }
        if allow_change && !changes.is_empty() && done == steps {
            let text = "all steps are done, and a change would have no effect; ask for more, or start a new run";
            return Err(RunError::refused(path, text));
        }
        let described: Vec<String> = changes.iter().map(ToString::to_string).collect();
        match (changes.is_empty(), allow_change) {
            (true, _) => {}
            (false, true) => tracing::warn!("{}: {}", path.display(), described.join("; ")),
            (false, false) => {
                return Err(RunError::Changed {
                    path: path.to_path_buf(),
                    changes,
                });
            }
        }
        if steps < done {
            let text = format!(
                "{done} steps are done already, found a configuration of {steps}; ask for at least {done} \
                 steps, or start a new run"
            );
            return Err(RunError::refused(path, text));
        }
        Ok(AgreedTextRun { saved: self, plan })
    }
}

/// A saved run of text with the plan that may go on with it.
pub struct AgreedTextRun {
    saved: SavedTextRun,
    plan: TextPlan,
}

impl AgreedTextRun {
    /// What the run goes on with.
    pub fn plan(&self) -> &TextPlan {
        &self.plan
    }

    /// The plan, and where training starts.
    pub(super) fn start(self) -> (TextPlan, Start) {
        let Self { saved, plan } = self;
        let done = saved.checkpoint.as_ref().map_or(0, |c| c.header.state.step);
        let ended = saved.facts.and_then(|facts| {
            let is_longer = facts.steps == done && plan.steps > done;
            is_longer.then_some(facts.config.output)
        });
        let start = Start {
            run: saved.folder,
            checkpoint: saved.checkpoint,
            ended,
        };
        (plan, start)
    }
}

fn facts_of(checkpoint: &TextCheckpoint) -> Result<TextRunFacts, RunError> {
    serde_json::from_value(checkpoint.header.run.clone())
        .map_err(|error| crate::saved::unreadable_facts(&error))
}
