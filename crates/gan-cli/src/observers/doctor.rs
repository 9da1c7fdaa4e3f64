//! The run doctor at the bedside: says what is alarming when it first shows.

use crate::commands::doctor_lines;
use crate::console::Console;
use gan_train::doctor::{FailureMode, HistoryRecord, diagnose, forget};

/// The history that still counts, and what was said of it.
pub(crate) struct Doctor {
    history: Vec<HistoryRecord>,
    said: Vec<FailureMode>,
    console: Console,
}

impl Doctor {
    /// A doctor who knows what was logged before; what ailed the run then was said then.
    pub(crate) fn new(mut history: Vec<HistoryRecord>, console: &Console) -> Self {
        let said = diagnose(&history, None).into_iter();
        forget(&mut history);
        Self {
            said: said.map(|finding| finding.failure_mode).collect(),
            history,
            console: console.clone(),
        }
    }

    /// Looks at one more logged step.
    pub(crate) fn examine(&mut self, record: HistoryRecord) {
        self.history.push(record);
        forget(&mut self.history);
        for finding in diagnose(&self.history, None) {
            if !self.said.contains(&finding.failure_mode) {
                self.said.push(finding.failure_mode);
                for line in doctor_lines(&finding) {
                    self.console.sentence(line);
                }
            }
        }
    }
}
