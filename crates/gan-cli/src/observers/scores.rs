//! Scores during training, and the checkpoint with the best one.

use super::{CheckpointWriter, Observed, Schedule};
use crate::commands::{STACKED_COUNT, doctor_lines};
use crate::console::{Console, pack};
use crate::evaluation::{DataReference, Progress, Request, SCORE_SEED, classes_like, draw, value};
use crate::history::read_lowest_score;
use crate::json_lines::JsonLines;
use crate::training::Plan;
use anyhow::Result;
use gan_core::Seed;
use gan_data::{Dataset, Parts};
use gan_metrics::{
    Embedding, Evaluation, FeatureNetworkKind, Metric, MetricError, ModeCoverage, RealImages,
    Reference, ScoreKind,
};
use gan_train::doctor::{ClassBalance, diagnose};
use gan_train::{Observer, StepReport, TrainError, Trainer};
use indicatif::HumanCount;
use serde::Serialize;
use std::collections::BTreeMap;

/// As many images as `evaluate` scores, so that the scores can be compared.
const COUNT: usize = 10_000;

/// The first seed that `evaluate` uses.
const SEED: Seed = Seed(0);

/// The families of scores that take only seconds.
const METRICS: [Metric; 5] = [
    Metric::Fid,
    Metric::Kid,
    Metric::PrecisionRecall,
    Metric::DensityCoverage,
    Metric::Modes,
];

/// Lost classes are reported after this many scores in a row that found some.
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

/// How many images are scored, and with which families.
fn scope(stacked: bool) -> (usize, &'static [Metric]) {
    if stacked {
        (STACKED_COUNT, &[Metric::Stacked])
    } else {
        (COUNT, &METRICS)
    }
}

/// The score that decides which checkpoint is the best; lower is better. KID, if there are too few
/// images for an FID.
fn decisive(stacked: bool, reference: &Reference) -> ScoreKind {
    if stacked {
        ScoreKind::StackedKl
    } else if reference.unavailable(Metric::Fid, COUNT).is_none() {
        ScoreKind::FrechetDistance
    } else {
        ScoreKind::KernelDistance
    }
}

/// Scores the generator (its average, if there is one) in evaluation mode every N steps. It has its own
/// seeds and does not affect training.
pub(crate) struct ScoreObserver<'a> {
    data: &'a DataReference,
    training: &'a Dataset,
    writer: CheckpointWriter,
    schedule: Schedule,
    every: u64,
    file: JsonLines,
    console: Console,
    /// Whether images are stacks of digits, scored by their modes.
    stacked: bool,
    decisive: ScoreKind,
    /// The lowest decisive score so far.
    lowest: f64,
    /// How many scores in a row found lost classes.
    lost_in_a_row: usize,
}

/// A line of `scores.jsonl`.
#[derive(Serialize)]
struct Line {
    step: u64,
    epoch: u64,
    features: FeatureNetworkKind,
    against: RealImages,
    scores: BTreeMap<&'static str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_shares: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_class_shares: Option<Vec<f64>>,
    best: bool,
}

impl<'a> ScoreObserver<'a> {
    /// Prepares the training images for scores. They choose the best checkpoint; the held-out images
    /// are for `evaluate`. Call it before the run folder is made: it fails if scores against the data
    /// are not possible.
    pub(crate) fn prepare(plan: &Plan, console: &Console) -> Result<DataReference> {
        let config = &plan.config.data;
        config.check_images("scores")?;
        let progress = Progress(console.parts("data to score against"));
        let (count, metrics) = scope(config.is_stacked());
        let base = config.base();
        let request = Request {
            config: &base,
            features: None,
            count,
            metrics,
        };
        let stacked = config.is_stacked().then(|| base.open(Parts::Training));
        let stacked = stacked.transpose()?;
        let training = stacked
            .as_ref()
            .map_or(&*plan.data, |splits| &splits.training);
        let data = DataReference::new(training, None, &request, &progress)?;
        progress.0.finish_and_clear();
        console.sentence(format!(
            "Scores during training: against {} {}. Features: {}",
            data.facts.0.real_images,
            data.reference.against,
            data.facts.1.in_words(),
        ));
        for metric in metrics {
            if let Some(reason) = data.reference.unavailable(*metric, count) {
                console.sentence(format!("No {metric} during training: it {reason}."));
            }
        }
        Ok(data)
    }

