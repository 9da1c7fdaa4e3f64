//! The doctor's look at a run of text, from the files that it wrote.

use super::TextMetricsLine;
use crate::events::Tell;
use crate::log::ScoresLine;
use crate::{Event, RunError, RunFolder};
use gan_text::{TextFailure, TextFinding, TextHistory, TextHistoryScores, diagnose_text};
use std::fmt;

/// What was examined and what was found in a run of text.
#[derive(Debug)]
pub struct TextExamination {
    /// The lines of the log.
    pub lines: usize,
    /// The newest logged step, if there is one.
    pub last_step: Option<u64>,
    /// The signs of trouble.
    pub findings: Vec<TextFinding>,
}

/// What was examined, in words.
impl fmt::Display for TextExamination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last_step {
            Some(step) => write!(f, "{} records, up to step {step}", self.lines),
            None => write!(f, "no records"),
        }
    }
}

/// Looks for signs of trouble in a run of text.
///
/// # Errors
/// When its files cannot be read.
pub fn examine_text(run: &RunFolder) -> Result<TextExamination, RunError> {
    let lines = run.read_text_metrics()?;
    let history = history_of(&lines, &run.read_scores()?);
    Ok(TextExamination {
        lines: lines.len(),
        last_step: lines.last().map(|line| line.step),
        findings: diagnose_text(&history),
    })
}

/// The doctor during training: tells each sign of trouble when it first appears.
pub(super) struct TextDoctor {
    history: TextHistory,
    told: Vec<TextFailure>,
}

impl TextDoctor {
    /// A doctor that knows the earlier log; its findings have been told already.
    pub(super) fn of(run: &RunFolder) -> Result<Self, RunError> {
        let history = history_of(&run.read_text_metrics()?, &run.read_scores()?);
        let told = diagnose_text(&history).into_iter();
        Ok(Self {
            told: told.map(|finding| finding.failure).collect(),
            history,
        })
    }

    /// Examines one more line of the log.
    pub(super) fn line(&mut self, line: &TextMetricsLine, events: &dyn Tell) {
        add_line(&mut self.history, line);
        self.tell(events);
    }

    /// Examines one more line of scores.
    pub(super) fn scores(&mut self, line: &ScoresLine, events: &dyn Tell) {
        add_scores(&mut self.history, line);
        self.tell(events);
    }

    fn tell(&mut self, events: &dyn Tell) {
        for finding in diagnose_text(&self.history) {
            if !self.told.contains(&finding.failure) {
                self.told.push(finding.failure);
                events.tell(Event::TextFinding(&finding));
            }
        }
    }
}

fn history_of(lines: &[TextMetricsLine], scores: &[ScoresLine]) -> TextHistory {
    let mut history = TextHistory::default();
    lines.iter().for_each(|line| add_line(&mut history, line));
    scores
        .iter()
        .for_each(|line| add_scores(&mut history, line));
    history
}

/// Adds the figures of a line that the doctor knows.
fn add_line(history: &mut TextHistory, line: &TextMetricsLine) {
    let (step, figure) = (line.step, |name: &str| line.figures.get(name));
    let mut all = line.figures.iter();
    if history.not_finite.is_none()
        && let Some((name, _)) = all.find(|(_, value)| !value.is_finite())
    {
        history.not_finite = Some((step, name.to_string()));
    }
    if let Some(accuracy) = figure("discriminator_accuracy") {
        history.accuracies.push((step, accuracy));
    }
    if let (Some(reward), Some(std)) = (figure("reward"), figure("reward_std")) {
        history.rewards.push((step, reward, std));
    }
}

/// Adds the scores of a line.
fn add_scores(history: &mut TextHistory, line: &ScoresLine) {
    let score = |name: &str| line.scores.get(name).copied().flatten().unwrap_or(f64::NAN);
    history.scores.push(TextHistoryScores {
        step: line.step,
        nll_gen: score("nll_gen"),
        different_texts: score("different_texts"),
        real_different_texts: score("real_different_texts"),
        distinct_tokens: score("distinct_tokens"),
        real_distinct_tokens: score("real_distinct_tokens"),
    });
}
