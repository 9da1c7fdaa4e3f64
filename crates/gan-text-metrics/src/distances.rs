//! Distances between sets of feature rows, whatever made the rows.

use gan_core::Seed;
use gan_metrics::{
    DensityCoverage, Features, KernelDistance, Mean, MetricError, PrecisionRecall,
    frechet_deviation, frechet_distance,
};

const KERNEL_SUBSETS: usize = 100;
const KERNEL_SUBSET_SIZE: usize = 1000;
const PRECISION_RECALL_K: usize = 3;
const DENSITY_COVERAGE_K: usize = 5;

/// Scores of generated rows against real ones, by the settings that are usual for images. Each may be missing for
/// a reason of its own; a Fréchet distance needs more rows than dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureDistances {
    /// The Fréchet distance, with its bootstrap deviation over the rows of both sets as the error.
    pub frechet: Result<Mean, MetricError>,
    /// The kernel distance over 100 subsets of at most 1,000 rows, half of the smaller set.
    pub kernel: Result<KernelDistance, MetricError>,
    /// Precision and recall with balls to the third neighbour.
    pub precision_recall: Result<PrecisionRecall, MetricError>,
    /// Density and coverage with balls to the fifth neighbour.
    pub density_coverage: Result<DensityCoverage, MetricError>,
}

impl FeatureDistances {
    /// Both sets must come from the same features: [`hashed_ngrams`](crate::hashed_ngrams), or the states of a
    /// trained network. `seed` is for subsets and bootstraps.
    pub fn new(real: &Features, generated: &Features, seed: Seed) -> Self {
        let half = real.count().min(generated.count()) / 2;
        let subset_size = KERNEL_SUBSET_SIZE.min(half);
        Self {
            frechet: frechet(real, generated, seed),
            kernel: KernelDistance::new(real, generated, KERNEL_SUBSETS, subset_size, seed),
            precision_recall: PrecisionRecall::new(real, generated, PRECISION_RECALL_K),
            density_coverage: DensityCoverage::new(real, generated, DENSITY_COVERAGE_K),
        }
    }
}

fn frechet(real: &Features, generated: &Features, seed: Seed) -> Result<Mean, MetricError> {
    Ok(Mean {
        value: frechet_distance(real, generated)?,
        standard_error: frechet_deviation(real, generated, seed)?,
    })
}
