//! Signals that end the program: at once, with unfinished files removed; or a run after its step.

use crate::exit::Failure;
use gan_run::StopToken;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The run that the first signal stops; without one, it ends the program.
static RUN: OnceLock<StopToken> = OnceLock::new();

/// The signal that stopped the run; 0 if none did.
static NOTED: AtomicUsize = AtomicUsize::new(0);

/// From now on the first signal asks the token's run to stop. A second one ends the program at once.
pub(crate) fn token() -> StopToken {
    RUN.get_or_init(StopToken::default).clone()
}

/// The name and the exit code of the signal that stopped the run.
pub(crate) fn received() -> Option<(&'static str, u8)> {
    let noted = NOTED.load(Ordering::Relaxed);
    let mut signals = signals().into_iter();
    let (signal, name) = signals.find(|(signal, _)| *signal as usize == noted)?;
    Some((name, exit_code(signal)))
}

/// 128 and the signal's number, as shells have it.
fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// From now on a signal removes unfinished files and ends the program at once with its exit code. A
/// file that grows beyond the limit on its size (`ulimit -f`) is a write error and does not end the
/// program. Call it where threads may be started.
///
/// # Errors
/// When the system refuses handlers or the thread.
#[cfg(unix)]
pub(crate) fn watch() -> Result<(), Failure> {
    use signal_hook::iterator::Signals;

    // With a handler the write fails instead; the signal itself can be ignored.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default())?;
    let mut signals = Signals::new(signals().iter().map(|(signal, _)| signal))?;
    std::thread::Builder::new()
        .name("signals".to_string())
        .spawn(move || signals.forever().for_each(receive))?;
    Ok(())
}

/// On other systems a signal ends the program; what a run did since its last checkpoint is lost.
#[cfg(not(unix))]
pub(crate) fn watch() -> Result<(), Failure> {
    Ok(())
}

#[cfg(unix)]
fn receive(signal: i32) {
    let (none, this) = (0, signal as usize);
    let first = || NOTED.compare_exchange(none, this, Ordering::Relaxed, Ordering::Relaxed);
    if let Some(run) = RUN.get()
        && first().is_ok()
    {
        return run.stop();
    }
    gan_core::remove_unfinished();
    signal_hook::low_level::exit(i32::from(exit_code(signal)));
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
