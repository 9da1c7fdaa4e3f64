//! The log of a run of text: one line per log interval and round in `metrics.jsonl`, its time in `timing.jsonl`.

use super::TextPlan;
use crate::events::Tell;
use crate::figures::Figures;
use crate::json_lines::JsonLines;
use crate::log::{ScoresLine, TimingLine};
use crate::log_table::{clock, fitted};
use crate::{Event, RunError, RunFolder, Summary};
use gan_core::grouped;
use gan_text::{PartKind, TextPart, TextState};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A line of `metrics.jsonl` of a run of text: the figures of one part, which do not depend on a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextMetricsLine {
    /// The part, from 0: steps of the generator and rounds of the discriminator.
    pub part: u64,
    /// The generator's step, from 0; of a round the step that follows.
    pub step: u64,
    /// What the part is.
    pub phase: PartKind,
    /// Its figures, by name.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Writes the log.
pub(super) struct TextLog<'a> {
    events: &'a dyn Tell,
    metrics: JsonLines,
    timing: JsonLines,
    every: u64,
    steps: u64,
    batch_size: u64,
    begin: Instant,
    /// The run's seconds before this process resumed it.
    seconds_before: f64,
    /// When the last line was written, and the steps of this process by then.
    interval: (Instant, u64),
    done: u64,
}

impl<'a> TextLog<'a> {
    pub(super) fn new(
        run: &RunFolder,
        plan: &TextPlan,
        events: &'a dyn Tell,
    ) -> Result<Self, RunError> {
        let begin = Instant::now();
        Ok(Self {
            events,
            metrics: JsonLines::open(run, run.metrics())?,
            timing: JsonLines::open(run, run.timing())?,
            every: plan.config.output.log_every,
            steps: plan.steps,
            batch_size: plan.config.train.batch_size as u64,
            begin,
            seconds_before: run.read_elapsed_seconds(),
            interval: (begin, 0),
            done: 0,
        })
    }

    /// Notes a part, after which the run is at `state`; returns the line, if it has one.
    pub(super) fn part(
        &mut self,
        part: &TextPart,
        state: TextState,
    ) -> Result<Option<TextMetricsLine>, RunError> {
        let is_step = part.kind != PartKind::Round;
        if is_step {
            self.done += 1;
            self.events.tell(Event::Step { done: state.step });
            let is_due = part.number.is_multiple_of(self.every) || state.step == self.steps;
            if !is_due {
                return Ok(None);
            }
        }
        let figures = part.figures.iter();
        let line = TextMetricsLine {
            part: state.parts() - 1,
            step: state.step - u64::from(is_step),
            phase: part.kind,
            figures: figures.fold(Figures::default(), |all, (name, value)| {
                all.with(name, *value)
            }),
        };
        let timing = self.time(&line);
        self.metrics.append(&line)?;
        self.timing.append(&timing)?;
        self.events.tell(Event::TextLogged {
            line: &line,
            timing: &timing,
        });
        Ok(Some(line))
    }

    fn time(&mut self, line: &TextMetricsLine) -> TimingLine {
        let (since, before) = self.interval;
        self.interval = (Instant::now(), self.done);
        let texts = (self.done - before) * self.batch_size;
        let rate = texts as f64 / since.elapsed().as_secs_f64().max(1e-9);
        TimingLine {
            step: line.step,
            rates: Figures::default()
                .with_count("part", line.part)
                .with("texts_per_second", rate),
            elapsed_seconds: self.begin.elapsed().as_secs_f64() + self.seconds_before,
        }
    }

    /// How much was done, and in what time.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            steps: self.done,
            examples: self.done * self.batch_size,
            elapsed: self.begin.elapsed(),
            of: "texts",
        }
    }
}

/// The figures that a line of the table has room for.
const SHOWN: [(&str, &str); 7] = [
    ("nll", "NLL"),
    ("discriminator_loss", "D loss"),
    ("discriminator_accuracy", "D right"),
    ("generator_loss", "G loss"),
    ("reward", "reward"),
    ("reward_std", "±"),
    ("beta", "β"),
];

/// The names of the columns.
pub fn text_log_heading() -> String {
    format!("{:>9}  {:<11}  {:>8}  figures", "step", "phase", "time")
}

/// A line of the log under these columns.
pub fn text_log_row(line: &TextMetricsLine, timing: &TimingLine) -> String {
    let phase = match line.phase {
        PartKind::Likelihood => "likelihood",
        PartKind::Round => "D round",
        PartKind::Adversarial => "adversarial",
    };
    let time = clock(Duration::try_from_secs_f64(timing.elapsed_seconds).unwrap_or_default());
    let figures = SHOWN.iter().filter_map(|(name, short)| {
        let value = line.figures.get(name)?;
        Some(format!("{short} {}", fitted(value, 7, 4)))
    });
    let figures = figures.collect::<Vec<_>>().join("  ");
    format!(
        "{:>9}  {phase:<11}  {time:>8}  {figures}",
        grouped(line.step)
    )
}

/// The scores under these columns.
pub fn text_scores_row(line: &ScoresLine) -> String {
    let shown = line
        .scores
        .iter()
        .filter(|(name, _)| !name.starts_with("real_"));
    let shown =
        shown.filter_map(|(name, value)| Some(format!("{name} {}", fitted((*value)?, 7, 4))));
    let best = if line.best { "  the best so far" } else { "" };
    let scores = shown.collect::<Vec<_>>().join("  ");
    format!("{:>9}  scores: {scores}{best}", grouped(line.step))
}
