//! Controls: what each score is for images whose worth is known.

use super::cache::Cache;
use super::{DataReference, Progress, SCORE_SEED};
use anyhow::Result;
use gan_core::Purpose;
use gan_metrics::{Embedding, Evaluation, ImageSet, Metric, STACKED_CHANNELS, Score, ScoreKind};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Known images, and their scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Control {
    pub(crate) kind: ControlKind,
    pub(crate) scores: Vec<Score>,
}

/// Images whose worth is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ControlKind {
    /// Real images in place of generated ones: the best that distances can be, and, since they are
    /// the training images, what copying all of them looks like.
    TrainingImages,
    /// Every pixel uniform in [-1, 1].
    Noise,
    /// One real image over and over: realistic, without variety.
    RepeatedImage,
}

impl ControlKind {
    pub(crate) const ALL: [Self; 3] = [Self::TrainingImages, Self::Noise, Self::RepeatedImage];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::TrainingImages => "training images",
            Self::Noise => "noise",
            Self::RepeatedImage => "one image",
        }
    }

    /// The channels of `count` stacks of such images.
    fn stacks(self, training: &ImageSet, count: usize) -> Result<ImageSet> {
        let count = count * STACKED_CHANNELS;
        if self != Self::TrainingImages {
            return self.images(training, count);
        }
        // Independent digits, as the data set of stacks is made.
        let mut rng = SCORE_SEED.rng(Purpose::ScoreSubset, 0);
        let picks = (0..count).map(|_| training.image(rng.random_range(0..training.count())));
        let pixels = picks.flatten().copied().collect();
        Ok(ImageSet::new(
            "stacked training images",
            training.shape(),
            pixels,
        )?)
    }

    /// `count` such images.
    fn images(self, training: &ImageSet, count: usize) -> Result<ImageSet> {
        let (shape, name) = (training.shape(), format!("{} as a control", self.label()));
        let pixels: Vec<f32> = match self {
            Self::TrainingImages => training.images().take(count).flatten().copied().collect(),
            Self::Noise => return Ok(ImageSet::noise(name, shape, count, SCORE_SEED)?),
            Self::RepeatedImage => training.image(0).repeat(count),
        };
        Ok(ImageSet::new(name, shape, pixels)?)
    }
}

impl Control {
    pub(crate) fn score(&self, kind: ScoreKind) -> Option<Score> {
        self.scores.iter().copied().find(|score| score.kind == kind)
    }
}

/// The families of scores whose controls are still to be computed.
pub(crate) fn missing(cache: &Cache, metrics: &[Metric]) -> Vec<(ControlKind, Vec<Metric>)> {
    let missing = |kind: ControlKind| {
        let known = |metric: &&Metric| cache.control(kind.label(), **metric).is_none();
        (kind, metrics.iter().filter(known).copied().collect())
    };
    ControlKind::ALL.into_iter().map(missing).collect()
}

/// The controls' scores, from the cache where they are known. Controls have no discriminator.
pub(crate) fn controls(
    data: &mut DataReference,
    metrics: &[Metric],
    progress: &Progress,
) -> Result<Vec<Control>> {
    for (kind, metrics) in missing(&data.cache, metrics) {
        if metrics.is_empty() {
            continue;
        }
        progress.begin(&format!("features of {} as a control", kind.label()));
        let images = match metrics[..] {
            [Metric::Stacked] => kind.stacks(&data.training_images, data.count)?,
            _ => kind.images(&data.training_images, data.count)?,
        };
        let embedding = Embedding::new(&data.network, images)?;
        for metric in metrics {
            progress.begin(&format!("{metric:?} of {} as a control", kind.label()));
            let found = Evaluation::new(&data.reference, &embedding, &[metric], SCORE_SEED)?;
            data.cache.keep_control(kind.label(), metric, found.scores);
            progress.done();
        }
        data.cache.save()?;
    }
    let control = |kind: ControlKind| {
        let scores = metrics
            .iter()
            .filter_map(|metric| data.cache.control(kind.label(), *metric));
        Control {
            kind,
            scores: scores.flatten().copied().collect(),
        }
    };
    Ok(ControlKind::ALL.map(control).to_vec())
}
