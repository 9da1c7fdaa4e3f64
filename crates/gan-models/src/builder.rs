//! Builds a network's graph and its tensors, with PyTorch's initialisation.

use crate::{DiscriminatorPixels, Output};
use candle_core::Result;
use gan_core::{
    Graph, GraphParameter, ImageShape, Init, NodeId, Op, ParameterKind, ParameterStore, Weight,
    Window,
};

/// The weight of a training batch in the running statistics; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// A graph that grows at its end: every method but [`add`](Self::add) adds an operation on the last result.
/// Tensors are made in the order of the calls, which decides their random numbers.
pub(crate) struct Builder<'a> {
    graph: Graph,
    parameters: &'a ParameterStore,
    /// Of the last linear map, which decides its bias's initial values too.
    fan_in: usize,
    start: Start,
}

/// How the network of a configuration begins: its first weights, and the values of pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// Weights of linear maps start at U(±this), and biases at 0. None: PyTorch's initialisation.
    pub(crate) range: Option<f64>,
    pub(crate) output: Output,
    pub(crate) input: DiscriminatorPixels,
}

impl<'a> Builder<'a> {
    /// parameters: where the tensors are made.
    pub(crate) fn new(
        input: ImageShape,
        parameters: &'a ParameterStore,
        start: Start,
    ) -> Result<Self> {
        Ok(Self {
            graph: Graph::new(input)?,
            parameters,
            fan_in: 1,
            start,
        })
    }

    /// The graph, all of whose tensors have been made.
    pub(crate) fn finish(self) -> Result<Graph> {
        for node in self.graph.nodes() {
            if let Op::Dropout { count, .. } = node.op() {
                self.parameters.buffer(count, (), Init::Const(0.0))?;
            }
        }
        Ok(self.graph)
    }

    /// The last result.
    pub(crate) fn last(&self) -> NodeId {
        self.graph.output()
    }

    /// The shape of the last result.
    pub(crate) fn shape(&self) -> ImageShape {
        self.graph.output_shape()
    }

    /// `name.weight`, which starts at U(±1/√inputs), PyTorch's default for `nn.Linear`.
    pub(crate) fn linear(&mut self, name: &str, outputs: usize) -> Result<()> {
        self.fan_in = self.shape().channels;
        let weight = Weight::plain(format!("{name}.weight"));
        self.push(Op::Linear { weight, outputs }, &[self.uniform()])
    }

    /// `name.weight`, which starts at U(±1/√fan-in), PyTorch's default for `nn.Conv2d`.
    pub(crate) fn convolution(&mut self, name: &str, outputs: usize, window: Window) -> Result<()> {
        let weight = Weight::plain(format!("{name}.weight"));
        self.see_convolution(window);
        let op = convolution(weight, outputs, window);
        let init = self.uniform();
        self.push(op, &[init])
    }

    /// [`convolution`](Self::convolution) with spectral normalization, whose u is `name.weight_u` and starts
    /// at N(0, 1).
    pub(crate) fn spectral_convolution(
        &mut self,
        name: &str,
        outputs: usize,
        window: Window,
    ) -> Result<()> {
        let weight = Weight {
            name: format!("{name}.weight"),
            spectral: Some(format!("{name}.weight_u")),
        };
        let u = Init::Randn {
            mean: 0.0,
            stdev: 1.0,
        };
        self.see_convolution(window);
        let init = self.uniform();
        self.push(convolution(weight, outputs, window), &[init, u])
    }

    /// A convolution whose weight starts at 0.
    pub(crate) fn zero_convolution(
        &mut self,
        name: &str,
        outputs: usize,
        window: Window,
    ) -> Result<()> {
        let weight = Weight::plain(format!("{name}.weight"));
        let op = convolution(weight, outputs, window);
        self.push(op, &[Init::Const(0.0)])
    }

