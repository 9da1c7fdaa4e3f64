//! A training run on the console: a line for each line of its log, under a progress bar.

use super::{Bar, Console};
use gan_core::{grouped, shown_text, with_causes};
use gan_eval::EvalEvent;
use gan_run::{
    Event, Events, log_heading, log_row, scores_row, text_log_heading, text_log_row,
    text_scores_row,
};
use std::fmt::Debug;

/// Prints what a run tells.
pub(crate) struct RunConsole<'a> {
    console: &'a Console,
    /// Over the steps.
    bar: Option<Bar>,
    /// Over the parts of preparing data or of scoring.
    parts: Option<Bar>,
    /// Whether the columns' names were printed.
    headed: bool,
}

impl<'a> RunConsole<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        Self {
            console,
            bar: None,
            parts: None,
            headed: false,
        }
    }

    fn start(&mut self, done: u64, steps: u64) {
        self.end();
        let bar = self.console.progress_beside_log(steps, "steps");
        bar.begin_at(done);
        self.bar = Some(bar);
        self.headed = false;
    }

    fn end(&mut self) {
        for bar in [self.bar.take(), self.parts.take()].into_iter().flatten() {
            bar.finish_and_clear();
        }
    }

    fn heading(&mut self, heading: fn() -> String) {
        if !self.headed {
            self.console.line(heading());
            self.headed = true;
        }
    }

    fn finding(&self, failure: &dyn Debug, evidence: &str, advice: &str) {
        for line in finding_lines(failure, evidence, advice) {
            self.console.sentence(line);
        }
    }

    fn row(&self, row: String) {
        self.console.line(row);
        if let Some(bar) = &self.bar {
            bar.told();
        }
    }

    fn progress(&mut self, work: &'static str, event: EvalEvent<'_>) {
        let console = self.console;
        let bar = self.parts.get_or_insert_with(|| console.parts(work));
        bar.follow(event);
    }
}

impl Events for RunConsole<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::DataRead(splits) => self.console.data_briefly(splits),
            Event::ReferenceReady(data) => self.console.sentence(format!(
                "Scores during training: against {} {}. Features: {}",
                data.data.real_images,
                data.reference.against,
                data.features.in_words(),
            )),
            Event::TextRead(report) => {
                for line in report.to_string().lines() {
                    match line.strip_prefix("warning: ") {
                        Some(warning) => tracing::warn!("{warning}"),
                        None => self.console.sentence(line),
                    }
                }
            }
            Event::TextLogged { line, timing } => {
                self.heading(text_log_heading);
                self.row(text_log_row(line, timing));
            }
            Event::TextScored(line) => self.console.lines(text_scores_row(line)),
            Event::Text { done, text, .. } => {
                self.console
                    .line(format!("{:>9}  text: {}", grouped(done), shown_text(text)));
            }
            Event::Note(note) => self.console.sentence(note),
            Event::Started { done, steps } => self.start(done, steps),
            Event::Step { .. } => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            Event::Logged { line, timing } => {
                self.heading(log_heading);
                self.row(log_row(line, timing));
            }
            Event::Scored(line) => self.console.lines(scores_row(line)),
            Event::Finding(finding) => {
                self.finding(&finding.failure_mode, &finding.evidence, finding.advice);
            }
            Event::TextFinding(finding) => {
                self.finding(&finding.failure, &finding.evidence, finding.advice);
            }
            Event::WentBack {
                to,
                rollback,
                most,
                cause,
            } => {
                self.end();
                tracing::warn!(
                    "{}; back to step {to} with another seed, rollback {rollback} of {most}",
                    with_causes(cause)
                );
            }
            Event::Progress { work, event } => self.progress(work, event),
            Event::ProgressEnded => {
                if let Some(bar) = self.parts.take() {
                    bar.finish_and_clear();
                }
            }
            Event::Ended => self.end(),
            _ => {}
        }
    }
}

/// A finding as it is printed, also by `doctor`.
pub(crate) fn finding_lines(failure: &dyn Debug, evidence: &str, advice: &str) -> [String; 2] {
    [
        format!("{failure:?}: {evidence}."),
        format!("  To try: {advice}."),
    ]
}
