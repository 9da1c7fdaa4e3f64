//! What generated images are compared with: held-out images and training images.

use crate::evaluation::{
    DENSITY_COVERAGE_K, INCEPTION_SPLITS, LEAST_KERNEL_IMAGES, PRECISION_RECALL_K,
};
use crate::{Embedding, Features, ImageSet, Metric, MetricError, NearestNeighbors, Sharpness};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The real images that distances between distributions compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RealImages {
    /// Held-out images.
    HeldOut,
    /// Training images, if too few are held out, as is usual for small data sets.
    Training,
}

impl fmt::Display for RealImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeldOut => "held-out images",
            Self::Training => "training images",
        })
    }
}

/// Everything about a data set that scores need and that does not depend on the generator.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Real images that distances between distributions compare with.
    pub real: Embedding,
    /// Which these are.
    pub against: RealImages,
    /// The sharpness of the real images.
    pub sharpness: Sharpness,
    /// The number of images of each class in the data, if the features are a classifier's.
    pub class_counts: Option<Vec<usize>>,
    /// The training images and held-out ones, if there are any.
    pub training: Option<TrainingReference>,
    /// What a Parzen window is chosen by and scored on, if there are held-out images.
    pub parzen: Option<ParzenReference>,
}

/// Images that a Parzen window is chosen by and scored on.
#[derive(Clone, Debug)]
pub struct ParzenReference {
    /// Those that choose its width: not held-out ones.
    pub width_images: ImageSet,
    /// Held-out images.
    pub held_out: ImageSet,
}

/// The training images, and the distances of held-out images from them.
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
    /// Computes what does not depend on the generator.
    pub fn new(
        real: Embedding,
        against: RealImages,
        class_counts: Option<Vec<usize>>,
        training: Option<TrainingReference>,
    ) -> Self {
        Self {
            sharpness: Sharpness::new(&real.images),
            class_counts: class_counts.filter(|_| real.logits.is_some()),
            real,
            against,
            training,
            parzen: None,
        }
    }

    /// The same with images for a Parzen window.
    #[must_use]
    pub fn with_parzen(self, parzen: Option<ParzenReference>) -> Self {
        Self { parzen, ..self }
    }

    /// Why a family of scores cannot be computed for `generated` images, or `None` if it can.
    pub fn unavailable(&self, metric: Metric, generated: usize) -> Option<String> {
        let classes =
            "needs a classifier of the data set's classes, which `train_classifier` makes";
        let held_out = "needs images that were held out from training, of which there are too few";
        let (real, dimensions) = (self.real.images.count(), self.real.features.dimensions());
        let most = |least_real: usize, least_generated: usize| {
            let few = |what: &str, found: usize, least: usize| {
                (found < least).then(|| format!("needs at least {least} {what}, found {found}"))
            };
            few("generated images", generated, least_generated).or_else(|| {
                few(
                    &format!("{} to compare with", self.against),
                    real,
                    least_real,
                )
            })
        };
        match metric {
            Metric::Inception | Metric::Stacked if self.real.logits.is_none() => {
                Some(classes.to_string())
            }
            Metric::Modes if self.class_counts.is_none() => Some(classes.to_string()),
            Metric::Memorization if self.training.is_none() => Some(held_out.to_string()),
            Metric::Parzen if self.parzen.is_none() => Some(held_out.to_string()),
            // Covariances of fewer images have directions without any variance.
            Metric::Fid => most(dimensions + 1, dimensions + 1),
            Metric::Kid => most(LEAST_KERNEL_IMAGES, LEAST_KERNEL_IMAGES),
            Metric::PrecisionRecall => most(PRECISION_RECALL_K + 1, PRECISION_RECALL_K + 1),
            Metric::DensityCoverage => most(DENSITY_COVERAGE_K + 1, 2),
            Metric::Inception => most(2, INCEPTION_SPLITS),
            _ => None,
        }
    }
}

impl TrainingReference {
    /// Finds the nearest training image of each held-out one.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`] for sets of different shapes.
    pub fn new(training: Embedding, held_out: &Embedding) -> Result<Self, MetricError> {
        let by_pixels = NearestNeighbors::by_pixels(&held_out.images, &training.images)?;
        let by_features = NearestNeighbors::by_features(&held_out.features, &training.features)?;
        Ok(Self {
            images: training.images,
            features: training.features,
            held_out_by_pixels: by_pixels,
            held_out_by_features: by_features,
        })
    }
}
