//! What a person sees: lines on standard output, a progress bar and diagnostics on standard error.

mod printer;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use printer::{Printer, Stream};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The one way to a person.
#[derive(Clone)]
pub(crate) struct Console {
    quiet: bool,
    output: Arc<Output>,
}

/// How long the end of the program waits for whoever reads what it prints.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where lines go: at once, or by way of the printer if there is one.
struct Output {
    bars: MultiProgress,
    printer: OnceLock<Printer>,
}

impl Output {
    fn print(&self, stream: Stream, bytes: Vec<u8>) {
        match self.printer.get() {
            Some(printer) => printer.push(stream, bytes),
            None => print(&self.bars, stream, &bytes),
        }
    }
}

/// Lines on a terminal do not tear a progress bar apart. Elsewhere they must not hold it: a pipe that
/// nobody reads would hold up who moves the bar. Where the reader has gone, as `head` does, the line has
/// nowhere to go, and neither has a message about it: that is no reason to stop working.
fn print(bars: &MultiProgress, stream: Stream, bytes: &[u8]) {
    drop(if stream.is_terminal() {
        bars.suspend(|| stream.write(bytes))
    } else {
        stream.write(bytes)
    });
}

impl Console {
    /// Sets up the diagnostics as well: warnings, more with `verbose`, errors alone with `quiet`;
    /// the variable RUST_LOG overrides.
    pub(crate) fn new(quiet: bool, verbose: u8) -> Self {
        let output = Arc::new(Output {
            bars: MultiProgress::new(),
            printer: OnceLock::new(),
        });
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
            .with_ansi(io::stderr().is_terminal())
            .init();
        Self { quiet, output }
    }

    /// One that prints nothing, and sets up no diagnostics.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        let output = Output {
            bars: MultiProgress::new(),
            printer: OnceLock::new(),
        };
        Self {
            quiet: true,
            output: Arc::new(output),
        }
    }

    /// From now on lines are printed by a thread of their own: work goes on where nobody reads them.
    pub(crate) fn print_in_background(&self) -> io::Result<()> {
        let bars = self.output.bars.clone();
        let printer = Printer::start(move |stream, bytes| print(&bars, stream, bytes))?;
        // There is one already if this is asked for twice.
        drop(self.output.printer.set(printer));
        Ok(())
    }

    /// Waits for what is still to be printed, but not for ever.
    pub(crate) fn finish(&self) {
        let Some(printer) = self.output.printer.get() else {
            return;
        };
        let dropped = printer.finish(PATIENCE);
        if dropped > 0 {
            let text = format!("{dropped} lines were not printed, because nobody read them\n");
            printer.push(Stream::Diagnostics, text.into_bytes());
            printer.finish(PATIENCE);
        }
    }

    /// A line about the work, unless the console is quiet.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.result(text);
        }
    }

    /// A line that was asked for, on a quiet console too.
    pub(crate) fn result(&self, text: impl AsRef<str>) {
        let text = format!("{}\n", text.as_ref());
        self.output.print(Stream::Output, text.into_bytes());
    }

    /// An error with all its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut text = format!("error: {error}");
        let mut last = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Errors that show their source in their own text need not say it twice.
            if !last.contains(&cause) {
                text = format!("{text}: {cause}");
            }
            last = cause;
        }
        text.push('\n');
        self.output.print(Stream::Diagnostics, text.into_bytes());
    }

    /// A bar over `total` units that shows the rate and the time left; drawn on a terminal alone.
    pub(crate) fn progress(&self, total: u64, unit: &str) -> ProgressBar {
        self.bar(
            total,
            &format!(
                "{{bar:30}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left  {{msg}}"
            ),
        )
    }

    /// A bar over parts that differ too much in length to tell the time left.
    pub(crate) fn parts(&self) -> ProgressBar {
        self.bar(0, "{bar:30} {human_pos}/{human_len}  {elapsed}  {msg}")
    }

    fn bar(&self, total: u64, template: &str) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        self.output
            .bars
            .add(ProgressBar::new(total).with_style(style))
    }
}

/// Diagnostics to standard error, above the progress bar.
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
