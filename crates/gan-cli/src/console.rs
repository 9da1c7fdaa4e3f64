//! What a person sees: lines on standard output, a progress bar and diagnostics on standard error.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The one printer of the program. Lines never tear the progress bar apart.
#[derive(Clone)]
pub(crate) struct Console {
    quiet: bool,
    bars: MultiProgress,
}

impl Console {
    /// Sets up the diagnostics as well: warnings, more with `verbose`, errors alone with `quiet`;
    /// the variable RUST_LOG overrides.
    pub(crate) fn new(quiet: bool, verbose: u8) -> Self {
        let bars = MultiProgress::new();
        let level = match (quiet, verbose) {
            (true, _) => "error",
            (false, 0) => "warn",
            (false, 1) => "info",
            (false, _) => "debug",
        };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(Diagnostics(bars.clone()))
            .with_ansi(io::stderr().is_terminal())
            .init();
        Self { quiet, bars }
    }

    /// A line about the work, unless the console is quiet.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.result(text);
        }
    }

    /// A line that was asked for, on a quiet console too.
    pub(crate) fn result(&self, text: impl AsRef<str>) {
        let written = self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", text.as_ref())?;
            out.flush()
        });
        if let Err(error) = written {
            // The reader has gone, as `head` does: no reason to stop working.
            tracing::debug!(%error, "standard output");
        }
    }

    /// An error with all its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        self.bars.suspend(|| {
            let mut text = format!("error: {error}");
            let mut last = error.to_string();
            for cause in error.chain().skip(1).map(ToString::to_string) {
                // Errors that show their source in their own text need not say it twice.
                if !last.contains(&cause) {
                    text = format!("{text}: {cause}");
                }
                last = cause;
            }
            if let Err(error) = writeln!(io::stderr(), "{text}") {
                tracing::debug!(%error, "standard error");
            }
        });
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
        self.bars.add(ProgressBar::new(total).with_style(style))
    }
}

/// Diagnostics to standard error, above the progress bar.
#[derive(Clone)]
struct Diagnostics(MultiProgress);

impl MakeWriter<'_> for Diagnostics {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for Diagnostics {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
