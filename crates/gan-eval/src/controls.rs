//! Controls: each score for images whose quality is known.

use crate::event::{EvalEvent, Listener};
use crate::{DataReference, EvalError, SCORE_SEED};
use gan_core::Purpose;
use gan_metrics::{
    Draw, Embedding, Evaluation, ImageSet, Metric, RealImages, STACKED_CHANNELS, Score, ScoreKind,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Known images, and their scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Which images.
    pub kind: ControlKind,
    /// How many images it has.
    pub count: usize,
    /// Their scores.
    pub scores: Vec<Score>,
}

/// Images whose quality is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Training images in place of generated ones: the best possible distances to held-out images, and
    /// what copying looks like.
    TrainingImages,
    /// Held-out images in place of generated ones: the best possible distances to training images.
    HeldOutImages,
    /// Noise: every byte of a pixel is equally likely.
    Noise,
    /// One real image repeated: realistic, without variety.
    RepeatedImage,
    /// Training images, blurred: worse to the eye, and better under a Parzen window.
    BlurredImages,
}

impl ControlKind {
    const ALL: [Self; 5] = [
        Self::TrainingImages,
        Self::HeldOutImages,
        Self::Noise,
        Self::RepeatedImage,
        Self::BlurredImages,
    ];

    /// Its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::TrainingImages => "training images",
            Self::HeldOutImages => "held-out images",
            Self::Noise => "noise",
            Self::RepeatedImage => "one image",
            Self::BlurredImages => "blurred images",
        }
    }

    /// Whether a family of scores has this control: images are not compared with themselves.
    fn fits(self, metric: Metric, data: &DataReference) -> bool {
        let against_training = data.reference.against == RealImages::Training;
        match self {
            Self::TrainingImages => !(metric.compares_distributions() && against_training),
            Self::HeldOutImages => {
                metric.compares_distributions() && against_training && data.held_out.is_some()
            }
            Self::Noise | Self::RepeatedImage => true,
            // What it is there for, and what it shows beside that.
            Self::BlurredImages => {
                matches!(metric, Metric::Parzen | Metric::Fid | Metric::Sharpness)
            }
        }
    }

    /// The channels of stacks of such images, as many stacks as are scored.
    fn stacks(self, data: &DataReference) -> Result<ImageSet, EvalError> {
        let count = data.count * STACKED_CHANNELS;
        if self != Self::TrainingImages {
            return self.images(data, count);
        }
        // Independent digits, as in the data set of stacks.
        let training = &data.training_images;
        let mut rng = SCORE_SEED.rng(Purpose::ScoreSubset, 0);
        let picks = (0..count).map(|_| rng.random_range(0..training.count()));
        Ok(training.select(&picks.collect::<Vec<_>>())?)
    }

    /// `count` such images, or as many as there are.
    fn images(self, data: &DataReference, count: usize) -> Result<ImageSet, EvalError> {
        let training = &data.training_images;
        let name = format!("{} as a control", self.label());
        Ok(match self {
            Self::TrainingImages => training.draw(Draw::Control, count, SCORE_SEED)?.named(name),
            Self::BlurredImages => training
                .draw(Draw::Control, count, SCORE_SEED)?
                .blurred(name)?,
            Self::HeldOutImages => {
                let held_out = data.held_out.as_ref().unwrap_or(training);
                held_out.draw(Draw::Control, count, SCORE_SEED)?.named(name)
            }
            Self::Noise => ImageSet::noise(name, training.shape(), count, SCORE_SEED)?,
            Self::RepeatedImage => {
                let number = Draw::Control.numbers(training.count(), 1, SCORE_SEED);
                training.select(&number.repeat(count))?.named(name)
            }
        })
    }

    /// How many images it has when `data.count` are scored.
    fn count(self, data: &DataReference) -> usize {
        match (self, &data.held_out) {
            (Self::TrainingImages | Self::BlurredImages, _) => {
                data.count.min(data.training_images.count())
            }
            (Self::HeldOutImages, Some(held_out)) => data.count.min(held_out.count()),
            _ => data.count,
        }
    }
}

impl Control {
    /// Its name in a table when `scored` images are scored.
    pub fn label(&self, scored: usize) -> String {
        match (self.kind.label(), self.count) {
            (label, count) if count < scored => format!("{label} ({count})"),
            (label, _) => label.to_string(),
        }
    }

    /// One of its scores.
    pub fn score(&self, kind: ScoreKind) -> Option<Score> {
        self.scores.iter().copied().find(|score| score.kind == kind)
    }
}

/// The families of scores whose controls are still to be computed.
pub(crate) fn missing(data: &DataReference, metrics: &[Metric]) -> Vec<(ControlKind, Vec<Metric>)> {
    let missing = |kind: ControlKind| {
        let missing = |metric: &&Metric| {
            kind.fits(**metric, data) && data.cache.control(kind.label(), **metric).is_none()
        };
        (kind, metrics.iter().filter(missing).copied().collect())
    };
    ControlKind::ALL.into_iter().map(missing).collect()
}

/// The controls' scores, from the cache where possible; controls without scores are left out.
/// Controls have no discriminator.
pub(crate) fn controls(
    data: &mut DataReference,
    metrics: &[Metric],
    tell: Listener<'_>,
) -> Result<Vec<Control>, EvalError> {
    for (kind, metrics) in missing(data, metrics) {
        if metrics.is_empty() {
            continue;
        }
        tell(EvalEvent::Begin(&format!(
            "features of {} as a control",
            kind.label()
        )));
        let images = match metrics[..] {
            [Metric::Stacked] => kind.stacks(data)?,
            _ => kind.images(data, data.count)?,
        };
        let embedding = Embedding::new(&data.network, images)?;
        for metric in metrics {
            tell(EvalEvent::Begin(&format!(
                "{metric} of {} as a control",
                kind.label()
            )));
            let found = Evaluation::new(&data.reference, &embedding, &[metric], SCORE_SEED);
            data.cache.keep_control(kind.label(), metric, found.scores);
            tell(EvalEvent::Done);
        }
        data.cache.save()?;
    }
    let control = |kind: ControlKind| {
        let known = |metric: &&Metric| kind.fits(**metric, data);
        let scores = metrics.iter().filter(known);
        let scores = scores.filter_map(|metric| data.cache.control(kind.label(), *metric));
        Control {
            kind,
            count: kind.count(data),
            scores: scores.flatten().copied().collect(),
        }
    };
    let controls = ControlKind::ALL.map(control).into_iter();
    Ok(controls
        .filter(|control| !control.scores.is_empty())
        .collect())
}
