//! Whitening: features in units of the training images' standard deviation in each direction.

use super::{FeatureNetwork, FeatureNetworkError};
use crate::{Features, ImageSet, MetricError, frechet};
use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use faer::{Mat, Side};
use gan_core::ParameterStore;
use std::cmp::Ordering;

/// The variance of every direction counts as at least this fraction of the largest one, so that rounding
/// errors in directions that hardly vary are not amplified.
const LEAST_VARIANCE: f64 = 1e-4;

/// Activations of this variance or less are those of equal images: it is f32's rounding error.
const LEAST_MEAN_VARIANCE: f64 = 1e-12;

impl FeatureNetwork {
    /// Sets the whitening so that the features have a mean of 0 and the identity as covariance over
    /// `images`, usually the training images.
    ///
    /// A classifier's activations vary most between classes. Without whitening that variance hides all
    /// other differences, and noise looks like an unusual digit. As few images as dimensions, or fewer, do
    /// not vary in all directions: then features are scaled by one number to a mean variance of 1, and if
    /// all images are equal they are not scaled.
    ///
    /// # Errors
    /// When the network does not accept the images.
    pub fn whiten_by(&self, images: &ImageSet) -> Result<(), FeatureNetworkError> {
        let width = self.dimensions();
        let mut activations = Vec::with_capacity(images.count() * width);
        for block in images.blocks() {
            let (features, _) = self.forward(&block?)?;
            activations.extend(
                features
                    .to_dtype(DType::F64)?
                    .flatten_all()?
                    .to_vec1::<f64>()?,
            );
        }
        let activations = Features::new(images.name(), activations, width)?;
        let (mean, covariance) = frechet::moments(&activations);
        let variance = (0..width).map(|i| covariance[(i, i)]).sum::<f64>() / width as f64;
        let map = if variance.partial_cmp(&LEAST_MEAN_VARIANCE) != Some(Ordering::Greater) {
            Mat::identity(width, width)
        } else if images.count() <= width {
            Mat::from_fn(width, width, |i, j| {
                if i == j { variance.sqrt().recip() } else { 0.0 }
            })
        } else {
            whitening_map(&covariance, images)?
        };
        let row_major = (0..width * width).map(|k| map[(k / width, k % width)] as f32);
        let weight = Tensor::from_vec(row_major.collect(), (width, width), &Device::Cpu)?;
        let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
        self.parameters
            .set(MEAN, &Tensor::from_vec(mean, width, &Device::Cpu)?)?;
        self.parameters.set(WEIGHT, &weight)?;
        Ok(())
    }
}

/// Its columns are the directions in which the images vary, each divided by the standard deviation along it.
fn whitening_map(covariance: &Mat<f64>, images: &ImageSet) -> Result<Mat<f64>, MetricError> {
    let eigen =
        covariance
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| MetricError::Eigenvalues {
                what: format!("the covariance of {}", images.name()),
            })?;
    let (directions, variances) = (eigen.U(), eigen.S().column_vector());
    let widest = variances.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let scale = |j: usize| 1.0 / variances[j].max(LEAST_VARIANCE * widest).sqrt();
    let width = covariance.nrows();
    Ok(Mat::from_fn(width, width, |i, j| {
        directions[(i, j)] * scale(j)
    }))
}

/// The names of the tensors: the mean, `[dimensions]`, and the map, `[dimensions, dimensions]`.
const MEAN: &str = "whitening.mean";
const WEIGHT: &str = "whitening.weight";

/// (x - mean) · weight.
pub(super) struct Whitening {
    mean: Tensor,
    weight: Tensor,
}

impl Whitening {
    /// One that changes nothing yet.
    pub(super) fn identity(width: usize, parameters: &ParameterStore) -> candle_core::Result<Self> {
        let (builder, zero) = (parameters.builder(), Init::Const(0.0));
        let mean = builder.get_with_hints(width, MEAN, zero)?;
        let weight = builder.get_with_hints((width, width), WEIGHT, zero)?;
        parameters.set(WEIGHT, &Tensor::eye(width, DType::F32, &Device::Cpu)?)?;
        Ok(Self { mean, weight })
    }

    pub(super) fn apply(&self, features: &Tensor) -> candle_core::Result<Tensor> {
        features.broadcast_sub(&self.mean)?.matmul(&self.weight)
    }
}
