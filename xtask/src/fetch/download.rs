//! Downloads a file to `NAME.partial` from the first mirror that has it complete.
//!
//! The final file is only ever replaced by renaming a partial file that was verified and synced.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::ProgressBar;

use super::manifest::{FileEntry, Verdict};
use super::mirror::{Mirror, Network, Source, Trouble};

/// Fetches `entry` into `folder` and returns the address that it came from.
///
/// # Errors
///
/// Names every mirror and its error.
pub(super) fn fetch(
    entry: &FileEntry,
    folder: &Path,
    mirrors: &[Mirror],
    network: &Network,
    bar: &ProgressBar,
) -> Result<String> {
    let mut partial = Partial::open(entry, folder)?;
    if partial.is_whole()? {
        partial.promote()?;
        return Ok("a complete partial download".to_owned());
    }
    let mut report = String::new();
    for mirror in mirrors {
        let address = mirror.address(&entry.name);
        match partial.fill_patiently(mirror, network, bar) {
            Ok(()) => {
                partial.promote()?;
                return Ok(address);
            }
            Err(Trouble::Local(error)) => return Err(error),
            Err(Trouble::Passing(said) | Trouble::StartOver(said) | Trouble::Lasting(said)) => {
                report.push_str(&format!("\n  {address}: {said}"));
            }
        }
    }
    bail!(
        "{}: no mirror gave the file ({} bytes, SHA-256 {}):{report}\n  \
         try again later (a partial download is continued), or name another place \
         with `--mirror URL|FOLDER`",
        partial.target.display(),
        entry.bytes,
        entry.sha256,
    )
}

/// `NAME.partial`, open and locked.
struct Partial<'a> {
    entry: &'a FileEntry,
    target: PathBuf,
    path: PathBuf,
    file: File,
}

impl<'a> Partial<'a> {
    fn open(entry: &'a FileEntry, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot make this folder", folder.display()))?;
        let target = folder.join(&entry.name);
        let path = folder.join(format!("{}.partial", entry.name));
        let file = lock(&path)?;
        Ok(Self {
            entry,
            target,
            path,
            file,
        })
    }

    /// Whether the file is complete; clears a partial file that cannot be completed.
    fn is_whole(&mut self) -> Result<bool> {
        if self.length()? < self.entry.bytes {
            return Ok(false);
        }
        self.file.rewind().with_context(|| self.place())?;
        let whole = self
            .entry
            .verify_open(&mut self.file)
            .with_context(|| self.place())?;
        if whole != Verdict::Good {
            self.cut(0)?;
        }
        Ok(whole == Verdict::Good)
    }

    /// Tries one mirror as often as `network` says, as long as its errors may be temporary.
    fn fill_patiently(
        &mut self,
        mirror: &Mirror,
        network: &Network,
        bar: &ProgressBar,
    ) -> Result<(), Trouble> {
        let mut wait = network.backoff;
        let mut attempt = 1;
        loop {
            let said = match self.fill(mirror, network, bar) {
                Err(Trouble::Passing(said)) => said,
                Err(Trouble::StartOver(said)) => {
                    self.cut(0).map_err(Trouble::Local)?;
                    said
                }
                done_or_lasting => return done_or_lasting,
            };
            if attempt == network.attempts {
                let times = if attempt == 1 { "attempt" } else { "attempts" };
                return Err(Trouble::Lasting(format!("{said} ({attempt} {times})")));
            }
            attempt += 1;
            thread::sleep(wait);
            wait *= 2;
        }
    }

    /// Asks `mirror` for the missing bytes and verifies the complete file.
    fn fill(
        &mut self,
        mirror: &Mirror,
        network: &Network,
        bar: &ProgressBar,
    ) -> Result<(), Trouble> {
        let offset = self.length().map_err(Trouble::Local)?;
        let Source { start, mut reader } = mirror.open(self.entry, offset, network)?;
        self.cut(start).map_err(Trouble::Local)?;
        // A resumed file may have a wrong beginning, from another mirror.
        let wrong = if start > 0 {
            Trouble::StartOver
        } else {
            Trouble::Lasting
        };

        let bytes = self.entry.bytes;
        let mut at = start;
        let mut buffer = vec![0; 1 << 16];
        bar.set_position(at);
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Trouble::Passing(format!("{error} at byte {at} of {bytes}")));
                }
            };
            at += read as u64;
            if at > bytes {
                self.cut(0).map_err(Trouble::Local)?;
                return Err(wrong(format!("sends more than the expected {bytes} bytes")));
            }
            self.write(&buffer[..read]).map_err(Trouble::Local)?;
            bar.set_position(at);
        }
        if at < bytes {
            return Err(Trouble::Passing(format!("ended at byte {at} of {bytes}")));
        }
        self.verify()
            .map_err(Trouble::Local)?
            .map_or(Ok(()), |found| Err(wrong(found)))
    }

    /// What is wrong with the complete partial file, which is then cleared; `None` if it is right.
    fn verify(&mut self) -> Result<Option<String>> {
        self.file.rewind().with_context(|| self.place())?;
        match self
            .entry
            .verify_open(&mut self.file)
            .with_context(|| self.place())?
        {
            Verdict::Good => Ok(None),
            Verdict::Damaged(found) => {
                self.cut(0)?;
                Ok(Some(found))
            }
            Verdict::Missing => Err(anyhow!("{}: vanished while it was open", self.place())),
        }
    }

    /// Puts the verified file under its final name.
    fn promote(&self) -> Result<()> {
        self.file.sync_all().with_context(|| self.place())?;
        fs::rename(&self.path, &self.target)
            .with_context(|| format!("{}: cannot be put in place", self.target.display()))?;
        #[cfg(unix)]
        if let Some(folder) = self.target.parent() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .with_context(|| format!("{}: cannot be synced", folder.display()))?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .with_context(|| format!("{}: cannot be written; is the disk full?", self.place()))
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().with_context(|| self.place())?.len())
    }

    /// Truncates the file to its first `length` bytes and seeks to their end.
    fn cut(&mut self, length: u64) -> Result<()> {
        self.file
            .set_len(length)
            .and_then(|()| self.file.seek(SeekFrom::Start(length)))
            .with_context(|| self.place())?;
        Ok(())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

impl Drop for Partial<'_> {
    /// An empty partial file is of no use to a later run.
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|found| found.len() == 0) {
            // An error does not matter: the next run opens the file again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens the partial file for this process alone.
fn lock(path: &Path) -> Result<File> {
    let place = || path.display().to_string();
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    loop {
        let file = options.open(path).with_context(place)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{}: another fetch is writing this file; wait for it to end",
                path.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(place),
        }
        // The fetch that held the lock may just have renamed the file.
        if path.exists() {
            return Ok(file);
        }
    }
}
