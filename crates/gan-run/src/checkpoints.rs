//! The checkpoints of a run by step: which is the newest undamaged one, and which are kept.

use crate::contents::entries;
use crate::saved_state::SavedState;
use crate::{RunError, RunFolder, best};
use gan_core::WeightsError;
use gan_train::TrainError;
use std::fs;
use std::path::{Path, PathBuf};

/// What the names of checkpoints count: the steps of a run of images, the parts of one of text.
pub(crate) const STEP: &str = "step-";
pub(crate) const PART: &str = "part-";

const SUFFIX: &str = ".safetensors";

/// Added to the name of a checkpoint that cannot be used.
const DAMAGED: &str = ".damaged";

/// Which checkpoints are saved at fixed steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regular {
    /// The steps between them; none if the clock decides.
    pub(crate) every: Option<u64>,
    /// The steps that the run had done when this interval was set.
    pub(crate) since: u64,
}

impl Regular {
    /// Whether a run that was never stopped has a checkpoint of this step.
    pub(crate) fn includes(self, step: u64) -> bool {
        step == self.since || self.every.is_none_or(|every| step.is_multiple_of(every))
    }
}

/// Which checkpoints are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// The newest N.
    pub(crate) count: usize,
    /// A checkpoint written at a stop, between these, is removed once there is a later one, so that a run
    /// leaves the same files whether or not it was stopped.
    pub(crate) regular: Regular,
    /// The number of steps of the whole run.
    pub(crate) last: u64,
}

impl Retention {
    fn is_regular(self, step: u64) -> bool {
        step == self.last || self.regular.includes(step)
    }

    /// Those of `steps`, ascending, whose checkpoints are removed.
    fn outdated(self, steps: &[u64]) -> Vec<u64> {
        let (regular, stops): (Vec<u64>, Vec<u64>) =
            steps.iter().partition(|step| self.is_regular(**step));
        let old = &regular[..regular.len().saturating_sub(self.count)];
        let newest = steps.last();
        let superseded = stops.iter().filter(|step| Some(*step) != newest);
        old.iter().chain(superseded).copied().collect()
    }
}

/// The folder `checkpoints` of a run.
#[derive(Clone, Debug)]
pub struct CheckpointFolder {
    path: PathBuf,
    /// What its names begin with.
    prefix: &'static str,
}

impl CheckpointFolder {
    pub(crate) fn new(path: PathBuf, prefix: &'static str) -> Self {
        Self { path, prefix }
    }

    /// The file of the checkpoint after `step` steps or parts.
    pub fn file(&self, step: u64) -> PathBuf {
        self.path.join(format!("{}{step:08}{SUFFIX}", self.prefix))
    }

    /// The newest checkpoint's file, by the steps in the names, since the times of files depend on clocks.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn newest(&self) -> Result<Option<PathBuf>, RunError> {
        Ok(self.steps()?.last().map(|step| self.file(*step)))
    }

    /// Reads the newest undamaged checkpoint whose step is `wanted`; none if there is none and none was
    /// renamed. Damaged ones, and those whose step differs from their name, are renamed, with a
    /// warning.
    ///
    /// # Errors
    /// When all are damaged: starting again would lose the logs.
    pub(crate) fn read_newest<C: SavedState>(
        &self,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Option<C>, RunError> {
        let newest = || Ok::<_, RunError>(self.steps()?.into_iter().rfind(|step| wanted(*step)));
        let unit = self.prefix.trim_end_matches('-');
        while let Some(step) = newest()? {
            let path = self.file(step);
            let wrong = match C::read(&path) {
                Err(TrainError::Weights(error @ WeightsError::Format { .. })) => error.to_string(),
                Ok(checkpoint) if checkpoint.done() != step => format!(
                    "{}: holds the checkpoint of {unit} {}, expected {unit} {step} as in its name",
                    path.display(),
                    checkpoint.done()
                ),
                read => return Ok(Some(read?)),
            };
            let aside = set_aside(&path)?;
            let before = match newest()? {
                Some(_) => "; the one before it is used",
                None => "",
            };
            tracing::warn!("{wrong}; renamed to {}{before}", aside.display());
        }
        match self.names()?.iter().find(|name| name.contains(DAMAGED)) {
            None => Ok(None),
            Some(name) => Err(RunError::Checkpoints {
                path: self.path.clone(),
                found: format!(
                    "all checkpoints are damaged, such as {name}, expected an undamaged one; restore one, or \
                     start a new run in another folder or with `replace`"
                ),
            }),
        }
    }

    /// Removes the checkpoints that are not kept.
    pub(crate) fn prune(&self, retention: Retention) -> Result<(), RunError> {
        self.remove(&retention.outdated(&self.steps()?))
    }

    /// Removes the checkpoints after `done` steps, which the run goes back to.
    pub(crate) fn remove_after(&self, done: u64) -> Result<(), RunError> {
        let later = self.steps()?.into_iter().filter(|step| *step > done);
        self.remove(&later.collect::<Vec<_>>())
    }

    fn remove(&self, steps: &[u64]) -> Result<(), RunError> {
        for step in steps {
            let path = self.file(*step);
            fs::remove_file(&path).map_err(RunError::io(&path, "removed"))?;
        }
        Ok(())
    }

    /// Writes the run's current facts into all checkpoints. A damaged one is left as it is.
    pub(crate) fn restate<C: SavedState>(
        &self,
        run: &RunFolder,
        facts: &serde_json::Value,
    ) -> Result<(), RunError> {
        for path in self.files()? {
            if let Ok(mut checkpoint) = C::read(&path)
                && checkpoint.run() != facts
            {
                run.check_in_place()?;
                checkpoint.run().clone_from(facts);
                checkpoint.write(&path)?;
            }
        }
        Ok(())
    }

    /// All checkpoints, the best ones included.
    fn files(&self) -> Result<Vec<PathBuf>, RunError> {
        let names = self.names()?.into_iter();
        let checkpoints =
            names.filter(|name| self.step_of(name).is_some() || best::is_checkpoint(name));
        Ok(checkpoints.map(|name| self.path.join(name)).collect())
    }

    /// The folder's own path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The steps of all checkpoints, ascending.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>, RunError> {
        let names = self.names()?;
        let steps = names.iter().filter_map(|name| self.step_of(name));
        let mut steps: Vec<u64> = steps.filter(|step| self.file(*step).is_file()).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    fn step_of(&self, name: &str) -> Option<u64> {
        step_of(self.prefix, name)
    }

    /// The names of all entries that are valid text.
    pub(crate) fn names(&self) -> Result<Vec<String>, RunError> {
        let entries = entries(&self.path)?.into_iter();
        Ok(entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect())
    }
}

