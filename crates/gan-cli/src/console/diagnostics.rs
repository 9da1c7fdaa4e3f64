//! The format of errors and warnings: a word for the kind, then the text, without times, colours or
//! control characters.

use crate::spelling::spelled;
use gan_core::shown_text;
use std::fmt::{self, Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// `kind: text`, ending a line; further lines of the text are indented.
pub(super) fn diagnostic(kind: &str, text: &str) -> String {
    let mut lines = text.trim_end().split('\n').map(shown_text);
    let mut shown = format!("{kind}: {}\n", lines.next().unwrap_or_default());
    for line in lines {
        shown += format!("  {line}").trim_end();
        shown.push('\n');
    }
    shown
}

/// Formats warnings and the events of `--verbose` like errors.
pub(super) struct PlainEvents;

impl<S, N> FormatEvent<S, N> for PlainEvents
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let kind = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        writer.write_str(&diagnostic(kind, &spelled(&fields.text())))
    }
}

/// An event's message, and its other fields as `name=value`.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<String>,
}

impl Fields {
    fn text(self) -> String {
        let message = Some(self.message).filter(|message| !message.is_empty());
        let parts: Vec<String> = message.into_iter().chain(self.others).collect();
        parts.join(" ")
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => drop(write!(self.message, "{value:?}")),
            // The origin of an event of the crate `log`.
            name if name.starts_with("log.") => {}
            name => self.others.push(format!("{name}={value:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_are_indented_and_control_characters_escaped() {
        assert_eq!(
            diagnostic("error", "a \u{1b}[31mred\n\nerror: forged\r\n"),
            "error: a \\u{1b}[31mred\n\n  error: forged\n"
        );
    }
}
