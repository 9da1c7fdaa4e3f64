//! Prints from a separate thread, so that a reader that does not read cannot block the work.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

/// The most lines that wait to be printed; more are dropped and counted.
const WAITING: usize = 1024;

/// Where a line goes, and what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stream {
    /// A result, to standard output.
    Result,
    /// A line about the work, to standard output.
    Line,
    /// A diagnostic, to standard error.
    Diagnostics,
}

impl Stream {
    pub(super) fn is_terminal(self) -> bool {
        match self {
            Self::Result | Self::Line => io::stdout().is_terminal(),
            Self::Diagnostics => io::stderr().is_terminal(),
        }
    }

    pub(super) fn write(self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Result | Self::Line => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Self::Diagnostics => io::stderr().lock().write_all(bytes),
        }
    }
}

enum Message {
    Bytes(Stream, Vec<u8>),
    /// Answered when everything before it is printed.
    Finish(Sender<()>),
}

pub(super) struct Printer {
    queue: SyncSender<Message>,
    dropped: AtomicU64,
}

impl Printer {
    /// Starts the thread, which calls `print` for each line.
    pub(super) fn start(print: impl Fn(Stream, &[u8]) + Send + 'static) -> io::Result<Self> {
        let (queue, messages) = mpsc::sync_channel(WAITING);
        thread::Builder::new()
            .name("printer".to_string())
            .spawn(move || serve(&messages, print))?;
        Ok(Self {
            queue,
            dropped: AtomicU64::new(0),
        })
    }

    /// Queues a line, unless too many are waiting.
    pub(super) fn push(&self, stream: Stream, bytes: Vec<u8>) {
        if self.queue.try_send(Message::Bytes(stream, bytes)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is printed or `patience` is over; returns the number of dropped lines.
    pub(super) fn finish(&self, patience: Duration) -> u64 {
        let end = Instant::now() + patience;
        let (done, finished) = mpsc::channel();
        let mut message = Message::Finish(done);
        while let Err(TrySendError::Full(again)) = self.queue.try_send(message) {
            if Instant::now() >= end {
                return self.dropped();
            }
            message = again;
            thread::sleep(Duration::from_millis(5));
        }
        let left = end.saturating_duration_since(Instant::now());
        let waiting = finished.recv_timeout(left).is_err();
        self.dropped() + u64::from(waiting)
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn serve(messages: &Receiver<Message>, print: impl Fn(Stream, &[u8])) {
    for message in messages {
        match message {
            Message::Bytes(stream, bytes) => print(stream, &bytes),
            // The caller may have stopped waiting.
            Message::Finish(done) => drop(done.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn lines_are_printed_in_order_before_the_end() {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&printed);
        let printer =
            Printer::start(move |_, bytes| sink.lock().unwrap().push(bytes.to_vec())).unwrap();
        for n in 0..100_u8 {
            printer.push(Stream::Line, vec![n]);
        }
        assert_eq!(printer.finish(Duration::from_secs(60)), 0);
        let expected: Vec<Vec<u8>> = (0..100).map(|n| vec![n]).collect();
        assert_eq!(*printed.lock().unwrap(), expected);
    }

    #[test]
    fn a_printer_that_is_stuck_holds_nobody_up() {
        let (stop, stopped) = mpsc::channel::<()>();
        let stopped = Mutex::new(stopped);
        let printer = Printer::start(move |_, _| {
            assert!(stopped.lock().unwrap().recv().is_err());
        })
        .unwrap();
        let lines = 2 * WAITING;
        for _ in 0..lines {
            printer.push(Stream::Line, b"line".to_vec());
        }
        let dropped = printer.finish(Duration::from_millis(20));
        // The printer holds at most one line.
        assert!(dropped as usize >= lines - WAITING - 1, "{dropped}");
        drop(stop);
    }
}
