//! The folder that a run writes into, and the names of its files.

use crate::best::{BestFiles, unless_missing};
use crate::checkpoints::{CheckpointFolder, PART, STEP};
use crate::contents::{
    CHECKPOINTS, CONFIG, EDITED_CONFIG, PRETRAINED, RunContents, SAMPLES, sign_of_run,
};
use crate::lock::RunLock;
use crate::picture::step_of_picture;
use crate::{Configuration, NewRun, RunError};
use gan_core::is_unfinished;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
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
    pub fn open(path: &Path) -> Self {
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
    pub(crate) fn take(path: &Path) -> Result<Self, RunError> {
        let real = path.canonicalize().map_err(cannot_write(path))?;
        let run = Self {
            lock: Some(Arc::new(RunLock::take(&real)?)),
            real,
            path: path.to_path_buf(),
        };
        match run.linked_folder() {
            Some(folder) => Err(RunError::refused(
                &folder,
                "is a link, expected a folder of the run's own; replace the link with the folder",
            )),
            None => Ok(run),
        }
    }

    /// A new run folder at `place`, held by this process, with `samples/` and `checkpoints/`. With
    /// `replace`, a run that is there is removed first.
    pub(crate) fn create(place: &NewRun, replace: bool) -> Result<Self, RunError> {
        let path = place.reserve()?;
        let run = Self::take(&path)?;
        // Another process may have made a run here in the meantime.
        if replace {
            let contents = RunContents::of(&path)?;
            contents.remove().map_err(cannot_write(&path))?;
        } else {
            Self::check_free(&path, false)?;
        }
        run.complete()?;
        Ok(run)
    }

    /// Makes missing folders, and removes files left unfinished by a process that was killed.
    pub(crate) fn complete(&self) -> Result<(), RunError> {
        let path = &self.real;
        for folder in [path.clone(), self.samples(), self.checkpoint_path()] {
            fs::create_dir_all(&folder).map_err(cannot_write(path))?;
            remove_unfinished(&folder).map_err(cannot_write(path))?;
        }
        Ok(())
    }

    /// Whether a run may be written to `path`: `replace` replaces an existing run, and nothing else.
    ///
    /// # Errors
    /// Names what is there.
    pub fn check_free(path: &Path, replace: bool) -> Result<(), RunError> {
        if replace {
            return RunContents::of(path).map(drop);
        }
        match sign_of_run(path) {
            Some(entry) => Err(RunError::Occupied {
                path: path.to_path_buf(),
                entry,
            }),
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
    pub(crate) fn check_in_place(&self) -> Result<(), RunError> {
        let Some(lock) = &self.lock else {
            return Ok(());
        };
        if let Some(link) = self.linked_folder() {
            return Err(RunError::Moved {
                path: link,
                what: "was replaced by a link",
            });
        }
        if lock.is_in_place() {
            return Ok(());
        }
        Err(RunError::Moved {
            path: self.real.clone(),
            what: "was removed or replaced",
        })
    }

    /// Writes the configuration of the run, whole or not at all. A file that already says the same is left
    /// as it is.
    pub(crate) fn write_config<C: Configuration>(&self, config: &C) -> Result<(), RunError> {
        let (path, text) = (self.config(), config.to_toml()?);
        let same = |there: C| there.to_toml().is_ok_and(|there| there == text);
        if path.is_file() && C::read(&path).is_ok_and(same) {
            return Ok(());
        }
        self.check_in_place()?;
        self.keep_edited_config::<C>()?;
        gan_core::write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .map_err(RunError::io(&path, "written"))
    }

    /// Keeps a configuration with comments, which are not in the one that is written instead.
    fn keep_edited_config<C: Configuration>(&self) -> Result<(), RunError> {
        let path = self.config();
        let Ok(there) = fs::read_to_string(&path) else {
            return Ok(());
        };
        let written = C::read(&path).and_then(|config| config.to_toml());
        if written.is_ok_and(|written| written == there) {
            return Ok(());
        }
        let kept = self.real.join(EDITED_CONFIG);
        fs::rename(&path, &kept).map_err(RunError::io(&path, "renamed"))?;
        tracing::warn!(
            "{}: written again with the values that were set on resuming; the edited file is now {}",
            path.display(),
            kept.display()
        );
        Ok(())
    }

    /// Removes the pictures that `outdated` selects by the number of steps that they were drawn after.
    pub(crate) fn remove_pictures(&self, outdated: impl Fn(u64) -> bool) -> Result<(), RunError> {
        self.check_in_place()?;
        let folder = self.samples();
        for entry in fs::read_dir(&folder).map_err(cannot_write(&folder))? {
            let path = entry.map_err(cannot_write(&folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if step_of_picture(&name).is_some_and(&outdated) {
                fs::remove_file(&path).map_err(RunError::io(&path, "removed"))?;
            }
        }
        Ok(())
    }

    /// Brings the logs to the disk, so that a checkpoint that follows never exists without its lines.
    pub(crate) fn flush_logs(&self) -> Result<(), RunError> {
        for log in [self.metrics(), self.timing(), self.scores()] {
            if log.exists() {
                let flushed = fs::File::open(&log).and_then(|file| file.sync_data());
                flushed.map_err(RunError::io(&log, "written"))?;
            }
        }
        Ok(())
    }

    /// Removes the generator of a run that goes back to its start.
    pub(crate) fn remove_generator(&self) -> Result<(), RunError> {
        let path = self.generator();
        unless_missing(fs::remove_file(&path), &path)
    }

    /// The folder, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.real.join(CONFIG)
    }

    /// The figures of its steps.
    pub fn metrics(&self) -> PathBuf {
        self.real.join("metrics.jsonl")
    }

    /// The folder of its pictures.
    pub fn samples(&self) -> PathBuf {
        self.real.join(SAMPLES)
    }

    /// The times of the lines of `metrics.jsonl`.
    pub fn timing(&self) -> PathBuf {
        self.real.join("timing.jsonl")
    }

    /// Its checkpoints.
    pub fn checkpoints(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.checkpoint_path(), STEP)
    }

    /// Those of a run of text, whose numbers count parts.
    pub fn text_checkpoints(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.checkpoint_path(), PART)
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.real.join(CHECKPOINTS)
    }

    /// The checkpoint with the best score while training, and its generator.
    pub fn best_files(&self) -> BestFiles {
        BestFiles::new(self.checkpoints())
    }

    /// Its scores.
    pub fn scores(&self) -> PathBuf {
        self.real.join("scores.jsonl")
    }

    /// Its generator.
    pub fn generator(&self) -> PathBuf {
        self.real.join("generator.safetensors")
    }

    /// Those of a run of text.
    pub fn text_best_files(&self) -> BestFiles {
        BestFiles::new(self.text_checkpoints())
    }

    /// The generator of a run of text as it was before the first adversarial step.
    pub fn pretrained(&self) -> PathBuf {
        self.real.join(PRETRAINED)
    }

    /// The folder itself, without links if the run is written.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// Its evaluation.
    pub fn evaluation(&self) -> PathBuf {
        self.real.join("evaluation.json")
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

/// The error that a folder cannot be written, for `map_err`.
pub(crate) fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    RunError::unusable(format!(
        "{}: cannot be written; make room for a folder there, or give another `out`",
        path.display()
    ))
}
