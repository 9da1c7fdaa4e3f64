//! Each operation beside its twin of plain candle operations, at the sizes of the tutorial's recipe, layers
//! of images at those of `dcgan` and `residual`: `cargo bench -p gan-ops`.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::Init;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group};
use gan_core::{Graph, ImageShape, Mode, Op, ParameterKind, ParameterStore, Purpose, Seed};
use gan_core::{Weight, Window};
use gan_ops::{AdamStep, Network, adam_step, composed, softplus};
use std::hint::black_box;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn wave(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (1.7 * i as f32).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

fn var(shape: &[usize]) -> Var {
    Var::from_tensor(&wave(shape)).expect("a variable")
}

/// The operations one after the other, with tensors that are waves.
fn network(input: ImageShape, ops: Vec<Op>) -> Result<Network> {
    let mut graph = Graph::new(input)?;
    for op in ops {
        graph.push(op, &[graph.output()])?;
    }
    let rng = Seed(0).rng(Purpose::DiscriminatorInit, 0);
    let store = ParameterStore::new(rng, DType::F32, &Device::Cpu);
    for parameter in graph.parameters() {
        let (name, shape) = (&parameter.name, parameter.shape);
        if parameter.kind == ParameterKind::Buffer {
            store.buffer(name, shape, Init::Const(1.0))?;
        } else {
            let builder = store.builder();
            builder.get_with_hints(shape.clone(), name, Init::Const(0.0))?;
            store.set(name, &wave(&shape))?;
        }
    }
    Network::new(graph, store, Seed(0))
}

fn bias() -> Op {
    let bias = "bias".to_string();
    Op::Bias { bias }
}

fn batch_norm() -> Op {
    Op::BatchNorm {
        weight: "gamma".to_string(),
        bias: "beta".to_string(),
        running_mean: "mean".to_string(),
        running_var: "variance".to_string(),
        eps: 0.8,
        momentum: 0.1,
    }
}

const LEAKY_RELU: Op = Op::LeakyRelu { slope: 0.2 };

/// Forwards, and back to parameters and input.
fn explicit(network: &Network, x: &Tensor, upstream: &Tensor) -> Result<Tensor> {
    let recorded = network.record(&[x], None)?;
    let mut visit = |_: &Tensor, gradient: &Tensor| {
        black_box(gradient);
        Ok(())
    };
    let gradients = std::slice::from_ref(upstream);
    recorded.tape.parameter_gradients(gradients, &mut visit)?;
    recorded.tape.input_gradient(0, upstream)
}

fn on_graph(network: &Network, x: &Tensor, upstream: &Tensor) -> Result<()> {
    let y = network.forward(x, None, Mode::Train)?;
    black_box((y * upstream)?.sum_all()?.backward()?);
    Ok(())
}

/// `n` examples through a few operations and back.
fn layer(criterion: &mut Criterion, name: &str, n: usize, input: ImageShape, ops: Vec<Op>) {
    let network = network(input, ops).expect("a network");
    let batch = |shape: ImageShape| [n, shape.channels, shape.height, shape.width];
    let (x, upstream) = (
        var(&batch(input)),
        wave(&batch(network.graph().output_shape())),
    );
    let mut group: Group<'_> = criterion.benchmark_group(name);
    group.bench_function("fused", |b| {
        b.iter(|| explicit(&network, &x, &upstream).expect("a pass"));
    });
    group.bench_function("twin", |b| {
        b.iter(|| on_graph(&network, &x, &upstream).expect("a pass"));
    });
}

fn vectors(criterion: &mut Criterion) {
    let input = ImageShape {
        channels: 512,
        height: 1,
        width: 1,
    };
    let weight = Weight::plain("weight");
    let outputs = 1024;
    let linear = Op::Linear { weight, outputs };
    let dropout = Op::Dropout {
        kept: 0.5,
        count: "count".to_string(),
    };
    let layers = [
        ("leaky ReLU", vec![LEAKY_RELU]),
        ("tanh", vec![Op::Tanh]),
        ("batch norm, leaky ReLU", vec![batch_norm(), LEAKY_RELU]),
        ("maxout, dropout", vec![Op::Maxout { pieces: 4 }, dropout]),
    ];
    for (name, rest) in layers {
        let ops = [vec![linear.clone(), bias()], rest].concat();
        let name = format!("linear, {name}, 128x512 to 1024");
        layer(criterion, &name, 128, input, ops);
    }
}

fn images(criterion: &mut Criterion) {
    let square = |channels, side| ImageShape {
        channels,
        height: side,
        width: side,
    };
    let window = |kernel: usize, stride, groups| Window {
        stride,
        padding: 1,
        groups,
        ..Window::of([kernel, kernel])
    };
    let convolution = |outputs, window| Op::Convolution {
        weight: Weight::plain("weight"),
        outputs,
        window,
    };
    let doubling = Op::TransposedConvolution {
        weight: Weight::plain("weight"),
        outputs: 64,
        window: window(4, 2, 1),
    };
    let halving = convolution(128, window(4, 2, 1));
    let grouped = convolution(64, window(3, 1, 8));
    for (name, input, ops) in [
        (
            "convolution, 32x64x14x14 to 128x7x7",
            square(64, 14),
            vec![halving, bias()],
        ),
        (
            "convolution in 8 groups, 32x64x14x14",
            square(64, 14),
            vec![grouped, bias()],
        ),
        (
            "transposed convolution, batch norm, 32x128x7x7 to 64x14x14",
            square(128, 7),
            vec![doubling, batch_norm()],
        ),
        (
            "average pooling, 32x64x14x14 to 7x7",
            square(64, 14),
            vec![Op::AveragePooling { size: 2 }],
        ),
        (
            "upsampling, 32x64x14x14 to 28x28",
            square(64, 14),
            vec![Op::Upsampling { factor: 2 }],
        ),
    ] {
        let ops = [ops, vec![LEAKY_RELU]].concat();
        layer(criterion, name, 32, input, ops);
    }
}

fn adam(criterion: &mut Criterion) {
    type Step = fn(&Var, &Tensor, &Var, &Var, &AdamStep) -> Result<bool>;
    let shape = [784, 1024];
    let (theta, m, gradient) = (var(&shape), var(&shape), wave(&shape));
    let v = Var::from_tensor(&gradient.sqr().expect("squares")).expect("a variable");
    let step = AdamStep {
        lr: 1e-6,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        step: 10,
    };
    let mut group: Group<'_> = criterion.benchmark_group("adam, 784x1024");
    for (name, adam) in [("fused", adam_step as Step), ("twin", composed::adam_step)] {
        group.bench_function(name, |b| {
            b.iter(|| adam(&theta, &gradient, &m, &v, &step).expect("a step"));
        });
    }
}

fn cross_entropy(criterion: &mut Criterion) {
    type Softplus = fn(&Tensor) -> Result<Tensor>;
    let mut group: Group<'_> = criterion.benchmark_group("softplus and its gradient, 1024");
    for (name, softplus) in [
        ("fused", softplus as Softplus),
        ("twin", composed::softplus),
    ] {
        group.bench_function(name, |b| {
            let logits = || var(&[1024]);
            let pass = |x: Var| softplus(&x)?.mean_all()?.backward();
            b.iter_batched(logits, |x| pass(x).expect("a pass"), BatchSize::SmallInput);
        });
    }
}

fn all(criterion: &mut Criterion) {
    vectors(criterion);
    images(criterion);
    adam(criterion);
    cross_entropy(criterion);
}

criterion_group!(operations, all);

/// What `criterion_main!` writes, in a pool.
fn main() {
    gan_ops::set_process_defaults(None);
    let pool = gan_ops::Pool::new(None).expect("threads");
    pool.install(|| {
        operations();
        Criterion::default().configure_from_args().final_summary();
    });
}
