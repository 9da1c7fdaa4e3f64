//! Which files in a folder a run wrote, and which it did not.

use crate::picture::step_of_picture;
use crate::{Kind, RunError, checkpoints};
use gan_core::is_unfinished;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) const CONFIG: &str = "config.toml";
/// A configuration that was edited by hand, before a resumed run was given other values.
pub(crate) const EDITED_CONFIG: &str = "config.toml.old";
pub(crate) const PRETRAINED: &str = "pretrained.safetensors";
pub(crate) const SAMPLES: &str = "samples";
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// The files directly in a run folder.
const FILES: [&str; 12] = [
    CONFIG,
    EDITED_CONFIG,
    "metrics.jsonl",
    "timing.jsonl",
    "scores.jsonl",
    "evaluation.json",
    "report.html",
    "generator.safetensors",
    PRETRAINED,
    "tokens.json",
    "vocab.txt",
    "tokenizer.json",
];

/// Everything that a run wrote into a folder.
#[derive(Debug, Default)]
pub(crate) struct RunContents {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl RunContents {
    /// Lists the folder. A folder that does not exist holds nothing.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds a file that no run wrote, which is named.
    pub(crate) fn of(path: &Path) -> Result<Self, RunError> {
        let mut contents = Self::default();
        for entry in entries(path)? {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_folder = is_folder(&entry)?;
            match (&*name, is_folder) {
                (SAMPLES, true) => {
                    contents.add(&entry.path(), |name| step_of_picture(name).is_some())?;
                }
                // Of `sample`, which was killed.
                (name, true) if is_unfinished(name) => contents.add(&entry.path(), |_| true)?,
                (CHECKPOINTS, true) => contents.add(&entry.path(), checkpoints::is_own)?,
                (".lock", false) => {}
                (name, false) if FILES.contains(&name) || is_unfinished(name) => {
                    contents.files.push(entry.path());
                }
                _ => return Err(RunError::Foreign { path: entry.path() }),
            }
        }
        contents.check_config(path)?;
        Ok(contents)
    }

    /// Lists a folder of a run whose files are known by their names.
    fn add(&mut self, folder: &Path, is_own: impl Fn(&str) -> bool) -> Result<(), RunError> {
        for entry in entries(folder)? {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let own = is_own(&name) || is_unfinished(&name);
            if !own || is_folder(&entry)? {
                return Err(RunError::Foreign { path: entry.path() });
            }
            self.files.push(entry.path());
        }
        self.folders.push(folder.to_path_buf());
        Ok(())
    }

    /// Names such as `metrics.jsonl` are common: the configuration shows that the files are a run's.
    fn check_config(&self, path: &Path) -> Result<(), RunError> {
        let config = path.join(CONFIG);
        let named = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            !is_unfinished(&name)
        };
        if let Some(first) = self.files.iter().find(named).filter(|_| !config.is_file()) {
            return Err(RunError::refused(
                first,
                format!(
                    "there is no {CONFIG} beside it, so it may not be from a run; remove the folder yourself, \
                     or give another `out`"
                ),
            ));
        }
        if config.is_file() {
            Kind::of_config(&config).map_err(|error| {
                RunError::refused(
                    &config,
                    format!(
                        "not the configuration of a run, so the folder may not hold one; remove the folder \
                         yourself, or give another `out`: {error}"
                    ),
                )
            })?;
        }
        Ok(())
    }

    /// Removes all of it; the configuration last, which tells that what is left is a run's.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let (config, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
            self.files.iter().partition(|file| file.ends_with(CONFIG));
        for file in others {
            fs::remove_file(file)?;
        }
        for folder in &self.folders {
            fs::remove_dir(folder)?;
        }
        config.into_iter().try_for_each(fs::remove_file)
    }
}

/// The first name in `path` that belongs to a run.
pub(crate) fn sign_of_run(path: &Path) -> Option<&'static str> {
    let all = FILES.into_iter().chain([SAMPLES, CHECKPOINTS]);
    all.into_iter()
        .find(|name| path.join(name).symlink_metadata().is_ok())
}

fn is_folder(entry: &fs::DirEntry) -> Result<bool, RunError> {
    let kind = entry.file_type();
    Ok(kind.map_err(RunError::io(&entry.path(), "read"))?.is_dir())
}

/// The entries of a folder, sorted by name; none if there is no folder.
pub(crate) fn entries(path: &Path) -> Result<Vec<fs::DirEntry>, RunError> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(RunError::io(path, "read"))?,
    };
    let mut entries = entries
        .collect::<io::Result<Vec<_>>>()
        .map_err(RunError::io(path, "read"))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_removed_and_anything_else_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let put = |name: &str, text: &str| {
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            fs::write(path.join(name), text).unwrap();
        };
        for own in [
            "metrics.jsonl",
            "samples/000000.png",
            "checkpoints/step-00000020.safetensors",
            "checkpoints/step-00000040.safetensors.damaged",
            "checkpoints/best-generator.safetensors",
            ".abc.partial",
        ] {
            put(own, "");
        }
        let error = RunContents::of(path).unwrap_err().to_string();
        assert!(error.contains("no config.toml"), "{error}");
        // A process that is killed before it has written the configuration leaves no more than this.
        let early = path.join("early");
        fs::create_dir_all(early.join(SAMPLES)).unwrap();
        fs::write(early.join(".abc.partial"), "").unwrap();
        RunContents::of(&early).unwrap().remove().unwrap();
        fs::remove_dir(&early).unwrap();
        put(CONFIG, "title = 'of another program'");
        let error = RunContents::of(path).unwrap_err().to_string();
        assert!(error.contains("not the configuration of a run"), "{error}");
        put(CONFIG, "[train]\nsteps = 3\n");
        for foreign in ["notes.txt", "samples/photo.png", "checkpoints/resnet.pt"] {
            put(foreign, "");
            let error = RunContents::of(path).unwrap_err().to_string();
            assert!(error.contains(foreign), "{error}");
            fs::remove_file(path.join(foreign)).unwrap();
        }
        RunContents::of(path).unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    }
}
