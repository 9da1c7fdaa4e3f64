//! The checkpoint with the best score and its generator, and earlier ones that a run may go back to.
//!
//! A run that goes back to a checkpoint, after a stop or a divergence, also goes back to its best files of
//! that time. So a file that is replaced by a better one is kept, named by its step, as long as there is
//! a checkpoint at which it was the best.

use crate::RunError;
use crate::checkpoints::{CheckpointFolder, set_aside};
use crate::saved_state::SavedState;
use gan_core::Weights;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const KINDS: [&str; 2] = ["best", "best-generator"];
const SUFFIX: &str = ".safetensors";

/// The best files among the checkpoints of a run.
#[derive(Clone, Debug)]
pub struct BestFiles {
    folder: CheckpointFolder,
}

impl BestFiles {
    pub(crate) fn new(folder: CheckpointFolder) -> Self {
        Self { folder }
    }

    /// The best checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.file(KINDS[0], None)
    }

    /// Its generator.
    pub fn generator(&self) -> PathBuf {
        self.file(KINDS[1], None)
    }

    /// The steps or parts done at the best checkpoint, if there is one. A damaged one is renamed, with a
    /// warning.
    pub(crate) fn step<C: SavedState>(&self) -> Result<Option<u64>, RunError> {
        let path = self.checkpoint();
        if !path.exists() {
            return Ok(None);
        }
        match C::read(&path) {
            Ok(best) => Ok(Some(best.done())),
            Err(error) => {
                let aside = set_aside(&path)?;
                tracing::warn!("{error}; renamed to {}", aside.display());
                Ok(None)
            }
        }
    }

    /// Renames the current best files to make room for better ones.
    pub(crate) fn keep_earlier(&self, step: u64) -> Result<(), RunError> {
        self.rename_all(|kind| (self.file(kind, None), self.file(kind, Some(step))))
    }

    /// Goes back to the best files that the run had after `done` steps.
    pub(crate) fn go_back<C: SavedState>(&self, done: u64) -> Result<(), RunError> {
        let current = match self.step::<C>()? {
            Some(step) => Some(step),
            None => self.restore::<C>(done)?,
        };
        if current.is_none_or(|step| step > done) {
            self.remove(None)?;
        }
        let earlier = self.earlier()?;
        for step in earlier.iter().filter(|step| **step > done) {
            self.remove(Some(*step))?;
        }
        if current.is_some_and(|step| step <= done) {
            return Ok(());
        }
        match earlier.into_iter().rfind(|step| *step <= done) {
            Some(step) => {
                self.rename_all(|kind| (self.file(kind, Some(step)), self.file(kind, None)))
            }
            None => Ok(()),
        }
    }

    /// Writes a best checkpoint that is missing again, from the checkpoint of the same step; its step. If
    /// there is none, the run goes back to an earlier best, with a warning.
    fn restore<C: SavedState>(&self, done: u64) -> Result<Option<u64>, RunError> {
        let generator = self.generator();
        let Some(step) = generator_step(&generator).filter(|step| *step <= done) else {
            return Ok(None);
        };
        let path = self.checkpoint();
        match C::read(&self.folder.file(step)) {
            Ok(same) if same.done() == step => {
                same.write(&path)?;
                tracing::warn!("{}: was missing, and is written again", path.display());
                Ok(Some(step))
            }
            _ => {
                tracing::warn!(
                    "{}: the best checkpoint, of step {step}, is missing; the run goes back to an earlier \
                     one, if there is one",
                    path.display()
                );
                Ok(None)
            }
        }
    }

    /// Removes the earlier ones that were not the best at any of these numbers of steps done.
    pub(crate) fn prune<C: SavedState>(&self, horizons: &[u64]) -> Result<(), RunError> {
        let earlier = self.earlier()?;
        if earlier.is_empty() {
            // The best checkpoint, which is large, need not be read.
            return Ok(());
        }
        for step in outdated(&earlier, horizons, self.step::<C>()?) {
            self.remove(Some(step))?;
        }
        Ok(())
    }

    /// The steps of the earlier ones, ascending.
    fn earlier(&self) -> Result<Vec<u64>, RunError> {
        let names = self.folder.names()?;
        let steps = names.iter().filter_map(|name| parse(name)?.1);
        let mut steps: Vec<u64> = steps.collect();
        steps.sort_unstable();
        steps.dedup();
        Ok(steps)
    }

    fn file(&self, kind: &str, step: Option<u64>) -> PathBuf {
        let name = match step {
            None => format!("{kind}{SUFFIX}"),
            Some(step) => format!("{kind}-{step:08}{SUFFIX}"),
        };
        self.folder.path().join(name)
    }

    fn rename_all(&self, names: impl Fn(&str) -> (PathBuf, PathBuf)) -> Result<(), RunError> {
        for (from, to) in KINDS.map(names) {
            unless_missing(fs::rename(&from, to), &from)?;
        }
        Ok(())
    }

    fn remove(&self, step: Option<u64>) -> Result<(), RunError> {
        for path in KINDS.map(|kind| self.file(kind, step)) {
            unless_missing(fs::remove_file(&path), &path)?;
        }
        Ok(())
    }
}

