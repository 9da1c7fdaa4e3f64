//! Signals that end the program: at once, with unfinished files removed; or a run after its step.

use crate::exit;
use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// Whether the first signal is only recorded and does not end the program.
static NOTES_FIRST: AtomicBool = AtomicBool::new(false);

/// The recorded signal; 0 if there is none.
static NOTED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// A run was stopped, and has saved its state.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped by {name}")]
pub(crate) struct Stopped {
    name: &'static str,
    signal: i32,
}

impl Stopped {
    /// Such as `SIGINT`.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// 128 and the signal's number, as shells have it.
    pub(crate) fn exit_code(self) -> u8 {
        exit::signalled(self.signal)
    }
}

/// From now on a signal removes unfinished files and ends the program at once with its exit code. A
/// file that grows beyond the limit on its size (`ulimit -f`) is a write error and does not end the
/// program.
///
/// Call it where threads may be started.
///
/// # Errors
/// When the system refuses handlers or the thread.
#[cfg(unix)]
pub(crate) fn watch() -> Result<()> {
    use signal_hook::consts::SIGXFSZ;
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    // With a handler the write fails instead; the signal itself can be ignored.
    flag::register(SIGXFSZ, Arc::default())?;
    let mut signals = Signals::new(signals().iter().map(|(signal, _)| signal))?;
    std::thread::Builder::new()
        .name("signals".to_string())
        .spawn(move || signals.forever().for_each(receive))?;
    Ok(())
}

/// Other systems end the program themselves.
#[cfg(not(unix))]
pub(crate) fn watch() -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn receive(signal: i32) {
    let (none, this) = (0, signal as usize);
    let first = || NOTED.compare_exchange(none, this, Ordering::Relaxed, Ordering::Relaxed);
    if NOTES_FIRST.load(Ordering::Relaxed) && first().is_ok() {
        return;
    }
    gan_core::remove_unfinished();
    signal_hook::low_level::exit(i32::from(exit::signalled(signal)));
}

/// Records the first signal; a second one ends the program at once.
pub(crate) struct StopSignals(());

impl StopSignals {
    pub(crate) fn listen() -> Result<Self> {
        NOTES_FIRST.store(true, Ordering::Relaxed);
        #[cfg(not(unix))]
        note_in_handlers()?;
        Ok(Self(()))
    }

    /// The signal that was received, if any.
    pub(crate) fn received(&self) -> Option<Stopped> {
        let noted = NOTED.load(Ordering::Relaxed);
        if noted == 0 {
            return None;
        }
        let mut signals = signals().into_iter();
        let (signal, name) = signals.find(|(signal, _)| *signal as usize == noted)?;
        Some(Stopped { name, signal })
    }
}

/// Without a thread for signals, the handlers do what they can.
#[cfg(not(unix))]
fn note_in_handlers() -> Result<()> {
    use signal_hook::flag;
    let again = Arc::new(AtomicBool::new(false));
    for (signal, _) in signals() {
        let code = i32::from(exit::signalled(signal));
        // In this order, so that the first signal only arms the exit.
        flag::register_conditional_shutdown(signal, code, Arc::clone(&again))?;
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, Arc::clone(&NOTED), signal as usize)?;
    }
    Ok(())
}

fn signals() -> Vec<(i32, &'static str)> {
    let mut signals = vec![(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];
    #[cfg(unix)]
    if !is_ignored(signal_hook::consts::SIGHUP) {
        signals.push((signal_hook::consts::SIGHUP, "SIGHUP"));
    }
    signals
}

/// Whether the program was started with a signal ignored, as `nohup` does with SIGHUP. Only Linux tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
