//! What was read of a data set, on the console.

use super::Console;
use gan_data::{DataSplits, Reading};

impl Console {
    /// Prints what a reader read, changed and skipped.
    pub(crate) fn data(&self, reading: &Reading) {
        self.line(&reading.summary);
        if let Some(classes) = &reading.classes {
            self.line(format!("Classes: {classes}"));
        }
        for warning in &reading.warnings {
            tracing::warn!("{warning}");
        }
    }

    /// The same for training, in a line; only a verbose console gets the names of files and the numbers of
    /// classes without names.
    pub(crate) fn data_briefly(&self, splits: &DataSplits) {
        if self.is_verbose() {
            return self.data(&splits.reading);
        }
        self.lines(splits.in_brief());
        for warning in &splits.reading.warnings {
            tracing::warn!("{warning}");
        }
    }
}
