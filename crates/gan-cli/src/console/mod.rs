//! The program's output: lines on standard output, a progress bar and diagnostics on standard error.

mod data;
mod diagnostics;
mod evaluation;
mod printer;
mod progress;
mod run;

pub(crate) use progress::Bar;
pub(crate) use run::{RunConsole, finding_lines};

use crate::exit::Failure;
use crate::spelling::spelled;
use diagnostics::{PlainEvents, diagnostic};
use gan_core::{shown_text, with_causes, wrapped};
use indicatif::MultiProgress;
use printer::{Printer, Stream};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// All output to the user goes through this.
#[derive(Clone)]
pub(crate) struct Console {
    quiet: bool,
    verbose: bool,
    output: Arc<Output>,
}

/// How long the program waits at its end for its output to be read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where lines go: to the streams at once, or through the printer if there is one.
#[derive(Default)]
struct Output {
    screen: Screen,
    printer: OnceLock<Printer>,
}

impl Output {
    fn print(&self, stream: Stream, bytes: Vec<u8>) {
        match self.printer.get() {
            Some(printer) => printer.push(stream, bytes),
            None => self.screen.print(stream, &bytes),
        }
    }
}

/// The streams with the bars that are drawn over them.
#[derive(Clone, Default)]
struct Screen {
    bars: MultiProgress,
    /// Why the first lost result could not be written.
    unwritten: Arc<Mutex<Option<io::Error>>>,
}

impl Screen {
    /// On a terminal, a line must not break the progress bar. Elsewhere, it must not hold the bar's lock: a
    /// pipe that nobody reads would block whoever moves the bar.
    ///
    /// If the reader has gone, as `head` does, the line and any message about it are dropped, and the work
    /// continues. A result that cannot be written for another reason is lost, and this is recorded.
    fn print(&self, stream: Stream, bytes: &[u8]) {
        let written = if stream.is_terminal() {
            self.bars.suspend(|| stream.write(bytes))
        } else {
            stream.write(bytes)
        };
        if let Err(error) = written
            && stream == Stream::Result
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.note().get_or_insert(error);
        }
    }

    fn note(&self) -> std::sync::MutexGuard<'_, Option<io::Error>> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints why the arguments are refused, before there is a console; line breaks are kept.
pub(crate) fn print_refusal(text: &str) {
    // If the message cannot be written, there is no way to report that.
    drop(Stream::Diagnostics.write(lines_of(text).as_bytes()));
}

/// The lines of a text composed by this program, each without control characters.
fn lines_of(text: &str) -> String {
    let lines = text.trim_end_matches('\n').split('\n');
    lines.map(|line| shown_text(line) + "\n").collect()
}

impl Console {
    /// Sets up the diagnostics as well: warnings, more with `verbose`, errors alone with `quiet`;
    /// the variable RUST_LOG overrides.
    pub(crate) fn new(quiet: bool, verbose: u8) -> Self {
        let output = Arc::new(Output::default());
        let level = match (quiet, verbose) {
            (true, _) => "error",
            (false, 0) => "warn",
            (false, 1) => "info",
            (false, _) => "debug",
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(Diagnostics(Arc::clone(&output)))
            .event_format(PlainEvents)
            .init();
        Self {
            quiet,
            verbose: verbose > 0,
            output,
        }
    }

    /// Whether only results and errors are printed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether details are printed.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// The same console, verbose if `more` is set.
    pub(crate) fn in_detail(&self, more: bool) -> Self {
        let mut console = self.clone();
        console.verbose |= more;
        console
    }

    /// From now on a separate thread prints the lines: work continues even if nobody reads them.
    pub(crate) fn print_in_background(&self) -> io::Result<()> {
        let screen = self.output.screen.clone();
        let printer = Printer::start(move |stream, bytes| screen.print(stream, bytes))?;
        // A second call finds one already.
        drop(self.output.printer.set(printer));
        Ok(())
    }

    /// Waits until everything is printed, but not for ever.
    ///
    /// # Errors
    /// When a result could not be written; reported once.
    pub(crate) fn finish(&self) -> io::Result<()> {
        if let Some(printer) = self.output.printer.get() {
            let dropped = printer.finish(PATIENCE);
            if dropped > 0 {
                let text = format!("{dropped} lines were not printed because nobody read them\n");
                printer.push(Stream::Diagnostics, text.into_bytes());
                printer.finish(PATIENCE);
            }
        }
        let unwritten = self.output.screen.note().take();
        unwritten.map_or(Ok(()), Err)
    }

    /// Prints a line about the work, unless the console is quiet. `text` becomes one line without control
    /// characters.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        self.lines(shown_text(text.as_ref()));
    }

    /// Prints lines about the work that this program composed, unless the console is quiet. Names in them
    /// have passed through [`shown_text`], so that none can start a line.
    pub(crate) fn lines(&self, text: impl AsRef<str>) {
        if !self.quiet {
            let text = lines_of(text.as_ref());
            self.output.print(Stream::Line, text.into_bytes());
        }
    }

    /// Prints a result, also on a quiet console. If it cannot be written, [`finish`](Self::finish) fails.
    pub(crate) fn result(&self, text: impl AsRef<str>) {
        self.result_lines(shown_text(text.as_ref()));
    }

    /// Like [`lines`](Self::lines), for results.
    pub(crate) fn result_lines(&self, text: impl AsRef<str>) {
        let text = lines_of(text.as_ref());
        self.output.print(Stream::Result, text.into_bytes());
    }

    /// Prints a sentence about the work, unless the console is quiet, on as many lines as needed; those
    /// after the first are indented.
    pub(crate) fn sentence(&self, text: impl AsRef<str>) {
        self.lines(wrapped(&shown_text(&spelled(text.as_ref()))));
    }

    /// The same for a sentence that was asked for.
    pub(crate) fn result_sentence(&self, text: impl AsRef<str>) {
        self.result_lines(wrapped(&shown_text(&spelled(text.as_ref()))));
    }

    /// Prints an error with all its causes. In a message of several lines, such as that of a TOML file, the
    /// lines after the first are indented.
    pub(crate) fn error(&self, error: &Failure) {
        self.error_text(&with_causes(error));
    }

    /// The same for an error that is a text already.
    pub(crate) fn error_text(&self, text: &str) {
        let text = diagnostic("error", &spelled(text));
        self.output.print(Stream::Diagnostics, text.into_bytes());
    }
}

/// Writes diagnostics to standard error, above the progress bar.
#[derive(Clone)]
struct Diagnostics(Arc<Output>);

impl MakeWriter<'_> for Diagnostics {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for Diagnostics {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.print(Stream::Diagnostics, bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
