//! Where a new run goes.

use crate::folder::cannot_write;
use crate::{DataConfig, RunError, TextDataConfig};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a new run goes.
#[derive(Clone, Debug, PartialEq)]
pub enum NewRun {
    /// The folder that was given.
    Given(PathBuf),
    /// `runs/NAME-001`, or the first number after it that is free.
    Numbered {
        /// The data set's name, or another.
        name: String,
    },
}

impl NewRun {
    /// `out`, else a folder of the data set's name.
    pub fn new(out: Option<&Path>, data: &DataConfig) -> Self {
        let folder = data.named_folder();
        let whole = folder.canonicalize().unwrap_or(folder);
        let name = whole.file_name();
        match out {
            Some(path) => Self::Given(path.to_path_buf()),
            None => Self::Numbered {
                name: name.map_or("run".into(), |name| name.to_string_lossy().into_owned()),
            },
        }
    }

    /// The same for a run of text.
    pub fn of_text(out: Option<&Path>, data: &TextDataConfig) -> Self {
        match out {
            Some(path) => Self::Given(path.to_path_buf()),
            None => Self::Numbered { name: data.name() },
        }
    }

    /// Where the run would go now. Another process may take a numbered folder first.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Numbered { name } => {
                let free = (1..u32::MAX).map(|n| numbered(name, n));
                let mut free = free.skip_while(|path| path.symlink_metadata().is_ok());
                free.next().unwrap_or_else(|| numbered(name, u32::MAX))
            }
        }
    }

    /// Makes the folder; if numbered, one that no other process has made.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn reserve(&self) -> Result<PathBuf, RunError> {
        loop {
            let path = self.path();
            let made = match (self, path.parent()) {
                (Self::Numbered { .. }, Some(parent)) => {
                    fs::create_dir_all(parent).and_then(|()| fs::create_dir(&path))
                }
                _ => fs::create_dir_all(&path),
            };
            match made {
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists
                        && matches!(self, Self::Numbered { .. }) => {}
                made => return made.map_err(cannot_write(&path)).map(|()| path),
            }
        }
    }
}

fn numbered(name: &str, number: u32) -> PathBuf {
    Path::new("runs").join(format!("{name}-{number:03}"))
}

/// Refuses a run inside its own data set, whose pictures would become training images.
///
/// # Errors
/// Names both, and a place outside.
pub fn check_outside_data(run: &Path, data: &DataConfig) -> Result<(), RunError> {
    let base = data.base();
    match base.is_folder() {
        true => check_outside(run, base.folder(), "pictures", "images"),
        false => Ok(()),
    }
}

/// The same for a folder of texts.
///
/// # Errors
/// Names both, and a place outside.
pub fn check_outside_texts(run: &Path, data: &TextDataConfig) -> Result<(), RunError> {
    match !data.is_oracle() && data.place().is_dir() {
        true => check_outside(run, data.place(), "samples", "texts"),
        false => Ok(()),
    }
}

fn check_outside(run: &Path, data: &Path, made: &str, read: &str) -> Result<(), RunError> {
    let Ok(folder) = data.canonicalize() else {
        return Ok(());
    };
    if !real(run).starts_with(&folder) {
        return Ok(());
    }
    Err(RunError::Refused(format!(
        "{}: lies inside the data set {}, where the run's {made} would become training {read}; give \
         an `out` outside of it, such as {}",
        run.display(),
        data.display(),
        folder
            .with_file_name("runs")
            .join(run.file_name().unwrap_or_default())
            .display(),
    )))
}

/// The path with links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let existing = whole.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        Some(real.join(whole.strip_prefix(above).ok()?))
    });
    existing.unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_inside_its_data_set_is_refused_by_any_way_there() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("pictures");
        fs::create_dir(&data).unwrap();
        let config = DataConfig {
            path: data.clone(),
            ..DataConfig::default()
        };
        for inside in ["pictures", "pictures/runs/a-001", "pictures/../pictures/x"] {
            let error = check_outside_data(&folder.path().join(inside), &config).unwrap_err();
            assert!(error.to_string().contains("inside the data set"), "{error}");
        }
        for outside in ["runs/pictures-001", "pictures-2", "."] {
            check_outside_data(&folder.path().join(outside), &config).unwrap();
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&data, &link).unwrap();
            check_outside_data(&link.join("run"), &config).unwrap_err();
        }
    }

    #[test]
    fn a_set_of_the_hub_gives_the_names_of_the_same_set_in_a_folder() {
        let data = DataConfig {
            path: PathBuf::from("hub:fashion-mnist"),
            ..DataConfig::default()
        };
        let name = "fashion-mnist".to_string();
        assert_eq!(NewRun::new(None, &data), NewRun::Numbered { name });
        assert_eq!(
            data.feature_network(),
            Path::new("data/fashion-mnist.classifier.safetensors")
        );
    }

    #[test]
    fn a_given_folder_is_made_with_those_above_it_and_may_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = NewRun::Given(folder.path().join("a/b"));
        for _ in 0..2 {
            assert_eq!(place.reserve().unwrap(), place.path());
            assert!(place.path().is_dir());
        }
    }
}
