//! Layers with PyTorch's initialisation and names.

use candle_core::{Result, Var};
use candle_nn::{Init, VarBuilder};
use gan_ops::{Activation, BatchNorm, Block, LinearMap};

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
    Ok(Block {
        weight: uniform(&[outputs, inputs], inputs, "weight", builder)?,
        bias: uniform(&[outputs], inputs, "bias", builder)?,
        norm: None,
        activation,
    })
}

/// The sizes of a convolution: channels in and out, and along each side of the image the kernel.
/// Its stride is that which halves, or the reverse, a side; see [`halving`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

impl Window {
    /// A kernel of `side` by `side` that keeps the size of images; `side` odd.
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

    /// A kernel that sees a whole image of this size at once, or makes one of a single pixel.
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

    /// Its adjoint, from `inputs` to `outputs` all the same. The weight starts at U(±1/√fan-in) with
    /// what PyTorch takes for the fan-in of `nn.ConvTranspose2d`: outputs times the kernel.
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

    /// PyTorch's first biases for `nn.Conv2d`.
    pub(crate) fn bias(&self, builder: &VarBuilder<'_>) -> Result<Option<Var>> {
        let fan_in = self.inputs / self.groups * self.taps();
        Ok(Some(uniform(&[self.outputs], fan_in, "bias", builder)?))
    }

    /// PyTorch's first biases for `nn.ConvTranspose2d`.
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
