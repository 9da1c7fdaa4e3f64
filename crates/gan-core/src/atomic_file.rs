//! Files that appear under their name whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Writes a file beside `path`, flushes it to the disk, renames it to `path` and flushes the folder.
///
/// A reader never sees half a file; when `write` or anything after it fails, what stood at
/// `path` before still stands there. A program that is killed in between leaves a file `.*.partial`
/// behind. Missing folders above `path` are made.
///
/// # Errors
/// Those of the file system and of `write`.
pub fn write_atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The mode of an ordinary new file; the process's umask still applies.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let partial = builder.tempfile_in(folder)?;
    let mut writer = BufWriter::new(partial.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    partial.as_file().sync_all()?;
    partial.persist(path).map_err(|failed| failed.error)?;
    flush_folder(folder)?;
    Ok(())
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
}
