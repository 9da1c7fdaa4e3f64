//! Scores during training, and the checkpoint with the best one.

use super::{CheckpointWriter, Observed};
use crate::describe::name;
use crate::events::Tell;
use crate::json_lines::JsonLines;
use crate::log::ScoresLine;
use crate::{Event, Events, Plan, RunError, Schedule};
use gan_core::Seed;
use gan_data::{Dataset, Parts};
use gan_eval::{
    DEFAULT_COUNT, DataReference, EvalError, EvalEvent, Request, SCORE_SEED, STACKED_COUNT,
    classes_like, draw,
};
use gan_metrics::{Embedding, Evaluation, Metric, MetricError, ModeCoverage, Reference, ScoreKind};
use gan_train::doctor::{ClassBalance, diagnose};
use gan_train::{Checkpoint, Observer, StepReport, TrainError, Trainer};

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

/// What the events of this work belong to.
const WORK: &str = "scores";

/// How many images are scored, as many as `evaluate` scores, so that the scores can be compared; and with
/// which families.
fn scope(stacked: bool) -> (usize, &'static [Metric]) {
    if stacked {
        (STACKED_COUNT, &[Metric::Stacked])
    } else {
        (DEFAULT_COUNT, &METRICS)
    }
}

/// The score that decides which checkpoint is the best; lower is better. KID, if there are too few
/// images for an FID.
fn decisive(stacked: bool, reference: &Reference) -> ScoreKind {
    if stacked {
        ScoreKind::StackedKl
    } else if reference.unavailable(Metric::Fid, DEFAULT_COUNT).is_none() {
        ScoreKind::FrechetDistance
    } else {
        ScoreKind::KernelDistance
    }
}

/// Prepares the training images for scores, if the plan wants any. They choose the best checkpoint; the
/// held-out images are for `evaluate`. Call it before the run folder is made: it fails if scores against
/// the data are not possible.
pub(crate) fn prepare(
    plan: &Plan,
    events: &mut dyn Events,
) -> Result<Option<DataReference>, RunError> {
    if plan.config.output.evaluate_every.is_none() {
        return Ok(None);
    }
    let config = &plan.config.data;
    config.check_images("scores")?;
    let (count, metrics) = scope(config.is_stacked());
    let base = config.base();
    let feature_network = base.feature_network();
    let request = Request {
        path: base.folder(),
        feature_network: &feature_network,
        features: None,
        count,
        metrics,
        how_to_train: &plan.how_to_train_classifiers,
    };
    let stacked = config.is_stacked().then(|| base.open(Parts::Training));
    let stacked = stacked.transpose()?;
    let training = stacked
        .as_ref()
        .map_or(&*plan.data, |splits| &splits.training);
    let work = "data to score against";
    let data = DataReference::new(training, None, &request, &mut |event| {
        events.event(Event::Progress { work, event });
    });
    events.event(Event::ProgressEnded);
    let data = data?;
    events.event(Event::ReferenceReady(&data));
    for metric in metrics {
        if let Some(reason) = data.reference.unavailable(*metric, count) {
            let note = format!("No {metric} during training: it {reason}.");
            events.event(Event::Note(&note));
        }
    }
    Ok(Some(data))
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
    events: &'a dyn Tell,
    /// Whether images are stacks of digits, scored by their modes.
    stacked: bool,
    decisive: ScoreKind,
    /// The lowest decisive score so far.
    lowest: f64,
    /// How many scores in a row found lost classes.
    lost_in_a_row: usize,
}

impl<'a> ScoreObserver<'a> {
    /// Scores of a run whose file has those of the steps already done.
    pub(crate) fn new(
        data: &'a DataReference,
        plan: &'a Plan,
        every: u64,
        writer: CheckpointWriter,
        events: &'a dyn Tell,
    ) -> Result<Self, RunError> {
        let stacked = plan.config.data.is_stacked();
        let run = writer.run();
        let decisive = decisive(stacked, &data.reference);
        Ok(Self {
            data,
            training: &plan.data,
            decisive,
            schedule: plan.schedule,
            every,
            file: JsonLines::open(run, run.scores())?,
            events,
            stacked,
            lowest: match run.best_files().step::<Checkpoint>()? {
                Some(_) => lowest(&run.read_scores()?, decisive.name()),
                None => f64::INFINITY,
            },
            writer,
            lost_in_a_row: 0,
        })
    }

    fn progress(&self, event: EvalEvent<'_>) {
        self.events.tell(Event::Progress { work: WORK, event });
    }

    fn evaluate(&self, trainer: &Trainer) -> Observed<Evaluation> {
        let (count, metrics) = scope(self.stacked);
        self.progress(EvalEvent::Expect(3));
        self.progress(EvalEvent::Begin("images"));
        let generator = trainer.averaged_generator()?;
        let generator = generator.as_ref();
        let classes = classes_like(generator, self.training);
        let model = self.writer.model();
        let drawn = draw(generator, model, &classes, count, SEED, "generated images");
        let mut images = match drawn {
            Err(EvalError::Metric(MetricError::NotFinite { .. })) => {
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
        self.progress(EvalEvent::Done);
        self.progress(EvalEvent::Begin("features of generated images"));
        let generated = Embedding::new(&self.data.network, images)?;
        self.progress(EvalEvent::Done);
        self.progress(EvalEvent::Begin("distances"));
        let reference = &self.data.reference;
        Ok(Evaluation::new(reference, &generated, metrics, SCORE_SEED))
    }

    fn record(&mut self, trainer: &Trainer, step: u64) -> Observed {
        let evaluation = self.evaluate(trainer);
        self.events.tell(Event::ProgressEnded);
        let evaluation = evaluation?;
        let distance = evaluation.value(self.decisive).unwrap_or(f64::INFINITY);
        let best = distance < self.lowest;
        let modes = evaluation.modes.as_ref();
        let scores = evaluation.scores.iter();
        let line = ScoresLine {
            step,
            epoch: self.schedule.epoch(step),
            features: Some(name(&self.data.features.kind)),
            against: Some(name(&self.data.reference.against)),
            scores: scores
                .map(|s| (s.kind.name().to_string(), Some(s.value)))
                .collect(),
            class_shares: modes.map(|modes| modes.generated_shares.clone()),
            data_class_shares: modes.map(|modes| modes.data_shares.clone()),
            best,
        };
        self.events.tell(Event::Scored(&line));
        self.look_for_lost_classes(line.step, modes);
        if best {
            self.lowest = distance;
            self.writer.write_best(trainer)?;
        }
        self.file.append(&line)?;
        Ok(())
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
                    self.events.tell(Event::Finding(finding));
                }
            }
        }
    }
}

/// The lowest value that a run had of the score with this name.
fn lowest(lines: &[ScoresLine], name: &str) -> f64 {
    let scores = lines.iter().filter_map(|line| *line.scores.get(name)?);
    scores.fold(f64::INFINITY, f64::min)
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
