//! The files and folders of this process that still have a hidden name, so that its end can remove them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is being written.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes every file and folder that this process has begun under a hidden name and not yet given its
/// own, for a signal that ends the process.
///
/// Call it last: whoever would begin or finish a file from now on waits for the end of the process, so
/// that nothing is left behind. A file that was finished before stays.
pub fn remove_unfinished() {
    let unfinished = lock();
    unfinished.iter().for_each(|path| remove(path));
    std::mem::forget(unfinished);
}

/// What the name of an unfinished file or folder begins and ends with.
pub(crate) const HIDDEN: (&str, &str) = (".", ".partial");

/// Whether a name is that of an unfinished file or folder, of this process or of one that was killed.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with(HIDDEN.0) && name.ends_with(HIDDEN.1)
}

/// A file or folder under a hidden name, as the list has it.
pub(crate) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// Makes a file or folder and notes its path. [`remove_unfinished`] comes before both or after both.
    pub(crate) fn begin<T: AsRef<Path>>(
        make: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<(T, Self)> {
        let mut unfinished = lock();
        let made = make()?;
        let path = made.as_ref().to_path_buf();
        unfinished.push(path.clone());
        Ok((made, Self { path }))
    }

    /// Gives what was written its name, by `rename`. [`remove_unfinished`] comes before or after.
    pub(crate) fn finish<T>(&self, rename: impl FnOnce() -> T) -> T {
        let _unfinished = lock();
        rename()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        lock().retain(|path| *path != self.path);
    }
}

fn lock() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody is left to tell of an error.
fn remove(path: &Path) {
    drop(fs::remove_file(path).or_else(|_| fs::remove_dir_all(path)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_listed_until_they_are_finished_and_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, directory) = (folder.path().join("file"), folder.path().join("folder"));
        let begin = |path: &PathBuf| Unfinished::begin(|| Ok(path.clone())).unwrap().1;
        let entries = [begin(&file), begin(&directory)];
        let listed = || {
            let all = lock();
            [&file, &directory].map(|path| all.contains(path))
        };
        assert_eq!(listed(), [true, true]);
        fs::write(&file, b"").unwrap();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("inside"), b"").unwrap();
        [&file, &directory]
            .into_iter()
            .for_each(|path| remove(path));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(entries);
        assert_eq!(listed(), [false, false]);
    }
}
