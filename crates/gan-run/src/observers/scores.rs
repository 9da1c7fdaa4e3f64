//! Scores during training, and the checkpoint with the best one.

use super::{CheckpointWriter, Observed};
use crate::describe::name;
use crate::events::Tell;
use crate::json_lines::JsonLines;
use crate::log::ScoresLine;
use crate::{BestBy, Event, Events, Plan, RunConfig, RunError, Schedule};
use gan_core::Seed;
use gan_data::{Dataset, Parts};
use gan_eval::{
    DEFAULT_COUNT, DataReference, EvalError, EvalEvent, Request, SCORE_SEED, STACKED_COUNT,
    classes_like, draw,
};
use gan_metrics::{
    Better, Embedding, Evaluation, Metric, MetricError, ModeCoverage, Reference, ScoreKind,
};
use gan_train::doctor::{ClassBalance, diagnose};
use gan_train::{Checkpoint, Look, Observer, TrainError, Trainer};

/// The first seed that `evaluate` uses.
const SEED: Seed = Seed(0);

/// The families of scores that take only seconds. The last two are measured only against images that are kept apart
/// to choose by.
const METRICS: [Metric; 7] = [
    Metric::Fid,
    Metric::Kid,
    Metric::PrecisionRecall,
    Metric::DensityCoverage,
    Metric::Modes,
    Metric::Sharpness,
    Metric::Parzen,
];

/// How many families are measured against training images too.
const AGAINST_TRAINING: usize = 5;

/// Lost classes are reported after this many scores in a row that found some.
const ALARMING_SCORES: usize = 3;

/// What the events of this work belong to.
const WORK: &str = "scores";

/// How many images are scored, as many as `evaluate` scores, so that the scores can be compared; and with
/// which families.
fn scope(plan: &Plan) -> (usize, &'static [Metric]) {
    match (plan.config.data.is_stacked(), &plan.validation) {
        (true, _) => (STACKED_COUNT, &[Metric::Stacked]),
        (_, Some(_)) => (DEFAULT_COUNT, &METRICS),
        _ => (DEFAULT_COUNT, &METRICS[..AGAINST_TRAINING]),
    }
}

/// The score that decides which checkpoint is the best. KID, if there are too few images for an FID.
fn decisive(config: &RunConfig, reference: &Reference) -> ScoreKind {
    if config.data.is_stacked() {
        ScoreKind::StackedKl
    } else if config.output.best_by == BestBy::Parzen {
        ScoreKind::ParzenLogLikelihood
    } else if reference.unavailable(Metric::Fid, DEFAULT_COUNT).is_none() {
        ScoreKind::FrechetDistance
    } else {
        ScoreKind::KernelDistance
    }
}

/// Prepares the validation images, or else the training images, for scores, if the plan wants any. They choose the
/// best checkpoint; the held-out images are for `evaluate`. Call it before the run folder is made: it fails if scores against
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
    let (count, metrics) = scope(plan);
    let base = config.base();
    let feature_network = base.feature_network();
    let request = Request {
        path: base.folder(),
        feature_network: &feature_network,
        features: None,
        count,
        metrics,
        validation: plan.validation.as_ref(),
        how_to_train: &plan.how_to_train_classifiers,
    };
    let stacked = config.is_stacked().then(|| base.open(Parts::Training));
    let stacked = stacked.transpose()?;
    let training = stacked
        .as_ref()
        .map_or(&*plan.data, |splits| &splits.training);
    let work = "data to score against";
    let apart = plan.validation.as_ref().map(|found| &found.images);
    let data = DataReference::new(training, apart, &request, &mut |event| {
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
    metrics: &'static [Metric],
    count: usize,
    decisive: ScoreKind,
    /// The best decisive score so far.
    best: Option<f64>,
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
        let decisive = decisive(&plan.config, &data.reference);
        let (count, metrics) = scope(plan);
        Ok(Self {
            data,
            training: &plan.data,
            decisive,
            schedule: plan.schedule,
            every,
            file: JsonLines::open(run, run.scores())?,
            events,
            stacked,
            metrics,
            count,
            best: match run.best_files().step::<Checkpoint>()? {
                Some(done) => value_after(done, &run.read_scores()?, decisive),
                None => None,
            },
            writer,
            lost_in_a_row: 0,
        })
    }

    fn progress(&self, event: EvalEvent<'_>) {
        self.events.tell(Event::Progress { work: WORK, event });
    }

    fn evaluate(&self, trainer: &Trainer) -> Observed<Evaluation> {
        let (count, metrics) = (self.count, self.metrics);
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
        let value = evaluation.value(self.decisive);
        let best = value.is_some_and(|value| is_better(self.decisive, value, self.best));
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
            self.best = value;
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

/// The value that a run had of a score after `done` steps.
fn value_after(done: u64, lines: &[ScoresLine], kind: ScoreKind) -> Option<f64> {
    let line = lines.iter().find(|line| line.step + 1 == done)?;
    *line.scores.get(kind.name())?
}

fn is_better(kind: ScoreKind, value: f64, best: Option<f64>) -> bool {
    best.is_none_or(|best| match kind.better() {
        Better::Higher => value > best,
        _ => value < best,
    })
}

impl Observer for ScoreObserver<'_> {
    fn looks_after(&self, step: u64) -> u64 {
        self.schedule.next_due(step, self.every)
    }

    fn on_look(&mut self, look: &mut Look<'_>) -> Observed {
        let step = look.report().step;
        if self.schedule.is_due(step, self.every) {
            self.record(look.trainer()?, step)?;
        }
        Ok(())
    }
}
