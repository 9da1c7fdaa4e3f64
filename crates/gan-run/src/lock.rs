//! Lets only one process at a time write to a run folder.

use crate::RunError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file in the run folder that is locked. It names the process that holds it.
const NAME: &str = ".lock";

/// Holds a run folder; the system releases it when the process ends, however it ends.
///
/// The open file also shows whether the folder is still the one that was locked: as long as it is open,
/// no other file has its inode number.
#[derive(Debug)]
pub(crate) struct RunLock {
    path: PathBuf,
    file: File,
}

impl RunLock {
    /// Locks the folder, which must exist, or says which process holds it.
    pub(crate) fn take(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(NAME);
        if path.is_symlink() {
            let text = "is a link, expected a file of the run's own; remove it";
            return Err(RunError::refused(&path, text));
        }
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(RunError::unusable(format!(
                    "{}: cannot be written",
                    path.display()
                )))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(folder, file)),
                Err(TryLockError::Error(error)) => {
                    return Err(RunError::io(&path, "locked")(error));
                }
            }
            if !is_a_lock(&file) {
                let text = "not the lock of a run, expected none or one with a process's number; move it away";
                return Err(RunError::refused(&path, text));
            }
            // The previous holder may have removed the file after it was opened here.
            if is_at(&file, &path) {
                let mut lock = Self { path, file };
                lock.sign()?;
                return Ok(lock);
            }
        }
    }

    /// Whether the folder that was locked is still where it was.
    pub(crate) fn is_in_place(&self) -> bool {
        is_at(&self.file, &self.path)
    }

    fn sign(&mut self) -> Result<(), RunError> {
        let text = format!("process {}\n", std::process::id());
        let written = self.file.set_len(0).and_then(|()| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(text.as_bytes())
        });
        written.map_err(RunError::io(&self.path, "written"))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Only for tidiness: a lock file that nobody holds is not in the way.
        if self.is_in_place()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(%error, "{}", self.path.display());
        }
    }
}

/// Whether a file is empty or signed by a process, and has no other name.
fn is_a_lock(mut file: &File) -> bool {
    let Ok(metadata) = file.metadata() else {
        return false;
    };
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
        return false;
    }
    let mut text = String::new();
    metadata.is_file()
        && Read::by_ref(&mut file)
            .take(100)
            .read_to_string(&mut text)
            .is_ok()
        && (text.is_empty() || text.starts_with("process "))
}

fn held(folder: &Path, mut file: File) -> RunError {
    let mut holder = String::new();
    let read = Read::by_ref(&mut file)
        .take(100)
        .read_to_string(&mut holder);
    let holder = match read {
        Ok(1..) => holder.trim().to_string(),
        _ => "another process".to_string(),
    };
    RunError::Locked {
        folder: folder.to_path_buf(),
        holder,
    }
}

/// Whether `path` still names `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let (open, named) = (
        file.metadata().map(identity),
        fs::metadata(path).map(identity),
    );
    matches!((open, named), (Ok(open), Ok(named)) if open == named)
}

/// Other systems do not let an open file be removed.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_held_is_refused_by_the_holders_number_and_free_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        let error = RunLock::take(folder.path()).err().unwrap().to_string();
        let holder = format!("process {} is writing", std::process::id());
        assert!(error.contains(&holder), "{error}");
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        RunLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_lock_file_that_nobody_holds_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(NAME),
            "process 1, long gone and longer than ours\n",
        )
        .unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(text, format!("process {}\n", std::process::id()));
        drop(lock);
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_is_a_link_is_refused_and_its_target_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("notes");
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join(NAME)).unwrap();
        let error = RunLock::take(folder.path()).err().unwrap().to_string();
        assert!(error.contains("is a link"), "{error}");
        assert_eq!(fs::read_to_string(target).unwrap(), "mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_someone_else_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join(NAME), folder.path().join("other"));
        for text in ["precious", ""] {
            fs::write(&other, text).unwrap();
            if text.is_empty() {
                fs::hard_link(&other, &path).unwrap();
            } else {
                fs::copy(&other, &path).unwrap();
            }
            let error = RunLock::take(folder.path()).err().unwrap().to_string();
            assert!(error.contains("not the lock of a run"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_folder_that_was_made_anew_is_not_the_one_that_was_taken() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        fs::create_dir(&folder).unwrap();
        let lock = RunLock::take(&folder).unwrap();
        assert!(lock.is_in_place());
        fs::remove_dir_all(&folder).unwrap();
        assert!(!lock.is_in_place());
        fs::create_dir(&folder).unwrap();
        let other = RunLock::take(&folder).unwrap();
        assert!(!lock.is_in_place() && other.is_in_place());
        drop(lock);
        assert!(other.is_in_place());
    }
}
