//! Batch normalization of vectors with running statistics (Ioffe & Szegedy, 2015).

use candle_core::{Result, Tensor, Var};
use candle_nn::{Init, VarBuilder};
use gan_core::Mode;
use gan_ops::{Activation, BatchStatistics, batch_norm, batch_norm_with};

/// How far a training batch moves the running statistics; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// x `[n, features]` → activation of the normalized, scaled and shifted x.
pub(crate) struct BatchNorm1d {
    weight: Tensor,
    bias: Tensor,
    running_mean: Var,
    running_var: Var,
    eps: f64,
    activation: Activation,
}

impl BatchNorm1d {
    /// Weight and running variance start at 1, bias and running mean at 0.
    pub(crate) fn new(
        features: usize,
        eps: f64,
        activation: Activation,
        builder: &VarBuilder<'_>,
    ) -> Result<Self> {
        let get =
            |name: &str, value: f64| builder.get_with_hints(features, name, Init::Const(value));
        Ok(Self {
            weight: get("weight", 1.0)?,
            bias: get("bias", 0.0)?,
            // A tensor that is a variable already is shared, not copied.
            running_mean: Var::from_tensor(&get("running_mean", 0.0)?)?,
            running_var: Var::from_tensor(&get("running_var", 1.0)?)?,
            eps,
            activation,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (weight, bias) = (&self.weight, &self.bias);
        match mode {
            Mode::Train => {
                let (y, batch) = batch_norm(x, weight, bias, self.eps, self.activation)?;
                self.track(&batch, x.dim(0)?)?;
                Ok(y)
            }
            Mode::Eval => {
                let running = BatchStatistics {
                    mean: self.running_mean.as_detached_tensor(),
                    variance: self.running_var.as_detached_tensor(),
                };
                batch_norm_with(x, weight, bias, &running, self.eps, self.activation)
            }
        }
    }

    /// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
    fn track(&self, batch: &BatchStatistics, rows: usize) -> Result<()> {
        let unbiased = (&batch.variance * (rows as f64 / (rows as f64 - 1.0)))?;
        for (running, new) in [
            (&self.running_mean, &batch.mean),
            (&self.running_var, &unbiased),
        ] {
            let old = running.as_detached_tensor();
            running.set(&((old * (1.0 - MOMENTUM))? + (new * MOMENTUM)?)?)?;
        }
        Ok(())
    }
}
