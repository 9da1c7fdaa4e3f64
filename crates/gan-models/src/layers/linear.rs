//! A fully connected layer with its activation.

use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};
use gan_ops::{Activation, linear};

/// x `[n, inputs]` → activation(x · weightᵀ + bias) `[n, outputs]`.
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
}

impl Linear {
    /// Weight and bias start at U(±1/√inputs), PyTorch's default for `nn.Linear`.
    pub(crate) fn new(
        inputs: usize,
        outputs: usize,
        activation: Activation,
        builder: &VarBuilder<'_>,
    ) -> Result<Self> {
        let bound = 1.0 / (inputs as f64).sqrt();
        let init = Init::Uniform {
            lo: -bound,
            up: bound,
        };
        Ok(Self {
            weight: builder.get_with_hints((outputs, inputs), "weight", init)?,
            bias: builder.get_with_hints(outputs, "bias", init)?,
            activation,
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias, self.activation)
    }
}
