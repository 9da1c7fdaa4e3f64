//! The folder that a run writes into, and the names of its files.

use crate::best_files::BestFiles;
use crate::checkpoint_folder::CheckpointFolder;
use crate::config::{DataConfig, RunConfig};
use crate::exit::WrongUse;
use crate::run_contents::{
    CHECKPOINTS, CONFIG, EDITED_CONFIG, RunContents, SAMPLES, sign_of_run, step_of_picture,
};
use crate::run_lock::RunLock;
use crate::run_place::Place;
use anyhow::{Context, Result};
use gan_core::is_unfinished;
use gan_models::GeneratorHeader;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    /// Where it is. For a run that is written, without links, so that it stays the same folder even if a
    /// link in the path changes.
    real: PathBuf,
    /// The path that was given, for messages.
    path: PathBuf,
    /// The lock of a run that is written.
    lock: Option<Arc<RunLock>>,
}

impl RunFolder {
    /// Opens an existing run folder for reading.
    pub(crate) fn open(path: &Path) -> Self {
        Self {
            real: path.to_path_buf(),
            path: path.to_path_buf(),
            lock: None,
        }
    }

    /// Opens an existing folder for writing, by this process alone.
    ///
    /// # Errors
    /// When another process writes to it, or a folder of the run is a link to somewhere else.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let real = path.canonicalize().with_context(|| cannot_write(path))?;
        let run = Self {
            lock: Some(Arc::new(RunLock::take(&real)?)),
            real,
            path: path.to_path_buf(),
        };
        match run.linked_folder() {
            Some(folder) => Err(WrongUse(format!(
                "{}: is a link, expected a folder of the run's own; replace the link with the folder",
                folder.display()
            ))
            .into()),
            None => Ok(run),
        }
    }

    /// A new run folder at `place`, held by this process, with `samples/` and `checkpoints/`. With
    /// `force`, a run that is there is removed first.
    pub(crate) fn create(place: &Place, force: bool) -> Result<Self> {
        let path = place.reserve()?;
        let run = Self::take(&path)?;
        // Another process may have made a run here in the meantime.
        if force {
            let contents = RunContents::of(&path)?;
            contents.remove().with_context(|| cannot_write(&path))?;
        } else {
            Self::check_free(&path, false)?;
        }
        run.complete()?;
        Ok(run)
    }

    /// Makes missing folders, and removes files left unfinished by a process that was killed.
    pub(crate) fn complete(&self) -> Result<()> {
        let path = &self.real;
        for folder in [path.clone(), self.samples(), self.checkpoint_path()] {
            fs::create_dir_all(&folder).with_context(|| cannot_write(path))?;
            remove_unfinished(&folder).with_context(|| cannot_write(path))?;
        }
        Ok(())
    }

    /// Whether a run may be written to `path`: `force` replaces an existing run, and
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

    /// A folder of the run that leads to somewhere else.
    fn linked_folder(&self) -> Option<PathBuf> {
        let folders = [self.samples(), self.checkpoint_path()];
        folders.into_iter().find(|folder| folder.is_symlink())
    }

    /// Refuses to write where the run's folder was removed, or replaced by another of its name.
    ///
    /// # Errors
    /// Names the folder.
    pub(crate) fn check_in_place(&self) -> Result<()> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        if let Some(link) = self.linked_folder() {
            anyhow::bail!(
                "{}: was replaced by a link while the run was writing to it",
                link.display()
            );
        }
        if lock.is_in_place() {
            return Ok(());
        }
        anyhow::bail!(
            "{}: was removed or replaced while the run was writing to it",
            self.real.display()
        )
    }

    /// Writes the configuration of the run, whole or not at all. A file that already says the same is left
    /// as it is.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        let (path, text) = (self.config(), config.to_toml()?);
        let same = |there: RunConfig| there.to_toml().is_ok_and(|there| there == text);
        if path.is_file() && RunConfig::read(&path).is_ok_and(same) {
            return Ok(());
        }
        self.check_in_place()?;
        self.keep_edited_config()?;
        gan_core::write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// Keeps a configuration with comments, which are not in the one that is written instead.
    fn keep_edited_config(&self) -> Result<()> {
        let path = self.config();
        let Ok(there) = fs::read_to_string(&path) else {
            return Ok(());
        };
        let written = RunConfig::read(&path).and_then(|config| config.to_toml());
        if written.is_ok_and(|written| written == there) {
            return Ok(());
        }
        let kept = self.real.join(EDITED_CONFIG);
        fs::rename(&path, &kept)
            .with_context(|| format!("{}: cannot be renamed", path.display()))?;
        tracing::warn!(
            "{}: written again with the values of the flags; the edited file is now {}",
            path.display(),
            kept.display()
        );
        Ok(())
    }

    /// Removes the pictures that `outdated` selects by the number of steps that they were drawn after.
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

    /// Removes the generator of a run that goes back to its start.
    pub(crate) fn remove_generator(&self) -> Result<()> {
        let path = self.generator();
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.with_context(|| format!("{}: cannot be removed", path.display())),
        }
    }

    /// The folder, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.real.join(CONFIG)
    }

    pub(crate) fn metrics(&self) -> PathBuf {
        self.real.join("metrics.jsonl")
    }

    pub(crate) fn samples(&self) -> PathBuf {
        self.real.join(SAMPLES)
    }

    /// The times of the lines of `metrics.jsonl`.
    pub(crate) fn timing(&self) -> PathBuf {
        self.real.join("timing.jsonl")
    }

    pub(crate) fn checkpoints(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.checkpoint_path())
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.real.join(CHECKPOINTS)
    }

    /// The checkpoint with the lowest FID while training, and its generator.
    pub(crate) fn best_files(&self) -> BestFiles {
        BestFiles::new(self.checkpoints())
    }

    pub(crate) fn scores(&self) -> PathBuf {
        self.real.join("scores.jsonl")
    }

    pub(crate) fn generator(&self) -> PathBuf {
        self.real.join("generator.safetensors")
    }

    pub(crate) fn evaluation(&self) -> PathBuf {
        self.real.join("evaluation.json")
    }

    /// The generator in the folder must match the run's configuration.
    pub(crate) fn check_generator(
        &self,
        config: &RunConfig,
        header: &GeneratorHeader,
    ) -> Result<()> {
        if config.model == header.model {
            return Ok(());
        }
        Err(WrongUse(format!(
            "{}: holds a generator of {:?}, expected {:?} as in {}; these weights are from another run",
            self.generator().display(),
            header.model,
            config.model,
            self.config().display(),
        ))
        .into())
    }

    /// Finds the data set of the run if its path does not exist here: a relative path is tried from the
    /// folders above the run, because the run was probably trained in one of them.
    pub(crate) fn locate_data(&self, config: &mut DataConfig) {
        let base = config.base();
        if config.toy().is_some() || base.path.is_absolute() || base.path.exists() {
            return;
        }
        let run = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.real.clone());
        let above = run.ancestors().skip(1);
        let candidates = above.map(|folder| folder.join(&base.path));
        // A run may have the name of its data.
        let holds_run = |path: &PathBuf| Self::open(path).config().exists();
        config.found = candidates
            .filter(|path| path.exists())
            .find(|path| !holds_run(path));
    }
}

/// Unfinished files, and folders of `sample`, of a process that was killed.
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
        "{path}: cannot be written; make room for a folder there, or give another --out"
    ))
}
