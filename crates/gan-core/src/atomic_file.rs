//! Files that appear under their name whole or not at all, and folders of such files.

use crate::unfinished::{HIDDEN, Unfinished};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Writes a file beside `path`, flushes it to the disk, renames it to `path` and flushes the folder.
///
/// A reader never sees half a file; when `write` or anything after it fails, what stood at
/// `path` before still stands there. Missing folders above `path` are made. The hidden file beside
/// `path`, `.*.partial`, is left behind only by a process that is killed without
/// [`remove_unfinished`](crate::remove_unfinished).
///
/// # Errors
/// Those of the file system and of `write`.
pub fn write_atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = folder_of(path);
    let (partial, unfinished) = Unfinished::begin(|| {
        // Also only before the removal: it may take this folder with it.
        fs::create_dir_all(folder)?;
        hidden(0o666).tempfile_in(folder)
    })?;
    let mut writer = BufWriter::new(partial.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    partial.as_file().sync_all()?;
    let renamed = unfinished.finish(|| partial.persist(path));
    renamed.map_err(|failed| failed.error)?;
    flush_folder(folder)?;
    Ok(())
}

/// Has `write` fill a hidden folder, and gives its files their place in the folder `path` once all of
/// them are there.
///
/// A folder that is not there appears whole or not at all. One that is there stays the same folder, as
/// links and mounts need it: when all is written, the new files are moved into it and then the rest of
/// what was there is removed, so that each file is whole at any time. When `write` fails, nothing
/// has changed. `replaced` says of a path in the folder whether it may be removed for the new files.
///
/// # Errors
/// Those of the file system and of `write`; [`io::ErrorKind::AlreadyExists`] when the folder then holds
/// what may not be removed.
pub fn write_folder_atomically<E: From<io::Error>>(
    path: &Path,
    replaced: impl Fn(&Path) -> bool,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let is_there = path.is_dir();
    let home = if is_there { path } else { folder_of(path) };
    let (partial, unfinished) = Unfinished::begin(|| {
        fs::create_dir_all(home)?;
        hidden(0o777).tempdir_in(home)
    })?;
    write(partial.path())?;
    unfinished.finish(|| {
        if is_there {
            move_files(partial.path(), path, replaced)
        } else {
            fs::rename(partial.path(), path)
        }
    })?;
    flush_folder(path)?;
    flush_folder(home)?;
    Ok(())
}

/// Whether `folder` takes new files, or can be made, without leaving anything in it: for a look before
/// the work.
///
/// # Errors
/// What is in the way, with the name of the folder that was looked into: `folder`, or the nearest one
/// above it that is there.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    let above = folder
        .ancestors()
        .map(|path| match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        });
    let nearest = above
        .into_iter()
        .find(|path| fs::symlink_metadata(path).is_ok());
    let nearest = nearest.unwrap_or(Path::new("."));
    if !nearest.is_dir() {
        let text = format!("{} is not a folder", nearest.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
    }
    match tempfile::tempfile_in(nearest) {
        Ok(_) => Ok(()),
        Err(error) => {
            let reason = io::Error::from(error.kind());
            let text = format!("{} takes no new files ({reason})", nearest.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

/// Names of what is not finished; `mode` is that of an ordinary new file or folder, to which the
/// process's umask still applies.
fn hidden(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(HIDDEN.0).suffix(HIDDEN.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Moves all of `partial`, which lies in `folder`, into it, and removes what else was there.
fn move_files(partial: &Path, folder: &Path, replaced: impl Fn(&Path) -> bool) -> io::Result<()> {
    let new = names(partial)?;
    let mut old: Vec<PathBuf> = names(folder)?
        .into_iter()
        .map(|name| folder.join(name))
        .collect();
    // By its name: one path may be relative and the other not.
    old.retain(|path| path.file_name() != partial.file_name());
    if let Some(kept) = old.iter().find(|path| !replaced(path)) {
        let text = format!("{} is there, which is not replaced", kept.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    for name in &new {
        fs::rename(partial.join(name), folder.join(name))?;
    }
    old.retain(|path| !new.iter().any(|name| path.file_name() == Some(name)));
    for path in old {
        match fs::symlink_metadata(&path)?.is_dir() {
            true => fs::remove_dir_all(&path)?,
            false => fs::remove_file(&path)?,
        }
    }
    Ok(())
}

fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

/// A name is on the disk when its folder is. Other systems cannot open a folder, and flush it anyway.
fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        let failed: io::Result<()> = write_atomically(&path, |out| {
            out.write_all(b"half a new")?;
            Err(io::Error::other("stopped"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn missing_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write_atomically(&path, |out| out.write_all(b"x")).unwrap();
        assert_eq!(fs::read(path).unwrap(), b"x");
    }

    fn fill(folder: &Path, files: &[&str]) -> io::Result<()> {
        files
            .iter()
            .try_for_each(|name| fs::write(folder.join(name), name))
    }

    /// The way from one folder up to the root and down to another.
    fn relative_to(path: &Path, from: &Path) -> PathBuf {
        let up = from.components().skip(1).map(|_| "..");
        up.collect::<PathBuf>()
            .join(path.strip_prefix("/").unwrap())
    }

    fn sorted(folder: &Path) -> Vec<OsString> {
        let mut found = names(folder).unwrap();
        found.sort();
        found
    }

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/new");
        let failed: io::Result<()> = write_folder_atomically(
            &path,
            |_| true,
            |hidden| {
                fill(hidden, &["1"])?;
                assert!(!path.exists());
                Err(io::Error::other("stopped"))
            },
        );
        assert!(failed.is_err());
        assert!(sorted(&folder.path().join("a")).is_empty());
        write_folder_atomically(&path, |_| false, |hidden| fill(hidden, &["1", "2"])).unwrap();
        assert_eq!(sorted(&path), ["1", "2"]);
        assert_eq!(sorted(&folder.path().join("a")), ["new"]);
    }

    #[test]
    fn a_folder_that_is_there_keeps_what_it_has_until_the_new_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fill(path, &["old", "both"]).unwrap();
        let failed: io::Result<()> =
            write_folder_atomically(path, |_| true, |_| Err(io::Error::other("stopped")));
        assert!(failed.is_err());
        assert_eq!(sorted(path), ["both", "old"]);
        let write = |hidden: &Path| -> io::Result<()> {
            fs::write(hidden.join("both"), "new")?;
            fill(hidden, &["more"])
        };
        let empty = path.join("empty");
        fs::create_dir(&empty).unwrap();
        let here = std::env::current_dir().unwrap();
        let relative = relative_to(&empty, &here);
        write_folder_atomically(&relative, |_| false, |hidden| fill(hidden, &["1"])).unwrap();
        assert_eq!(sorted(&empty), ["1"]);
        fs::remove_dir_all(&empty).unwrap();
        let only_old = |path: &Path| path.ends_with("old");
        let error = write_folder_atomically(path, only_old, write).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(path.join("both")).unwrap(), b"both");
        write_folder_atomically(path, |_| true, write).unwrap();
        assert_eq!(sorted(path), ["both", "more"]);
        assert_eq!(fs::read(path.join("both")).unwrap(), b"new");
    }

    #[test]
    fn a_place_below_a_file_is_refused_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        check_folder(folder.path()).unwrap();
        check_folder(&folder.path().join("a/b")).unwrap();
        let error = check_folder(&file.join("c")).unwrap_err().to_string();
        assert!(error.contains("file is not a folder"), "{error}");
        assert_eq!(sorted(folder.path()), ["file"]);
    }
}
