//! The run doctor during training: tells each sign of trouble when it first appears.

use crate::Event;
use crate::events::Tell;
use gan_train::doctor::{FailureMode, HistoryRecord, diagnose, forget};

/// The history that still counts, and the findings that were told.
pub(crate) struct Doctor<'a> {
    history: Vec<HistoryRecord>,
    told: Vec<FailureMode>,
    events: &'a dyn Tell,
}

impl<'a> Doctor<'a> {
    /// A doctor that knows the earlier log; its findings have been told already.
    pub(crate) fn new(mut history: Vec<HistoryRecord>, events: &'a dyn Tell) -> Self {
        let told = diagnose(&history, None).into_iter();
        forget(&mut history);
        Self {
            told: told.map(|finding| finding.failure_mode).collect(),
            history,
            events,
        }
    }

    /// Examines one more logged step.
    pub(crate) fn examine(&mut self, record: HistoryRecord) {
        self.history.push(record);
        forget(&mut self.history);
        for finding in diagnose(&self.history, None) {
            if !self.told.contains(&finding.failure_mode) {
                self.told.push(finding.failure_mode);
                self.events.tell(Event::Finding(&finding));
            }
        }
    }
}
