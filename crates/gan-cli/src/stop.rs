//! Signals that ask a run to stop, looked at between steps.

use crate::exit;
use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A run was asked to stop, and has kept what it had.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped by {name}")]
pub(crate) struct Stopped {
    name: &'static str,
    signal: i32,
}

impl Stopped {
    /// 128 and the signal's number, as shells have it.
    pub(crate) fn exit_code(self) -> u8 {
        exit::signalled(self.signal)
    }
}

/// Notes the first signal; a second one ends the program at once.
pub(crate) struct StopSignals {
    received: Arc<AtomicUsize>,
}

impl StopSignals {
    pub(crate) fn listen() -> Result<Self> {
        let (received, again) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        for (signal, _) in signals() {
            let code = i32::from(exit::signalled(signal));
            // In this order, so that the first signal arms the end and does not cause it.
            flag::register_conditional_shutdown(signal, code, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
            flag::register_usize(signal, Arc::clone(&received), signal as usize)?;
        }
        Ok(Self { received })
    }

    /// The signal that has come, if one has.
    pub(crate) fn received(&self) -> Option<Stopped> {
        let received = self.received.load(Ordering::Relaxed);
        let mut signals = signals().into_iter();
        let (signal, name) = signals.find(|(signal, _)| *signal as usize == received)?;
        Some(Stopped { name, signal })
    }
}

fn signals() -> Vec<(i32, &'static str)> {
    let mut signals = vec![(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];
    #[cfg(unix)]
    if !is_ignored(signal_hook::consts::SIGHUP) {
        signals.push((signal_hook::consts::SIGHUP, "SIGHUP"));
    }
    signals
}

/// Whether whoever started this program had it ignore a signal, as `nohup` does with SIGHUP. Only Linux
/// tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}
