//! The run doctor during training: prints each sign of trouble when it first appears.

use crate::commands::doctor_lines;
use crate::console::Console;
use gan_train::doctor::{FailureMode, HistoryRecord, diagnose, forget};

/// The history that still counts, and the findings that were printed.
pub(crate) struct Doctor {
    history: Vec<HistoryRecord>,
    said: Vec<FailureMode>,
    console: Console,
}

impl Doctor {
    /// A doctor that knows the earlier log; its findings have been printed already.
    pub(crate) fn new(mut history: Vec<HistoryRecord>, console: &Console) -> Self {
        let said = diagnose(&history, None).into_iter();
        forget(&mut history);
        Self {
            said: said.map(|finding| finding.failure_mode).collect(),
            history,
            console: console.clone(),
        }
    }

    /// Examines one more logged step.
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
