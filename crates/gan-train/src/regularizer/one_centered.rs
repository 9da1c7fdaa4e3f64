//! The gradient penalty of WGAN-GP (Gulrajani et al., 2017, arXiv 1704.00028).

use super::{Points, Regularizer};
use candle_core::{DType, Result, Tensor};
use gan_ops::{mean, squared_norms};

/// λ · E(‖∇D(x)‖ − 1)² between real and generated images.
#[derive(Clone, Copy, Debug)]
pub struct OneCentered {
    /// λ, at least 0; 10 in the paper.
    pub lambda: f64,
}

/// Keeps the derivative finite where a gradient is 0.
const SMALLEST_NORM: f64 = 1e-12;

impl Regularizer for OneCentered {
    fn points(&self) -> Points {
        Points::Interpolated
    }

    fn penalty(&self, gradients: &Tensor) -> Result<(f64, Tensor)> {
        let norms = squared_norms(gradients)?.sqrt()?;
        let beyond = (&norms - 1.0)?;
        let mean = mean(&beyond.sqr()?)?.to_dtype(DType::F64)?;
        let penalty = self.lambda * mean.to_scalar::<f64>()?;
        let scale = 2.0 * self.lambda / gradients.dim(0)? as f64;
        let factors = ((beyond / (norms + SMALLEST_NORM)?)? * scale)?;
        Ok((penalty, gradients.broadcast_mul(&factors)?))
    }
}
