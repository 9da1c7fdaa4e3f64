//! Reads the files that a run writes line by line.

use crate::json_lines::{complete_lines, warn_of_damaged};
use crate::log::{MetricsLine, ScoresLine, TimingLine};
use crate::{RunError, RunFolder, TextMetricsLine};
use gan_core::with_causes;
use serde::de::DeserializeOwned;
use std::path::Path;

impl RunFolder {
    /// The logged steps, in their order.
    ///
    /// # Errors
    /// When the log cannot be read, or no line of it is a record of a step.
    pub fn read_metrics(&self) -> Result<Vec<MetricsLine>, RunError> {
        read_lines(&self.metrics())
    }

    /// The logged parts of a run of text, in their order.
    ///
    /// # Errors
    /// Those of [`read_metrics`](Self::read_metrics).
    pub fn read_text_metrics(&self) -> Result<Vec<TextMetricsLine>, RunError> {
        read_lines(&self.metrics())
    }

    /// The scores while training; none if there were no scores.
    ///
    /// # Errors
    /// When the file is there, and [`read_metrics`](Self::read_metrics) would fail.
    pub fn read_scores(&self) -> Result<Vec<ScoresLine>, RunError> {
        if self.scores().exists() {
            read_lines(&self.scores())
        } else {
            Ok(Vec::new())
        }
    }

    /// The times of the logged steps.
    ///
    /// # Errors
    /// Those of [`read_metrics`](Self::read_metrics).
    pub fn read_timing(&self) -> Result<Vec<TimingLine>, RunError> {
        read_lines(&self.timing())
    }

    /// The seconds that a run has taken, according to `timing.jsonl`; 0 if that cannot be read.
    pub(crate) fn read_elapsed_seconds(&self) -> f64 {
        let lines = self.read_timing().unwrap_or_else(|error| {
            tracing::warn!("{}; the time starts at 0", with_causes(&error));
            Vec::new()
        });
        let last = lines.last().map_or(0.0, |line| line.elapsed_seconds);
        // Somebody may have changed the file; a wrong time is not a reason to refuse a run.
        if (0.0..1e12).contains(&last) {
            last
        } else {
            0.0
        }
    }
}

/// One value per line. A last line without its end was cut short by a stop, and is skipped; so is a
/// damaged one, with a warning.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RunError> {
    let text = gan_core::read_regular(path).map_err(RunError::unusable(format!(
        "{}: cannot be read; is this a run folder?",
        path.display()
    )))?;
    let (mut values, mut damaged) = (Vec::new(), Vec::new());
    for (number, line) in complete_lines(&text) {
        match serde_json::from_slice(line) {
            Ok(value) => values.push(value),
            Err(_) => damaged.push(number),
        }
    }
    if let (true, Some(first)) = (values.is_empty(), damaged.first()) {
        return Err(RunError::refused(
            path,
            format!(
                "no line is a record of a step, from line {first} on; expected a JSON object per line, as \
                 `train` writes them"
            ),
        ));
    }
    warn_of_damaged(path, &damaged, "left out");
    Ok(values)
}
