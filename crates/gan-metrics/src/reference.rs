//! What generated images are held against: real images, held out and trained on.

use crate::{Embedding, Features, ImageSet, Metric, MetricError, NearestNeighbors, Sharpness};
use std::ops::Range;

/// Images that choose the Parzen window's width.
const PARZEN_VALIDATION: usize = 1000;

/// Everything about a data set that scores need and that no generator changes.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Real images that were not trained on.
    pub real: Embedding,
    /// Their fine detail.
    pub sharpness: Sharpness,
    /// How many images each class of the data has, where the features are a classifier's.
    pub class_counts: Option<Vec<usize>>,
    /// The training images, where they are another set than the real ones.
    pub training: Option<TrainingReference>,
}

/// The training images, and how far new images are from them.
#[derive(Clone, Debug)]
pub struct TrainingReference {
    /// The images.
    pub images: ImageSet,
    /// Their features.
    pub features: Features,
    /// The held-out images' nearest training images, in pixels.
    pub held_out_by_pixels: NearestNeighbors,
    /// The same in features.
    pub held_out_by_features: NearestNeighbors,
}

impl Reference {
    /// Measures what only the images determine.
    pub fn new(
        real: Embedding,
        class_counts: Option<Vec<usize>>,
        training: Option<TrainingReference>,
    ) -> Self {
        Self {
            sharpness: Sharpness::new(&real.images),
            class_counts: class_counts.filter(|_| real.logits.is_some()),
            real,
            training,
        }
    }

    /// Why a family of scores cannot be had, or none where it can.
    pub fn unavailable(&self, metric: Metric) -> Option<&'static str> {
        let classes = "needs a classifier of the data set's classes, which train-classifier makes";
        let held_out =
            "needs training images and others that were held out: a data set with a test split";
        match metric {
            Metric::Inception | Metric::Stacked if self.real.logits.is_none() => Some(classes),
            Metric::Modes if self.class_counts.is_none() => Some(classes),
            Metric::Memorization | Metric::Parzen if self.training.is_none() => Some(held_out),
            _ => None,
        }
    }
}

impl TrainingReference {
    /// Looks for the nearest training image of each held-out one.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`] for sets of different shapes.
    pub fn new(training: Embedding, held_out: &Embedding) -> Result<Self, MetricError> {
        let by_pixels = NearestNeighbors::by_pixels(&held_out.images, &training.images)?;
        let by_features = NearestNeighbors::by_features(&held_out.features, &training.features)?;
        Ok(Self {
            held_out_by_pixels: by_pixels,
            held_out_by_features: by_features,
            images: training.images,
            features: training.features,
        })
    }

    /// The first thousand of the last sixth: train\[50000:51000\] of MNIST, whose last 10,000
    /// training images the 2014 paper's program held out for this.
    pub fn parzen_validation(&self) -> Range<usize> {
        let count = self.images.count();
        let first = count - count / 6;
        let first = first.min(count - 2);
        first..(first + PARZEN_VALIDATION).min(count)
    }
}