/// The steps or parts after which a generator was saved, if its file is whole. Every generator's header has them.
pub(crate) fn generator_step(path: &Path) -> Option<u64> {
    #[derive(Deserialize)]
    struct Header {
        step: u64,
        parts: Option<u64>,
    }
    let file = Weights::read(path).ok()?;
    let header: Header = serde_json::from_str(&file.metadata).ok()?;
    Some(header.parts.unwrap_or(header.step))
}

/// Those of the steps in `earlier`, ascending, that were not the best at any of the `horizons`. A step is
/// the best until the next better one; the last of these is `current`.
fn outdated(earlier: &[u64], horizons: &[u64], current: Option<u64>) -> Vec<u64> {
    let best_at = |horizon: &u64| {
        let all = earlier.iter().copied().chain(current);
        all.filter(|step| step <= horizon).max()
    };
    let needed: Vec<u64> = horizons.iter().filter_map(best_at).collect();
    let outdated = earlier.iter().filter(|step| !needed.contains(*step));
    outdated.copied().collect()
}

/// Whether a name is one of these files.
pub(crate) fn is_own(name: &str) -> bool {
    parse(name).is_some()
}

/// Whether a name is that of a checkpoint among these files.
pub(crate) fn is_checkpoint(name: &str) -> bool {
    parse(name).is_some_and(|(kind, _)| kind == KINDS[0])
}

/// The kind and the step of `best-generator-00000300.safetensors`.
fn parse(name: &str) -> Option<(&'static str, Option<u64>)> {
    let name = name.strip_suffix(SUFFIX)?;
    KINDS.into_iter().rev().find_map(|kind| {
        let rest = name.strip_prefix(kind)?;
        if rest.is_empty() {
            return Some((kind, None));
        }
        Some((kind, Some(rest.strip_prefix('-')?.parse().ok()?)))
    })
}

pub(crate) fn unless_missing(done: io::Result<()>, path: &Path) -> Result<(), RunError> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(RunError::io(path, "renamed or removed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_kind_and_step() {
        assert_eq!(parse("best.safetensors"), Some(("best", None)));
        assert_eq!(
            parse("best-generator-00000300.safetensors"),
            Some(("best-generator", Some(300)))
        );
        assert_eq!(
            parse("best-00000300.safetensors"),
            Some(("best", Some(300)))
        );
        for other in ["best", "best-x.safetensors", "step-00000300.safetensors"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn an_earlier_best_stays_while_a_checkpoint_is_there_at_which_it_was_the_best() {
        // Better and better ones after 10, 20 and 30 steps, and the best after 50.
        let earlier = [10, 20, 30];
        for (horizons, expected) in [
            (vec![25, 55], vec![10, 30]),
            (vec![40, 45], vec![10, 20]),
            (vec![50, 60], vec![10, 20, 30]),
            (vec![5], vec![10, 20, 30]),
            (vec![10, 35], vec![20]),
        ] {
            assert_eq!(
                outdated(&earlier, &horizons, Some(50)),
                expected,
                "{horizons:?}"
            );
        }
    }
}
