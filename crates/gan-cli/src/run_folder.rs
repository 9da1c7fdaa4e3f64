//! The folder that a run writes into, and the names of what lies in it.

use crate::config::RunConfig;
use crate::exit::WrongUse;
use anyhow::{Context, Result};
use gan_models::GeneratorHeader;
use std::fs;
use std::path::{Path, PathBuf};

/// What a run folder holds; a folder with any of these holds a run.
const ENTRIES: [&str; 8] = [
    "config.toml",
    "metrics.jsonl",
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

    /// A new run folder at `path`, with `samples/` and `checkpoints/`. With `force`, a run that is
    /// there is removed first; other files in the folder stay.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self> {
        Self::check_free(path, force)?;
        let run = Self::open(path);
        run.clear().with_context(|| cannot_write(path))?;
        for folder in ["samples", "checkpoints"] {
            fs::create_dir_all(path.join(folder)).with_context(|| cannot_write(path))?;
        }
        Ok(run)
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

    pub(crate) fn last_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints").join("last.safetensors")
    }

    /// The checkpoint with the lowest FID while training, and its generator.
    pub(crate) fn best_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints").join("best.safetensors")
    }

    pub(crate) fn best_generator(&self) -> PathBuf {
        self.path
            .join("checkpoints")
            .join("best-generator.safetensors")
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

fn cannot_write(path: &Path) -> WrongUse {
    let path = path.display();
    WrongUse(format!(
        "{path}: cannot be written; choose another folder with --out"
    ))
}
