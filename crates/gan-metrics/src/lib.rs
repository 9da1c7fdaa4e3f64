//! How good a generator's images are, as numbers.
//!
//! Most scores compare sets of [`Features`], one row per image: a network's activations, or pixels. The
//! scores are not symmetric: every function says which set is real and which is generated.
//!
//! | question | score |
//! |---|---|
//! | are the two distributions alike? | [`frechet_distance`], [`KernelDistance`] |
//! | does each image look like something, and do they differ? | [`InceptionScore`] |
//! | are generated images realistic, do they cover the real ones? | [`PrecisionRecall`], [`DensityCoverage`] |
//! | is every class generated, as often as in the data? | [`ModeCoverage`], [`stacked_mode_counts`] |
//! | are training images copied? | [`Memorization`] |
//! | are images blurred or noisy? | [`Sharpness`] |
//! | how likely is held-out data under the model, as the 2014 paper asked? | [`ParzenWindow`] |
//! | has the discriminator memorized its training images? | [`Equilibrium`] |
//!
//! The formulas are those of the papers, in f64, and agree with torch-fidelity and prdc. Pairwise
//! distances are computed in blocks of rows, so that no matrix of all pairs is held in memory; the
//! results are equal to the bit for any number of threads.
//!
//! From images to scores: an [`ImageSet`] through a [`FeatureNetwork`] is an [`Embedding`]; an
//! [`Evaluation`] scores it against a [`Reference`], family of scores by family.
//!
//! ```
//! use gan_metrics::{Features, PrecisionRecall, frechet_distance};
//!
//! let real = Features::new("real", vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2)?;
//! let generated = Features::new("generated", vec![0.0, 0.0, 0.0, 0.1, 0.1, 0.0, 0.1, 0.1], 2)?;
//!
//! assert!(frechet_distance(&real, &generated)? > 0.4);
//! let score = PrecisionRecall::new(&real, &generated, 1)?;
//! assert_eq!((score.precision, score.recall), (1.0, 0.25));
//! # Ok::<(), gan_metrics::MetricError>(())
//! ```

mod embedding;
mod equilibrium;
mod error;
mod evaluation;
mod features;
mod frechet;
mod images;
mod inception;
mod kernel;
mod memorization;
mod modes;
mod nearest;
mod neighbors;
mod network;
mod pairs;
mod parzen;
mod reference;
mod score;
mod sharpness;
mod spread;
mod whitening;

pub use embedding::{Embedding, EmbeddingError};
pub use equilibrium::{Equilibrium, EquilibriumError, Mean};
pub use error::MetricError;
pub use evaluation::{COVERED_PART, Evaluation, STACKED_CHANNELS};
pub use features::Features;
pub use frechet::{frechet_deviation, frechet_distance};
pub use images::{Draw, ImageRounding, ImageSet};
pub use inception::InceptionScore;
pub use kernel::{KernelDistance, squared_kernel_distance};
pub use memorization::Memorization;
pub use modes::{ModeCoverage, stacked_mode_counts};
pub use nearest::NearestNeighbors;
pub use neighbors::{DensityCoverage, PrecisionRecall};
pub use network::{
    Accuracy, Activations, ClassifierTraining, FeatureNetwork, FeatureNetworkError,
    FeatureNetworkHeader, FeatureNetworkKind, TrainingProgress, train_classifier,
};
pub use parzen::{PARZEN_SIGMAS, ParzenWindow};
pub use reference::{ParzenReference, RealImages, Reference, TrainingReference};
pub use score::{Better, Metric, Score, ScoreKind};
pub use sharpness::Sharpness;
pub use whitening::Whitening;
