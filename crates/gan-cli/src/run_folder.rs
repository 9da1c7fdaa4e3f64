//! The folder that a run writes into, and the names of what lies in it.

use crate::checkpoint_folder::CheckpointFolder;
use crate::config::{DataConfig, RunConfig};
use crate::exit::WrongUse;
use crate::run_lock::RunLock;
use anyhow::{Context, Result};
use gan_models::GeneratorHeader;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a run folder holds; a folder with any of these holds a run.
const ENTRIES: [&str; 9] = [
    "config.toml",
    "metrics.jsonl",
    "timing.jsonl",
    "scores.jsonl",
    "evaluation.json",
    "report.html",
    "samples",
    "checkpoints",
    "generator.safetensors",
];

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// An existing run folder.
    pub(crate) fn open(path: &Path) -> Self {
        let path = path.to_path_buf();
        Self { path }
    }

    /// A new run folder at `path`, held by this process, with `samples/` and `checkpoints/`. With
    /// `force`, a run that is there is removed first; other files in the folder stay.
    pub(crate) fn create(path: &Path, force: bool) -> Result<(Self, RunLock)> {
        Self::check_free(path, force)?;
        fs::create_dir_all(path).with_context(|| cannot_write(path))?;
        let lock = RunLock::take(path)?;
        // Another process may have made a run here since.
        Self::check_free(path, force)?;
        let run = Self::open(path);
        run.clear().with_context(|| cannot_write(path))?;
        run.complete()?;
        Ok((run, lock))
    }

    /// Makes the folders that are missing, and removes what writing left unfinished when the process
    /// was killed.
    pub(crate) fn complete(&self) -> Result<()> {
        let path = &self.path;
        for folder in [path.clone(), self.samples(), self.checkpoint_path()] {
            fs::create_dir_all(&folder).with_context(|| cannot_write(path))?;
            remove_unfinished(&folder).with_context(|| cannot_write(path))?;
        }
        Ok(())
    }

    /// Whether a run may be written to `path`.
    pub(crate) fn check_free(path: &Path, force: bool) -> Result<()> {
        let there = ENTRIES.into_iter().find(|entry| path.join(entry).exists());
        match there {
            Some(entry) if !force => Err(WrongUse(format!(
                "{}: already holds a run ({entry}); give another --out, or --force to replace it",
                path.display()
            ))
            .into()),
            _ => Ok(()),
        }
    }

    /// `runs/NAME-001`, or the first number after it that is free.
    pub(crate) fn next_free(name: &str) -> PathBuf {
        let numbered = |n| Path::new("runs").join(format!("{name}-{n:03}"));
        let free = (1..u32::MAX).map(numbered).find(|path| !path.exists());
        free.unwrap_or_else(|| numbered(u32::MAX))
    }

    /// Writes the configuration of the run, whole or not at all.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        let (path, text) = (self.config(), config.to_toml()?);
        gan_core::write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    pub(crate) fn samples(&self) -> PathBuf {
        self.path.join("samples")
    }

    /// The times of the lines of `metrics.jsonl`.
    pub(crate) fn timing(&self) -> PathBuf {
        self.path.join("timing.jsonl")
    }

    pub(crate) fn checkpoints(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.checkpoint_path())
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The checkpoint with the lowest FID while training, and its generator.
    pub(crate) fn best_checkpoint(&self) -> PathBuf {
        self.checkpoint_path().join("best.safetensors")
    }

    pub(crate) fn best_generator(&self) -> PathBuf {
        self.checkpoint_path().join("best-generator.safetensors")
    }

    pub(crate) fn scores(&self) -> PathBuf {
        self.path.join("scores.jsonl")
    }

    pub(crate) fn generator(&self) -> PathBuf {
        self.path.join("generator.safetensors")
    }

    pub(crate) fn evaluation(&self) -> PathBuf {
        self.path.join("evaluation.json")
    }

    /// The generator in the folder must be of the run's configuration.
    pub(crate) fn check_generator(
        &self,
        config: &RunConfig,
        header: &GeneratorHeader,
    ) -> Result<()> {
        if config.model == header.model {
            return Ok(());
        }
        Err(WrongUse(format!(
            "{}: holds a generator of {:?}, expected {:?} as in {}; these weights are of another run",
            self.generator().display(),
            header.model,
            config.model,
            self.config().display(),
        ))
        .into())
    }

    /// Finds the data set of the run where its path leads nowhere from here: a relative path is tried
    /// from the folders above the run, one of which the run was trained in.
    pub(crate) fn locate_data(&self, config: &mut DataConfig) {
        let base = config.base();
        if config.toy().is_some() || base.path.is_absolute() || base.path.exists() {
            return;
        }
        let run = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        let above = run.ancestors().skip(1);
        let candidates = above.map(|folder| folder.join(&base.path));
        // A run may bear the name of its data.
        let holds_run = |path: &PathBuf| Self::open(path).config().exists();
        config.found = candidates
            .filter(|path| path.exists())
            .find(|path| !holds_run(path));
    }

    fn clear(&self) -> std::io::Result<()> {
        for path in ENTRIES.map(|entry| self.path.join(entry)) {
            if path.is_dir() {
                fs::remove_dir_all(path)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Files that were being written when a process was killed.
fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".partial") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn cannot_write(path: &Path) -> WrongUse {
    let path = path.display();
    WrongUse(format!(
        "{path}: cannot be written; choose another folder with --out"
    ))
}
