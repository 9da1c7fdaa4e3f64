//! Scores by nearest neighbours: whether images of one set lie in the region of the other.

use crate::pairs::map_squared_distances;
use crate::spread::mean_and_deviation;
use crate::{Features, MetricError};

/// Precision and recall (Kynkäänniemi et al., 2019, arXiv 1904.06991), each in [0, 1].
///
/// A set's region is the union of balls around its images, each reaching to the image's k-th
/// nearest neighbour in its own set, border included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecall {
    /// The share of generated images in the region of the real ones: how realistic they are.
    pub precision: f64,
    /// The share of real images in the region of the generated ones: how much of the data is covered.
    pub recall: f64,
}

impl PrecisionRecall {
    /// With balls to the `k`-th neighbour; 3 is usual.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`], [`MetricError::Setting`] for k = 0, [`MetricError::TooFew`] if a set has
    /// no k-th neighbours.
    pub fn new(real: &Features, generated: &Features, k: usize) -> Result<Self, MetricError> {
        real.as_wide_as(generated)?;
        Ok(Self {
            precision: share_within(generated, real, k)?,
            recall: share_within(real, generated, k)?,
        })
    }

    /// The harmonic mean of the two; 0 where both are.
    pub fn f_score(&self) -> f64 {
        // The guard is torch-fidelity's.
        2.0 * self.precision * self.recall / (self.precision + self.recall).max(1e-5)
    }
}

/// Density and coverage (Naeem et al., 2020, arXiv 2002.09797), more robust against outliers than
/// precision and recall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DensityCoverage {
    /// The mean number of real balls that a generated image lies in, divided by k: at least 0, about 1 for
    /// equal distributions.
    pub density: f64,
    /// Its standard error over the real images.
    pub density_error: f64,
    /// The share of real images whose ball contains a generated one, in [0, 1].
    pub coverage: f64,
    /// Real images that have k equal ones, so that their ball is a point.
    pub points: usize,
}

impl DensityCoverage {
    /// With balls to the `k`-th neighbour, border excluded; 5 is usual. A ball of radius 0, around an image
    /// with k equal ones, contains the images equal to it; prdc excludes them, so that a set of copies does
    /// not cover itself.
    ///
    /// # Errors
    /// Those of [`PrecisionRecall::new`], but `generated` needs no k-th neighbour.
    pub fn new(real: &Features, generated: &Features, k: usize) -> Result<Self, MetricError> {
        real.as_wide_as(generated)?;
        let radii = squared_radii(real, k)?;
        let counts = map_squared_distances(real, generated, |row, distances| {
            let within = |d: &&f64| **d < radii[row] || **d == 0.0;
            distances.iter().filter(within).count() as f64
        });
        let covered = counts.iter().filter(|count| **count > 0.0).count();
        let (mean, deviation) = mean_and_deviation(&counts);
        let scale = real.count() as f64 / (k * generated.count()) as f64;
        Ok(Self {
            density: mean * scale,
            density_error: deviation * scale / (real.count() as f64).sqrt(),
            coverage: covered as f64 / real.count() as f64,
            points: radii.iter().filter(|radius| **radius == 0.0).count(),
        })
    }
}

/// The share of `points` that lie in the region of `centers`.
fn share_within(points: &Features, centers: &Features, k: usize) -> Result<f64, MetricError> {
    let radii = squared_radii(centers, k)?;
    let within = map_squared_distances(points, centers, |_, distances| {
        distances.iter().zip(&radii).any(|(d, radius)| d <= radius)
    });
    let count = within.iter().filter(|inside| **inside).count();
    Ok(count as f64 / points.count() as f64)
}

/// Each row's squared distance to its `k`-th nearest neighbour other than itself.
fn squared_radii(features: &Features, k: usize) -> Result<Vec<f64>, MetricError> {
    if k == 0 {
        return Err(MetricError::Setting {
            name: "the number of neighbours k",
            found: "0".to_string(),
            expected: "at least 1",
        });
    }
    features.at_least(k + 1, || format!("to have {k} neighbours each"))?;
    // A row is its own nearest neighbour.
    Ok(map_squared_distances(features, features, |_, distances| {
        *distances.select_nth_unstable_by(k, f64::total_cmp).1
    }))
}
