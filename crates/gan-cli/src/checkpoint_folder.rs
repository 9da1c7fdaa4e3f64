//! The checkpoints of a run by step: which is the newest that is whole, and which are kept.

use crate::exit::WrongUse;
use anyhow::{Context, Result};
use gan_core::WeightsError;
use gan_train::{Checkpoint, TrainError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const PREFIX: &str = "step-";
const SUFFIX: &str = ".safetensors";

/// What is added to the name of a checkpoint that cannot be used.
const DAMAGED: &str = ".damaged";

/// Which checkpoints are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    /// The newest so many.
    pub(crate) count: usize,
    /// The steps between them, where these are fixed. One that was written at a stop goes when a later
    /// one is there, so that a run leaves the same files whether it was stopped or not.
    pub(crate) every: Option<u64>,
    /// The steps of the whole run.
    pub(crate) last: u64,
}

impl Retention {
    fn is_regular(self, step: u64) -> bool {
        step == self.last || self.every.is_none_or(|every| step.is_multiple_of(every))
    }

    /// The steps of `steps`, ascending, whose checkpoints go.
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
pub(crate) struct CheckpointFolder {
    path: PathBuf,
}

impl CheckpointFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file of the checkpoint after `step` steps.
    pub(crate) fn file(&self, step: u64) -> PathBuf {
        self.path.join(format!("{PREFIX}{step:08}{SUFFIX}"))
    }

    /// The newest checkpoint's file. Names decide, not the times of files, which clocks get wrong.
    pub(crate) fn newest(&self) -> Result<Option<PathBuf>> {
        Ok(self.steps()?.last().map(|step| self.file(*step)))
    }

    /// Reads the newest checkpoint that is whole; none if there never was one. Damaged ones are renamed,
    /// and said.
    ///
    /// # Errors
    /// When all are damaged: a run that began anew would remove what its logs say.
    pub(crate) fn read_newest(&self) -> Result<Option<Checkpoint>> {
        while let Some(path) = self.newest()? {
            match Checkpoint::read(&path) {
                Err(TrainError::Weights(error @ WeightsError::Format { .. })) => {
                    let aside = set_aside(&path)
                        .with_context(|| format!("{}: cannot be renamed", path.display()))?;
                    let next = match self.newest()? {
                        Some(_) => ", the one before is used",
                        None => "",
                    };
                    tracing::warn!("{error}; set aside as {}{next}", aside.display());
                }
                read => return Ok(Some(read?)),
            }
        }
        match self.names()?.iter().find(|name| name.contains(DAMAGED)) {
            None => Ok(None),
            Some(name) => Err(WrongUse(format!(
                "{}: all checkpoints are damaged, as {name}; expected one that is whole; train anew, in \
                 another folder or with --force",
                self.path.display()
            ))
            .into()),
        }
    }

    /// Removes the checkpoints that are not kept.
    pub(crate) fn prune(&self, retention: Retention) -> Result<()> {
        for step in retention.outdated(&self.steps()?) {
            let path = self.file(step);
            fs::remove_file(&path)
                .with_context(|| format!("{}: cannot be removed", path.display()))?;
        }
        Ok(())
    }

    /// The steps of all checkpoints, ascending.
    fn steps(&self) -> Result<Vec<u64>> {
        let names = self.names()?;
        let steps = names.iter().filter_map(|name| step_of(name));
        let mut steps: Vec<u64> = steps.filter(|step| self.file(*step).is_file()).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// The names of all entries that are text.
    fn names(&self) -> Result<Vec<String>> {
        let unreadable = || format!("{}: cannot be read", self.path.display());
        let mut names = Vec::new();
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries.with_context(unreadable)?,
        };
        for entry in entries {
            names.extend(entry.with_context(unreadable)?.file_name().into_string());
        }
        Ok(names)
    }
}

fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?
        .parse()
        .ok()
}

/// Renames a file to what no other file is called.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(DAMAGED);
    while Path::new(&name).exists() {
        name.push("'");
    }
    fs::rename(path, &name)?;
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
            let retention = Retention { count, every, last };
            let mut found = retention.outdated(&steps);
            found.sort_unstable();
            assert_eq!(found, outdated, "{retention:?} {steps:?}");
        }
    }

    #[test]
    fn other_names_are_no_checkpoints() {
        assert_eq!(step_of("step-00000250.safetensors"), Some(250));
        assert_eq!(step_of("step-123456789.safetensors"), Some(123_456_789));
        for name in [
            "best.safetensors",
            "step-00000250.safetensors.damaged",
            "step-.safetensors",
            ".step-00000001.safetensors.partial",
        ] {
            assert_eq!(step_of(name), None, "{name}");
        }
    }
}
