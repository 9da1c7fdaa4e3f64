//! Layers with PyTorch's initialisation and names.

use candle_core::{Result, Var};
use candle_nn::{Init, VarBuilder};
use gan_ops::{Activation, BatchNorm, Block};

/// How far a training batch moves the running statistics; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// x `[n, inputs]` → activation(x · weightᵀ + bias) `[n, outputs]`. Weight and bias start at
/// U(±1/√inputs), PyTorch's default for `nn.Linear`.
pub(crate) fn linear(
    inputs: usize,
    outputs: usize,
    activation: Activation,
    builder: &VarBuilder<'_>,
) -> Result<Block> {
    let bound = 1.0 / (inputs as f64).sqrt();
    let init = Init::Uniform {
        lo: -bound,
        up: bound,
    };
    let weight = builder.get_with_hints((outputs, inputs), "weight", init)?;
    let bias = builder.get_with_hints(outputs, "bias", init)?;
    Ok(Block {
        // A tensor that is a variable already is shared, not copied.
        weight: Var::from_tensor(&weight)?,
        bias: Var::from_tensor(&bias)?,
        norm: None,
        activation,
    })
}

/// Batch normalization of vectors. Weight and running variance start at 1, bias and running mean
/// at 0, as in PyTorch's `nn.BatchNorm1d`.
pub(crate) fn batch_norm(features: usize, eps: f64, builder: &VarBuilder<'_>) -> Result<BatchNorm> {
    let get = |name: &str, value: f64| {
        Var::from_tensor(&builder.get_with_hints(features, name, Init::Const(value))?)
    };
    Ok(BatchNorm {
        weight: get("weight", 1.0)?,
        bias: get("bias", 0.0)?,
        running_mean: get("running_mean", 0.0)?,
        running_variance: get("running_var", 1.0)?,
        eps,
        momentum: MOMENTUM,
    })
}