    /// Scores of a run whose file has those of the steps already done.
    pub(crate) fn new(
        data: &'a DataReference,
        plan: &'a Plan,
        every: u64,
        writer: CheckpointWriter,
        console: &Console,
    ) -> Result<Self> {
        let stacked = plan.config.data.is_stacked();
        let run = writer.run();
        let path = run.scores();
        let decisive = decisive(stacked, &data.reference);
        Ok(Self {
            data,
            training: &plan.data,
            decisive,
            schedule: plan.schedule,
            every,
            file: JsonLines::open(run, path.clone())?,
            console: console.clone(),
            stacked,
            lowest: match run.best_files().step()? {
                Some(_) => read_lowest_score(&path, decisive.name())?,
                None => f64::INFINITY,
            },
            writer,
            lost_in_a_row: 0,
        })
    }

    fn evaluate(&self, trainer: &Trainer) -> Observed<Evaluation> {
        let (count, metrics) = scope(self.stacked);
        let progress = Progress(self.console.parts("scores"));
        progress.expect(3);
        progress.begin("images");
        let drawn = trainer.with_averaged_generator(|generator| {
            let classes = classes_like(generator, self.training);
            let model = self.writer.model();
            draw(generator, model, &classes, count, SEED, "generated images")
        })?;
        let mut images = match drawn {
            Err(error) if is_not_finite(&error) => {
                return Err(TrainError::NonFinite {
                    step: trainer.state().step.saturating_sub(1),
                    tensor: "batch of generated images in evaluation mode".to_string(),
                }
                .into());
            }
            drawn => drawn?,
        };
        if self.stacked {
            images = images.split_channels();
        }
        progress.done();
        progress.begin("features of generated images");
        let generated = Embedding::new(&self.data.network, images)?;
        progress.done();
        progress.begin("distances");
        Ok(Evaluation::new(
            &self.data.reference,
            &generated,
            metrics,
            SCORE_SEED,
        ))
    }

    fn record(&mut self, trainer: &Trainer, step: u64) -> Observed {
        let evaluation = self.evaluate(trainer)?;
        let distance = evaluation.value(self.decisive).unwrap_or(f64::INFINITY);
        let best = distance < self.lowest;
        let modes = evaluation.modes.as_ref();
        let line = Line {
            step,
            epoch: self.schedule.epoch(step),
            features: self.data.facts.1.kind,
            against: self.data.reference.against,
            scores: evaluation
                .scores
                .iter()
                .map(|s| (s.kind.name(), s.value))
                .collect(),
            class_shares: modes.map(|modes| modes.generated_shares.clone()),
            data_class_shares: modes.map(|modes| modes.data_shares.clone()),
            best,
        };
        self.print(&line, &evaluation);
        self.look_for_lost_classes(line.step, modes);
        if best {
            self.lowest = distance;
            self.writer.write_best(trainer)?;
        }
        self.file.append(&line)?;
        Ok(())
    }
}

impl ScoreObserver<'_> {
    /// Printed under the columns of the log, on as many lines as needed.
    fn print(&self, line: &Line, evaluation: &Evaluation) {
        let heading = match line.features {
            FeatureNetworkKind::Classifier => "scores:",
            FeatureNetworkKind::Random => "scores in random features:",
        };
        let mut parts = vec![
            format!("{:>9}", HumanCount(line.step).to_string()),
            heading.to_string(),
        ];
        parts.extend(SHOWN.iter().filter_map(|(kind, name)| {
            let score = evaluation.scores.iter().find(|score| score.kind == *kind)?;
            Some(format!("{name} {}", value(*score)))
        }));
        if line.best {
            parts.push("the best so far".to_string());
        }
        let indent = 11;
        self.console
            .lines(pack(parts.iter().map(String::as_str), "  ", indent));
    }

    /// Every run draws few classes at first; it is alarming only if scores keep finding it.
    fn look_for_lost_classes(&mut self, step: u64, modes: Option<&ModeCoverage>) {
        let shares = modes.map(|modes| ClassBalance {
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
                        self.console.sentence(line);
                    }
                }
            }
        }
    }
}

fn is_not_finite(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(MetricError::NotFinite { .. }))
}

impl Observer for ScoreObserver<'_> {
    fn on_step(&mut self, trainer: &Trainer, report: &StepReport) -> Observed {
        let done = report.step + 1;
        if done.is_multiple_of(self.every) || self.schedule.is_last(report.step) {
            self.record(trainer, report.step)?;
        }
        Ok(())
    }
}
