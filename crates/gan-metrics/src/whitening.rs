//! Whitening: features in units of their standard deviation in each direction.

use crate::{Features, MetricError, frechet};
use faer::{Mat, Side};
use std::cmp::Ordering;

/// Activations of this variance or less are those of equal inputs: it is f32's rounding error.
const LEAST_MEAN_VARIANCE: f64 = 1e-12;

/// x ↦ (x - mean) · map, which gives the features that it is made of a mean of 0 and the identity as covariance.
///
/// A network's activations vary most in what it was trained for, and without whitening that variance hides all
/// other differences. As few rows as dimensions, or fewer, do not vary in all directions: then features are scaled
/// by one number to a mean variance of 1, and if all rows are equal they are not scaled.
#[derive(Clone, Debug)]
pub struct Whitening {
    pub(crate) mean: Vec<f64>,
    /// `[width, width]`
    pub(crate) map: Mat<f64>,
}

impl Whitening {
    /// The whitening of `features`, usually those of training data. The variance of every direction counts as at
    /// least `least_variance` of the largest one, so that what hardly varies in them, if only by rounding errors, is
    /// not amplified without bounds where it does.
    ///
    /// # Errors
    /// [`MetricError::Eigenvalues`].
    pub fn new(features: &Features, least_variance: f64) -> Result<Self, MetricError> {
        let width = features.dimensions();
        let (mean, covariance) = frechet::moments(features);
        let variance = (0..width).map(|i| covariance[(i, i)]).sum::<f64>() / width as f64;
        let map = if variance.partial_cmp(&LEAST_MEAN_VARIANCE) != Some(Ordering::Greater) {
            Mat::identity(width, width)
        } else if features.count() <= width {
            Mat::from_fn(width, width, |i, j| {
                if i == j { variance.sqrt().recip() } else { 0.0 }
            })
        } else {
            whitening_map(&covariance, features.name(), least_variance)?
        };
        Ok(Self { mean, map })
    }

    /// Whitened features under the same name.
    ///
    /// # Errors
    /// [`MetricError::Shape`] if they have another width.
    pub fn apply(&self, features: &Features) -> Result<Features, MetricError> {
        let width = self.mean.len();
        if features.dimensions() != width {
            return Err(MetricError::Shape {
                what: features.name().to_string(),
                values: features.dimensions(),
                dimensions: width,
            });
        }
        let count = features.count();
        let centered = Mat::from_fn(count, width, |i, j| features.row(i)[j] - self.mean[j]);
        let white = &centered * &self.map;
        let row_major = (0..count * width).map(|k| white[(k / width, k % width)]);
        Features::new(features.name(), row_major.collect(), width)
    }
}

/// Its columns are the directions in which the features vary, each divided by the standard deviation along it.
fn whitening_map(
    covariance: &Mat<f64>,
    name: &str,
    least_variance: f64,
) -> Result<Mat<f64>, MetricError> {
    let eigen =
        covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricError::Eigenvalues {
                what: format!("the covariance of {name}"),
            })?;
    let (directions, variances) = (eigen.U(), eigen.S().column_vector());
    let widest = variances.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let scale = |j: usize| 1.0 / variances[j].max(least_variance * widest).sqrt();
    let width = covariance.nrows();
    Ok(Mat::from_fn(width, width, |i, j| {
        directions[(i, j)] * scale(j)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitened_features_have_the_identity_as_covariance() {
        let values = (0..60).map(|k| f64::from((k * 37 % 101) * (1 + k % 3)));
        let features = Features::new("rows", values.collect(), 3).unwrap();
        let white = Whitening::new(&features, 1e-4)
            .unwrap()
            .apply(&features)
            .unwrap();
        let (mean, covariance) = frechet::moments(&white);
        for i in 0..3 {
            assert!(mean[i].abs() < 1e-12);
            for j in 0..3 {
                let expected = f64::from(u8::from(i == j));
                assert!((covariance[(i, j)] - expected).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn few_rows_are_scaled_by_one_number_and_equal_ones_by_none() {
        let few = Features::new("few", vec![0.0, 2.0, 4.0, 2.0], 2).unwrap();
        let white = Whitening::new(&few, 1e-4).unwrap().apply(&few).unwrap();
        // Variances 8 and 0, on average 4.
        assert_eq!(white.values(), [-1.0, 0.0, 1.0, 0.0]);
        let equal = Features::new("equal", vec![3.0; 8], 2).unwrap();
        let white = Whitening::new(&equal, 1e-4).unwrap().apply(&equal).unwrap();
        assert_eq!(white.values(), [0.0; 8]);
    }
}
