//! Scores while training, and the checkpoint that had the best.

use super::{CheckpointWriter, Observed, Schedule};
use crate::commands::{STACKED_COUNT, doctor_lines};
use crate::config::RunConfig;
use crate::console::Console;
use crate::evaluation::{DataReference, Progress, SCORE_SEED, draw, value};
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use gan_core::Seed;
use gan_metrics::{Embedding, Evaluation, ImageSet, Metric, ModeCoverage, ScoreKind};
use gan_train::doctor::{ClassShares, diagnose};
use gan_train::{Observer, StepReport, TrainError, Trainer};
use indicatif::{HumanCount, ProgressBar};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// As many images as `evaluate` scores, so that figures can stand beside each other.
const COUNT: usize = 10_000;

/// The images of the seed that `evaluate` begins with.
const SEED: Seed = Seed(0);

/// The families that take seconds.
const METRICS: [Metric; 5] = [
    Metric::Fid,
    Metric::Kid,
    Metric::PrecisionRecall,
    Metric::DensityCoverage,
    Metric::Modes,
];

/// Lost classes are said after so many scores in a row that found some.
const ALARMING_SCORES: usize = 3;

/// What a line on the console shows.
const SHOWN: [(ScoreKind, &str); 8] = [
    (ScoreKind::FrechetDistance, "FID"),
    (ScoreKind::KernelDistance, "KID"),
    (ScoreKind::Precision, "precision"),
    (ScoreKind::Recall, "recall"),
    (ScoreKind::Coverage, "coverage"),
    (ScoreKind::ClassesCovered, "classes"),
    (ScoreKind::StackedModes, "modes"),
    (ScoreKind::StackedKl, "KL"),
];

/// How many images are scored, and by what.
fn scope(stacked: bool) -> (usize, &'static [Metric]) {
    if stacked {
        (STACKED_COUNT, &[Metric::Stacked])
    } else {
        (COUNT, &METRICS)
    }
}

/// Scores the generator, averaged where an average is kept, in evaluation mode, every so many steps.
/// It draws from seeds of its own and changes nothing that training depends on.
pub(crate) struct ScoreObserver {
    data: DataReference,
    writer: CheckpointWriter,
    schedule: Schedule,
    every: u64,
    file: File,
    console: Console,
    /// Whether digits stacked in an image are scored, by their modes.
    stacked: bool,
    /// The lowest FID so far, or KL of stacked digits.
    lowest: f64,
    /// How many scores in a row found lost classes.
    lost_in_a_row: usize,
}

/// A line of `scores.jsonl`.
#[derive(Serialize)]
struct Line {
    step: u64,
    epoch: u64,
    scores: BTreeMap<&'static str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_shares: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_class_shares: Option<Vec<f64>>,
    best: bool,
    seconds: f64,
}

impl ScoreObserver {
    /// What scores need of a run's data set. Call it before the run folder is made: it fails where
    /// the data cannot be scored against.
    pub(crate) fn prepare(config: &RunConfig) -> Result<DataReference> {
        let progress = Progress(ProgressBar::hidden());
        let (count, metrics) = scope(config.data.is_stacked());
        DataReference::open(&config.data.base(), None, count, metrics, &progress)
    }

    pub(crate) fn new(
        data: DataReference,
        writer: CheckpointWriter,
        schedule: Schedule,
        every: u64,
        stacked: bool,
        run: &RunFolder,
        console: &Console,
    ) -> Result<Self> {
        let path = run.scores();
        let file = File::create(&path)
            .with_context(|| WrongUse(format!("{}: cannot be written", path.display())))?;
        Ok(Self {
            data,
            writer,
            schedule,
            every,
            file,
            console: console.clone(),
            stacked,
            lowest: f64::INFINITY,
            lost_in_a_row: 0,
        })
    }

    fn evaluate(&self, trainer: &Trainer) -> Observed<Evaluation> {
        let (count, metrics) = scope(self.stacked);
        let (shape, pixels) = trainer.with_averaged_generator(|generator| {
            draw(generator, self.writer.model(), count, SEED)
        })??;
        if let Some(value) = pixels.iter().find(|pixel| !pixel.is_finite()) {
            return Err(TrainError::NonFinite {
                step: trainer.state().step.saturating_sub(1),
                quantity: "generated image",
                value: f64::from(*value),
            }
            .into());
        }
        let mut images = ImageSet::new("generated images", shape, pixels)?;
        if self.stacked {
            images = images.split_channels();
        }
        let generated = Embedding::new(&self.data.network, images)?;
        Ok(Evaluation::new(
            &self.data.reference,
            &generated,
            metrics,
            SCORE_SEED,
        )?)
    }

    fn record(&mut self, trainer: &Trainer, step: u64) -> Observed {
        let begin = Instant::now();
        let evaluation = self.evaluate(trainer)?;
        let decisive = if self.stacked {
            ScoreKind::StackedKl
        } else {
            ScoreKind::FrechetDistance
        };
        let distance = evaluation.value(decisive).unwrap_or(f64::INFINITY);
        let best = distance < self.lowest;
        let modes = evaluation.modes.as_ref();
        let line = Line {
            step,
            epoch: self.schedule.epoch(step),
            scores: evaluation
                .scores
                .iter()
                .map(|s| (s.kind.name(), s.value))
                .collect(),
            class_shares: modes.map(|modes| modes.generated_shares.clone()),
            data_class_shares: modes.map(|modes| modes.data_shares.clone()),
            best,
            seconds: begin.elapsed().as_secs_f64(),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        let shown = SHOWN.iter().filter_map(|(kind, name)| {
            let score = evaluation.scores.iter().find(|score| score.kind == *kind)?;
            Some(format!("{name} {}", value(*score)))
        });
        self.console.line(format!(
            "step {}  {}{}",
            HumanCount(step),
            shown.collect::<Vec<_>>().join("  "),
            if best { "  the best so far" } else { "" },
        ));
        self.look_for_lost_classes(line.step, modes);
        if best {
            self.lowest = distance;
            self.writer.write_best(trainer)?;
        }
        Ok(())
    }
}

impl ScoreObserver {
    /// Every run draws few classes at first: it is alarming when scores go on finding it.
    fn look_for_lost_classes(&mut self, step: u64, modes: Option<&ModeCoverage>) {
        let shares = modes.map(|modes| ClassShares {
            step,
            generated: modes.generated_shares.clone(),
            data: modes.data_shares.clone(),
        });
        match diagnose(&[], shares.as_ref()).first() {
            None => self.lost_in_a_row = 0,
            Some(finding) => {
                self.lost_in_a_row += 1;
                if self.lost_in_a_row == ALARMING_SCORES {
                    for line in doctor_lines(finding) {
                        self.console.line(line);
                    }
                }
            }
        }
    }
}

impl Observer for ScoreObserver {
    fn on_step(&mut self, trainer: &Trainer, report: &StepReport) -> Observed {
        let done = report.step + 1;
        if done.is_multiple_of(self.every) || self.schedule.is_last(report.step) {
            self.record(trainer, report.step)?;
        }
        Ok(())
    }
}
