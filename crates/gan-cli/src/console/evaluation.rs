//! The scores of an evaluation on the console.

use super::{Bar, Console};
use crate::spelling::spelled;
use gan_eval::{EvalEvent, EvaluationFile, parzen_lines, score_table};
use gan_metrics::Metric;

impl Bar {
    /// Shows the parts of an evaluation.
    pub(crate) fn follow(&self, event: EvalEvent<'_>) {
        match event {
            EvalEvent::Expect(parts) => self.inc_length(parts as u64),
            EvalEvent::Begin(part) => {
                tracing::debug!(part);
                self.set_message(part);
            }
            EvalEvent::Done => self.inc(1),
            EvalEvent::Read(_) => {}
        }
    }
}

impl Console {
    /// Prints the scores with their controls, as results, and what explains them, as lines.
    pub(crate) fn evaluation(&self, file: &EvaluationFile) {
        self.line(format!("Features: {}", file.features.in_words()));
        self.line(format!(
            "Real images: {} {}",
            file.data.real_images, file.data.against
        ));
        for line in score_table(file) {
            self.result(line);
        }
        let is_parzen = |score: &gan_metrics::Score| score.kind.metric() == Metric::Parzen;
        if file.scores.iter().any(is_parzen) {
            self.lines(parzen_lines(file).join("\n"));
        }
        if let Some(classes) = &file.classes {
            self.line(classes.in_words());
        }
        for note in &file.notes {
            self.line(spelled(note));
        }
    }
}
