//! Whitening: features in units of the training images' standard deviation in each direction.

use super::{FeatureNetwork, FeatureNetworkError};
use crate::{Features, ImageSet, whitening};
use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use gan_core::ParameterStore;

/// The variance of every direction counts as at least this fraction of the largest one.
const LEAST_VARIANCE: f64 = 1e-4;

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
        let whitening::Whitening { mean, map } =
            whitening::Whitening::new(&activations, LEAST_VARIANCE)?;
        let row_major = (0..width * width).map(|k| map[(k / width, k % width)] as f32);
        let weight = Tensor::from_vec(row_major.collect(), (width, width), &Device::Cpu)?;
        let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
        self.parameters
            .set(MEAN, &Tensor::from_vec(mean, width, &Device::Cpu)?)?;
        self.parameters.set(WEIGHT, &weight)?;
        Ok(())
    }
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
