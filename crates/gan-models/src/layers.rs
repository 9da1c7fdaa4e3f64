//! Layers with PyTorch's initialisation and names.

use candle_core::{Result, Var};
use candle_nn::{Init, VarBuilder};
use gan_core::ParameterStore;
use gan_ops::{Activation, BatchNorm, Block, LinearMap};

/// The weight of a training batch in the running statistics; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// x `[n, inputs]` → activation(x · weightᵀ + bias) `[n, outputs]`. Weight and bias start at
/// U(±1/√inputs), PyTorch's default for `nn.Linear`.
pub(crate) fn linear(
    inputs: usize,
    outputs: usize,
    activation: Activation,
    builder: &VarBuilder<'_>,
) -> Result<Block> {
    Ok(Block {
        weight: uniform(&[outputs, inputs], inputs, "weight", builder)?,
        bias: uniform(&[outputs], inputs, "bias", builder)?,
        norm: None,
        activation,
    })
}

/// A convolution's channels, kernel, stride, padding and groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvSpec {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

impl ConvSpec {
    /// A kernel of `side` by `side`, `side` odd, that preserves the size of images.
    pub(crate) fn same(inputs: usize, outputs: usize, side: usize) -> Self {
        Self {
            inputs,
            outputs,
            kernel: [side, side],
            stride: 1,
            padding: side / 2,
            groups: 1,
        }
    }

    /// A kernel that covers a whole image of this size; transposed, it makes such an image of one pixel.
    pub(crate) fn whole(inputs: usize, outputs: usize, sides: [usize; 2]) -> Self {
        Self {
            inputs,
            outputs,
            kernel: sides,
            stride: 1,
            padding: 0,
            groups: 1,
        }
    }

    /// From sides to ⌈side / 2⌉ with stride 2: kernels of 4 over even sides, of 3 over odd ones.
    pub(crate) fn halving(inputs: usize, outputs: usize, sides: [usize; 2]) -> Self {
        Self {
            inputs,
            outputs,
            kernel: sides.map(|side| if side.is_multiple_of(2) { 4 } else { 3 }),
            stride: 2,
            padding: 1,
            groups: 1,
        }
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// A convolution whose weight starts at U(±1/√fan-in), PyTorch's default for `nn.Conv2d`.
    pub(crate) fn convolution(&self, builder: &VarBuilder<'_>) -> Result<LinearMap> {
        let share = self.inputs / self.groups;
        let shape = [self.outputs, share, self.kernel[0], self.kernel[1]];
        Ok(LinearMap::Convolution {
            weight: uniform(&shape, share * self.taps(), "weight", builder)?,
            stride: self.stride,
            padding: self.padding,
            groups: self.groups,
        })
    }

    /// A convolution whose weight starts at 0.
    pub(crate) fn zero_convolution(&self, builder: &VarBuilder<'_>) -> Result<LinearMap> {
        let share = self.inputs / self.groups;
        let shape = (self.outputs, share, self.kernel[0], self.kernel[1]);
        let weight = builder.get_with_hints(shape, "weight", Init::Const(0.0))?;
        Ok(LinearMap::Convolution {
            weight: Var::from_tensor(&weight)?,
            stride: self.stride,
            padding: self.padding,
            groups: self.groups,
        })
    }

    /// The transposed convolution, also from `inputs` to `outputs` channels. The weight starts at
    /// U(±1/√fan-in), where PyTorch's fan-in of `nn.ConvTranspose2d` is outputs times the kernel.
    pub(crate) fn transposed(&self, builder: &VarBuilder<'_>) -> Result<LinearMap> {
        let share = self.outputs / self.groups;
        let shape = [self.inputs, share, self.kernel[0], self.kernel[1]];
        Ok(LinearMap::TransposedConvolution {
            weight: uniform(&shape, share * self.taps(), "weight", builder)?,
            stride: self.stride,
            padding: self.padding,
            output_padding: 0,
            groups: self.groups,
        })
    }

    /// PyTorch's initial biases for `nn.Conv2d`.
    pub(crate) fn bias(&self, builder: &VarBuilder<'_>) -> Result<Option<Var>> {
        let fan_in = self.inputs / self.groups * self.taps();
        Ok(Some(uniform(&[self.outputs], fan_in, "bias", builder)?))
    }

    /// PyTorch's initial biases for `nn.ConvTranspose2d`.
    pub(crate) fn transposed_bias(&self, builder: &VarBuilder<'_>) -> Result<Option<Var>> {
        let fan_in = self.outputs / self.groups * self.taps();
        Ok(Some(uniform(&[self.outputs], fan_in, "bias", builder)?))
    }
}

/// A tensor that starts at U(±1/√fan_in).
fn uniform(shape: &[usize], fan_in: usize, name: &str, builder: &VarBuilder<'_>) -> Result<Var> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    let init = Init::Uniform {
        lo: -bound,
        up: bound,
    };
    // A tensor that is a variable already is shared, not copied.
    Var::from_tensor(&builder.get_with_hints(shape, name, init)?)
}

/// Batch normalization of `features` features, whose tensors `builder` makes in `parameters`. Weight and
/// running variance start at 1, bias and running mean at 0, as in PyTorch's `nn.BatchNorm1d`.
pub(crate) fn batch_norm(
    features: usize,
    eps: f64,
    parameters: &ParameterStore,
    builder: &VarBuilder<'_>,
) -> Result<BatchNorm> {
    let trained = |name: &str, value: f64| {
        Var::from_tensor(&builder.get_with_hints(features, name, Init::Const(value))?)
    };
    let buffer = |name: &str, value: f64| {
        let name = format!("{}.{name}", builder.prefix());
        parameters.buffer(&name, features, Init::Const(value))
    };
    Ok(BatchNorm {
        weight: trained("weight", 1.0)?,
        bias: trained("bias", 0.0)?,
        running_mean: buffer("running_mean", 0.0)?,
        running_variance: buffer("running_var", 1.0)?,
        eps,
        momentum: MOMENTUM,
    })
}
