//! Scores as they are found, and why others are not.

use super::{TextScore, TextScoreKind};
use gan_metrics::Mean;
use std::fmt::Display;

/// The scores of one set of texts.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) scores: Vec<TextScore>,
    /// Why some are missing.
    pub(crate) notes: Vec<String>,
}

impl Sheet {
    pub(crate) fn mean(&mut self, kind: TextScoreKind, mean: Mean) {
        self.push(kind, mean.value, Some(mean.standard_error));
    }

    pub(crate) fn value(&mut self, kind: TextScoreKind, value: f64) {
        self.push(kind, value, None);
    }

    fn push(&mut self, kind: TextScoreKind, value: f64, uncertainty: Option<f64>) {
        if value.is_finite() {
            self.scores.push(TextScore {
                kind,
                value,
                uncertainty: uncertainty.filter(|error| error.is_finite()),
            });
        }
    }

    /// Says why there is no `what`.
    pub(crate) fn without(&mut self, what: &str, why: impl Display) {
        let note = format!("No {what}: {why}.");
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.scores.extend(other.scores);
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// In the order of a table.
    pub(crate) fn sorted(mut self) -> Self {
        self.scores.sort_by_key(|score| score.kind);
        self
    }
}
