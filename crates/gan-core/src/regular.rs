//! Reading whole files, and nothing that may never end.

use std::fs;
use std::io;
use std::path::Path;

/// The bytes of a regular file. A pipe could wait for a writer for ever, and a device has no end.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::InvalidInput`] for anything but a file or a link to one.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        let text = "not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_folders_and_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        assert_eq!(read_regular(&path).unwrap(), b"text");
        let refused = |path: &Path| read_regular(path).unwrap_err().kind();
        assert_eq!(refused(folder.path()), io::ErrorKind::InvalidInput);
        #[cfg(unix)]
        assert_eq!(refused(Path::new("/dev/zero")), io::ErrorKind::InvalidInput);
    }
}
