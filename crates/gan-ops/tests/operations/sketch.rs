//! Graphs in the making, whose networks have tensors that are formulas.

use crate::common::wave;
use candle_core::{DType, Device, Tensor};
use candle_nn::Init;
use gan_core::{
    Graph, GraphParameter, ImageShape, NodeId, Op, ParameterKind, ParameterStore, Purpose, Seed,
    Weight, Window,
};
use gan_ops::Network;

pub(crate) const SEED: Seed = Seed(3);

pub(crate) fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape {
        channels,
        height,
        width,
    }
}

/// A window of `kernel` by `kernel`.
pub(crate) fn window(kernel: usize, stride: usize, padding: usize, groups: usize) -> Window {
    Window {
        kernel: [kernel, kernel],
        stride,
        padding,
        output_padding: 0,
        groups,
    }
}

/// A graph in the making.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    pub(crate) graph: Graph,
    /// The result that the next operation is on.
    pub(crate) last: NodeId,
}

impl Sketch {
    pub(crate) fn of(input: ImageShape) -> Self {
        Self {
            graph: Graph::new(input).unwrap(),
            last: NodeId::INPUT,
        }
    }

    /// Goes on from an earlier result.
    pub(crate) fn from(mut self, result: NodeId) -> Self {
        self.last = result;
        self
    }

    /// Adds an operation on the last result.
    pub(crate) fn then(mut self, op: Op) -> Self {
        self.last = self.graph.push(op, &[self.last]).unwrap();
        self
    }

    /// The sum of two results.
    pub(crate) fn sum(mut self, a: NodeId, b: NodeId) -> Self {
        self.last = self.graph.push(Op::Add, &[a, b]).unwrap();
        self
    }

    fn name(&self, what: &str) -> String {
        format!("{}.{what}", self.graph.nodes().len())
    }

    fn weight(&self) -> Weight {
        Weight::plain(self.name("weight"))
    }

    pub(crate) fn spectral_weight(&self) -> Weight {
        Weight {
            spectral: Some(self.name("weight_u")),
            ..self.weight()
        }
    }

    pub(crate) fn linear(self, outputs: usize) -> Self {
        let weight = self.weight();
        self.then(Op::Linear { weight, outputs })
    }

    pub(crate) fn spectral_linear(self, outputs: usize) -> Self {
        let weight = self.spectral_weight();
        self.then(Op::Linear { weight, outputs })
    }

    pub(crate) fn convolution(self, outputs: usize, window: Window) -> Self {
        let weight = self.weight();
        self.then(Op::Convolution {
            weight,
            outputs,
            window,
        })
    }

    pub(crate) fn transposed(self, outputs: usize, window: Window) -> Self {
        let weight = self.weight();
        self.then(Op::TransposedConvolution {
            weight,
            outputs,
            window,
        })
    }

    pub(crate) fn bias(self) -> Self {
        let bias = self.name("bias");
        self.then(Op::Bias { bias })
    }

    pub(crate) fn batch_norm(self) -> Self {
        let [weight, bias, running_mean, running_var] =
            ["weight", "bias", "running_mean", "running_var"].map(|what| self.name(what));
        self.then(Op::BatchNorm {
            weight,
            bias,
            running_mean,
            running_var,
            eps: 0.3,
            momentum: 0.1,
        })
    }

    pub(crate) fn leaky_relu(self) -> Self {
        self.then(Op::LeakyRelu { slope: 0.2 })
    }

    pub(crate) fn tanh(self) -> Self {
        self.then(Op::Tanh)
    }

    pub(crate) fn affine(self, scale: f64, shift: f64) -> Self {
        self.then(Op::Affine { scale, shift })
    }

    pub(crate) fn maxout(self, pieces: usize) -> Self {
        self.then(Op::Maxout { pieces })
    }

    pub(crate) fn dropout(self, kept: f64) -> Self {
        let count = "dropout_count".to_string();
        self.then(Op::Dropout { kept, count })
    }

    pub(crate) fn flatten(self) -> Self {
        self.then(Op::Flatten)
    }

    pub(crate) fn unflatten(self, channels: usize, height: usize, width: usize) -> Self {
        self.then(Op::Unflatten {
            channels,
            height,
            width,
        })
    }

    /// The graph's tensors, with values that are formulas.
    pub(crate) fn store(&self, dtype: DType) -> ParameterStore {
        let rng = SEED.rng(Purpose::DiscriminatorInit, 0);
        let store = ParameterStore::new(rng, dtype, &Device::Cpu);
        for (number, parameter) in self.graph.parameters().into_iter().enumerate() {
            let (name, dims) = (&parameter.name, parameter.shape.clone());
            if parameter.kind == ParameterKind::Buffer {
                store.buffer(name, dims, Init::Const(1.0)).unwrap();
            } else {
                let builder = store.builder();
                builder
                    .get_with_hints(dims, name, Init::Const(0.0))
                    .unwrap();
            }
            let values = values(&parameter, 0.3 + number as f64);
            store.set(name, &values.to_dtype(dtype).unwrap()).unwrap();
        }
        store
    }

    pub(crate) fn network(self, dtype: DType) -> Network {
        let store = self.store(dtype);
        Network::new(self.graph, store, SEED).unwrap()
    }
}

/// A weight of inverse root of its fan-in, variances that are positive, and no pass that has drawn.
fn values(parameter: &GraphParameter, phase: f64) -> Tensor {
    let dims = &parameter.shape;
    if parameter.name == "dropout_count" {
        return Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
    }
    let fan_in: usize = dims.iter().skip(1).product();
    let values = (wave(dims, phase) / (fan_in as f64).sqrt().max(1.0)).unwrap();
    if parameter.name.ends_with("running_var") {
        return (values.sqr().unwrap() + 0.5).unwrap();
    }
    values
}