    /// `name.weight`, which starts at U(±1/√fan-in), where PyTorch's fan-in of `nn.ConvTranspose2d` is
    /// outputs times the kernel.
    pub(crate) fn transposed_convolution(
        &mut self,
        name: &str,
        outputs: usize,
        window: Window,
    ) -> Result<()> {
        self.fan_in = fan_in(outputs, window);
        let weight = Weight::plain(format!("{name}.weight"));
        let op = Op::TransposedConvolution {
            weight,
            outputs,
            window,
        };
        self.push(op, &[self.uniform()])
    }

    /// `name.bias`, which starts like the weight of the linear map before it, or at 0 if [`Start::range`] is set.
    pub(crate) fn bias(&mut self, name: &str) -> Result<()> {
        let bias = format!("{name}.bias");
        let init = match self.start.range {
            Some(_) => Init::Const(0.0),
            None => self.uniform(),
        };
        self.push(Op::Bias { bias }, &[init])
    }

    /// Weight and running variance start at 1, bias and running mean at 0, as in PyTorch.
    pub(crate) fn batch_norm(&mut self, name: &str, eps: f64) -> Result<()> {
        let op = Op::BatchNorm {
            weight: format!("{name}.weight"),
            bias: format!("{name}.bias"),
            running_mean: format!("{name}.running_mean"),
            running_var: format!("{name}.running_var"),
            eps,
            momentum: MOMENTUM,
        };
        self.push(op, &[1.0, 0.0, 0.0, 1.0].map(Init::Const))
    }

    /// The last numbers as pixels in [-1, 1].
    pub(crate) fn pixels(&mut self) -> Result<()> {
        if self.start.output == Output::Logistic {
            // 2 σ(x) − 1 = tanh(x / 2)
            self.apply(Op::Affine {
                scale: 0.5,
                shift: 0.0,
            })?;
        }
        self.apply(Op::Tanh)
    }

    /// Pixels in [-1, 1] as the network wants to see them.
    pub(crate) fn see_pixels(&mut self) -> Result<()> {
        match self.start.input {
            DiscriminatorPixels::Symmetric => Ok(()),
            DiscriminatorPixels::Unit => self.apply(Op::Affine {
                scale: 0.5,
                shift: 0.5,
            }),
        }
    }

    /// An operation without tensors of its own.
    pub(crate) fn apply(&mut self, op: Op) -> Result<()> {
        self.push(op, &[])
    }

    /// Adds an earlier result.
    pub(crate) fn add(&mut self, earlier: NodeId) -> Result<()> {
        self.graph.push(Op::Add, &[self.last(), earlier])?;
        Ok(())
    }

    /// Adds an operation whose tensors start so.
    fn push(&mut self, op: Op, inits: &[Init]) -> Result<()> {
        let before = self.graph.parameters().len();
        self.graph.push(op, &[self.last()])?;
        let added = &self.graph.parameters()[before..];
        let mut tensors = added.iter().zip(inits);
        tensors.try_for_each(|(parameter, init)| make(self.parameters, parameter, *init))
    }

    fn see_convolution(&mut self, window: Window) {
        self.fan_in = fan_in(self.shape().channels, window);
    }

    /// U(±1/√fan-in), or what the configuration wants.
    fn uniform(&self) -> Init {
        let default = 1.0 / (self.fan_in as f64).sqrt();
        let bound = self.start.range.unwrap_or(default);
        Init::Uniform {
            lo: -bound,
            up: bound,
        }
    }
}

/// Makes a tensor of a graph in `parameters`.
pub(crate) fn make(
    parameters: &ParameterStore,
    parameter: &GraphParameter,
    init: Init,
) -> Result<()> {
    let GraphParameter { name, shape, kind } = parameter;
    match kind {
        ParameterKind::Trainable => {
            let builder = parameters.builder();
            builder.get_with_hints(shape.as_slice(), name, init)?;
        }
        ParameterKind::Buffer => {
            parameters.buffer(name, shape.as_slice(), init)?;
        }
    }
    Ok(())
}

fn convolution(weight: Weight, outputs: usize, window: Window) -> Op {
    Op::Convolution {
        weight,
        outputs,
        window,
    }
}

/// The weights of a kernel between one channel and `channels` in groups.
fn fan_in(channels: usize, window: Window) -> usize {
    channels / window.groups * window.taps()
}