fn step_of(prefix: &str, name: &str) -> Option<u64> {
    name.strip_prefix(prefix)?
        .strip_suffix(SUFFIX)?
        .parse()
        .ok()
}

/// Whether a run gives this name to a file among its checkpoints.
pub(crate) fn is_own(name: &str) -> bool {
    let name = name.trim_end_matches('\'');
    let name = name.strip_suffix(DAMAGED).unwrap_or(name);
    let is_checkpoint = |prefix| step_of(prefix, name).is_some();
    [STEP, PART].into_iter().any(is_checkpoint) || best::is_own(name)
}

/// Renames a file to an unused name.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, RunError> {
    let mut name = path.as_os_str().to_owned();
    name.push(DAMAGED);
    while Path::new(&name).exists() {
        name.push("'");
    }
    fs::rename(path, &name).map_err(RunError::io(path, "renamed"))?;
    Ok(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_stops_go_when_a_later_one_is_there() {
        for (count, every, steps, outdated) in [
            (2, None, vec![10, 20, 30], vec![10]),
            (2, Some(10), vec![10, 20, 30], vec![10]),
            (2, Some(10), vec![10, 20, 27], vec![]),
            (2, Some(10), vec![10, 20, 27, 30], vec![10, 27]),
            (5, Some(10), vec![10, 20, 27, 29], vec![27]),
            (1, Some(10), vec![10, 30, 35], vec![10, 30]),
            (1, Some(10), vec![], vec![]),
        ] {
            let last = 35;
            let regular = Regular { every, since: 0 };
            let retention = Retention {
                count,
                regular,
                last,
            };
            let mut found = retention.outdated(&steps);
            found.sort_unstable();
            assert_eq!(found, outdated, "{retention:?} {steps:?}");
        }
    }

    #[test]
    fn the_step_at_which_an_interval_was_chosen_is_regular() {
        let regular = Regular {
            every: Some(10),
            since: 27,
        };
        let found: Vec<u64> = (20..41).filter(|step| regular.includes(*step)).collect();
        assert_eq!(found, [20, 27, 30, 40]);
    }

    #[test]
    fn a_runs_own_names_are_known() {
        for own in [
            "step-00000250.safetensors",
            "step-00000250.safetensors.damaged''",
            "part-00000250.safetensors",
            "best.safetensors",
            "best-generator-00000300.safetensors",
        ] {
            assert!(is_own(own), "{own}");
        }
        for foreign in [
            "resnet.pt",
            "best.pt",
            "best-of.safetensors",
            "model.safetensors",
        ] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }

    #[test]
    fn other_names_are_not_checkpoints() {
        assert_eq!(step_of(STEP, "step-00000250.safetensors"), Some(250));
        assert_eq!(
            step_of(STEP, "step-123456789.safetensors"),
            Some(123_456_789)
        );
        for name in [
            "best.safetensors",
            "step-00000250.safetensors.damaged",
            "step-.safetensors",
            ".step-00000001.safetensors.partial",
        ] {
            assert_eq!(step_of(STEP, name), None, "{name}");
        }
    }
}
