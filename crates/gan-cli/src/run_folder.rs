//! The folder that a run writes into, and the names of what lies in it.

use crate::exit::WrongUse;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// What a run folder holds; a folder with any of these holds a run.
const ENTRIES: [&str; 5] = [
    "config.toml",
    "metrics.jsonl",
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

    pub(crate) fn generator(&self) -> PathBuf {
        self.path.join("generator.safetensors")
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
