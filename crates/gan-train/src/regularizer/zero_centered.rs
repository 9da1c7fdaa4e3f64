//! R1 and R2 (Mescheder et al., 2018, arXiv 1801.04406).

use super::{Points, Regularizer};
use candle_core::{DType, Result, Tensor};
use gan_ops::{mean, squared_norms};

/// γ/2 · E‖∇D(x)‖²: over real images this is R1, over generated ones R2.
#[derive(Clone, Copy, Debug)]
pub struct ZeroCentered {
    /// [`Points::Real`] or [`Points::Fake`].
    pub points: Points,
    /// γ, at least 0.
    pub gamma: f64,
}

impl Regularizer for ZeroCentered {
    fn points(&self) -> Points {
        self.points
    }

    fn penalty(&self, gradients: &Tensor) -> Result<(f64, Tensor)> {
        let norms = mean(&squared_norms(gradients)?)?.to_dtype(DType::F64)?;
        let penalty = self.gamma / 2.0 * norms.to_scalar::<f64>()?;
        let derivative = (gradients * (self.gamma / gradients.dim(0)? as f64))?;
        Ok((penalty, derivative))
    }
}
