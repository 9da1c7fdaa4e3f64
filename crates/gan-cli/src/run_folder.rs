//! The folder that a run writes into, and the names of what lies in it.

use crate::best_files::BestFiles;
use crate::checkpoint_folder::CheckpointFolder;
use crate::config::{DataConfig, RunConfig};
use crate::exit::WrongUse;
use crate::run_contents::{
    CHECKPOINTS, CONFIG, RunContents, SAMPLES, is_unfinished, sign_of_run, step_of_picture,
};
use crate::run_lock::RunLock;
use crate::run_place::Place;
use anyhow::{Context, Result};
use gan_models::GeneratorHeader;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    /// Where it is. Of a run that is written, without links, so that it stays the same folder whatever a
    /// link in the path is set to.
    path: PathBuf,
    /// The path that was given, for messages.
    shown: PathBuf,
    /// Of a run that is written.
    lock: Option<Arc<RunLock>>,
}

impl RunFolder {
    /// An existing run folder, to read from.
    pub(crate) fn open(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            shown: path.to_path_buf(),
            lock: None,
        }
    }

    /// An existing folder, to write to, for this process alone.
    ///
    /// # Errors
    /// When another process writes to it, or what the run writes into is a link to somewhere else.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let real = path.canonicalize().with_context(|| cannot_write(path))?;
        let run = Self {
            lock: Some(Arc::new(RunLock::take(&real)?)),
            path: real,
            shown: path.to_path_buf(),
        };
        for folder in [run.samples(), run.checkpoint_path()] {
            if folder.is_symlink() {
                return Err(WrongUse(format!(
                    "{}: is a link, expected a folder of the run's own; put the folder there itself",
                    folder.display()
                ))
                .into());
            }
        }
        Ok(run)
    }

    /// A new run folder at `place`, held by this process, with `samples/` and `checkpoints/`. With
    /// `force`, a run that is there is removed first.
    pub(crate) fn create(place: &Place, force: bool) -> Result<Self> {
        let path = place.reserve()?;
        let run = Self::take(&path)?;
        // Another process may have made a run here since.
        Self::check_free(&path, force)?;
        if force {
            let contents = RunContents::of(&run.path)?;
            contents.remove().with_context(|| cannot_write(&path))?;
        }
        run.complete()?;
        Ok(run)
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

    /// Whether a run may be written to `path`: a run that is there may be replaced with `force`, and
    /// nothing else.
    pub(crate) fn check_free(path: &Path, force: bool) -> Result<()> {
        if force {
            return RunContents::of(path).map(drop);
        }
        match sign_of_run(path) {
            Some(entry) => Err(WrongUse(format!(
                "{}: already holds a run ({entry}); give another --out, or --force to replace it",
                path.display()
            ))
            .into()),
            None => Ok(()),
        }
    }

    /// Refuses to write where the run's folder was removed, or replaced by another of its name.
    ///
    /// # Errors
    /// Names the folder.
    pub(crate) fn check_in_place(&self) -> Result<()> {
        if self.lock.as_ref().is_none_or(|lock| lock.is_in_place()) {
            return Ok(());
        }
        anyhow::bail!(
            "{}: was removed or replaced while the run was writing to it",
            self.path.display()
        )
    }

    /// Writes the configuration of the run, whole or not at all. A file that says the same already is
    /// left as its author wrote it.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        let (path, text) = (self.config(), config.to_toml()?);
        let same = |there: RunConfig| there.to_toml().is_ok_and(|there| there == text);
        if path.is_file() && RunConfig::read(&path).is_ok_and(same) {
            return Ok(());
        }
        self.check_in_place()?;
        gan_core::write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Removes the pictures that `outdated` says so of, by the steps that they were drawn after.
    pub(crate) fn remove_pictures(&self, outdated: impl Fn(u64) -> bool) -> Result<()> {
        self.check_in_place()?;
        let folder = self.samples();
        for entry in fs::read_dir(&folder).with_context(|| cannot_write(&folder))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if step_of_picture(&name).is_some_and(&outdated) {
                fs::remove_file(&path)
                    .with_context(|| format!("{}: cannot be removed", path.display()))?;
            }
        }
        Ok(())
    }

    /// Removes the generator, of a run that goes back to its start.
    pub(crate) fn remove_generator(&self) -> Result<()> {
        let path = self.generator();
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.with_context(|| format!("{}: cannot be removed", path.display())),
        }
    }

    /// The folder, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.shown
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    pub(crate) fn samples(&self) -> PathBuf {
        self.path.join(SAMPLES)
    }

    /// The times of the lines of `metrics.jsonl`.
    pub(crate) fn timing(&self) -> PathBuf {
        self.path.join("timing.jsonl")
    }

    pub(crate) fn checkpoints(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.checkpoint_path())
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The checkpoint with the lowest FID while training, and its generator.
    pub(crate) fn best_files(&self) -> BestFiles {
        BestFiles::new(self.checkpoints())
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
}

/// Files, and folders of `sample`, that were being written when a process was killed.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_unfinished(&name.to_string_lossy()) {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

pub(crate) fn cannot_write(path: &Path) -> WrongUse {
    let path = path.display();
    WrongUse(format!(
        "{path}: cannot be written; choose another folder with --out"
    ))
}
