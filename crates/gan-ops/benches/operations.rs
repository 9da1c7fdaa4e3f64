//! Each fused operation beside its twin of plain candle operations, at the sizes of the
//! tutorial's recipe, layers of images at those of `dcgan` and `residual`: `cargo bench -p gan-ops`.

use candle_core::{DType, Device, Result, Tensor, Var};
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group};
use gan_core::{ImageShape, Mode, Recorded};
use gan_ops::{
    Activation, AdamStep, BatchNorm, Block, ConvNet, Convolution, Layer, LinearMap, Sequence,
    adam_step, composed, conv2d, softplus,
};
use std::hint::black_box;

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn wave(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (1.7 * i as f32).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

fn var(shape: &[usize]) -> Var {
    Var::from_tensor(&wave(shape)).expect("a variable")
}

fn batch_norm(features: usize) -> BatchNorm {
    BatchNorm {
        weight: var(&[features]),
        bias: var(&[features]),
        running_mean: var(&[features]),
        running_variance: Var::ones(features, DType::F32, &Device::Cpu).expect("a variable"),
        eps: 0.8,
        momentum: 0.1,
    }
}

fn sequence(inputs: usize, outputs: usize, normalized: bool, activation: Activation) -> Sequence {
    let norm = normalized.then(|| batch_norm(outputs));
    let block = Block {
        weight: var(&[outputs, inputs]),
        bias: var(&[outputs]),
        norm,
        activation,
    };
    Sequence::new(vec![block]).expect("a sequence")
}

/// Back to parameters and input.
fn explicit(recorded: &Recorded, upstream: &Tensor) -> Result<Tensor> {
    let mut use_gradient = |_: &Tensor, gradient: &Tensor| {
        black_box(gradient);
        Ok(())
    };
    let upstream = std::slice::from_ref(upstream);
    recorded
        .tape
        .parameter_gradients(upstream, &mut use_gradient)?;
    recorded.tape.input_gradient(0, &upstream[0])
}

fn on_graph(y: &Tensor, upstream: &Tensor) -> Result<()> {
    black_box((y * upstream)?.sum_all()?.backward()?);
    Ok(())
}

fn block(criterion: &mut Criterion, name: &str, normalized: bool, activation: Activation) {
    let (n, inputs, outputs) = (128, 512, 1024);
    let (x, upstream) = (var(&[n, inputs]), wave(&[n, outputs]));
    let sequence = sequence(inputs, outputs, normalized, activation);
    let mut group: Group<'_> = criterion.benchmark_group(name);
    let fused = || explicit(&sequence.record(&[&x])?, &upstream);
    let twin = || on_graph(&sequence.forward(&x, Mode::Train)?, &upstream);
    group.bench_function("fused", |b| b.iter(|| fused().expect("a pass")));
    group.bench_function("twin", |b| b.iter(|| twin().expect("a pass")));
}

fn blocks(criterion: &mut Criterion) {
    let leaky_relu = Activation::LeakyRelu { slope: 0.2 };
    block(
        criterion,
        "linear, leaky ReLU, 128x512 to 1024",
        false,
        leaky_relu,
    );
    block(
        criterion,
        "linear, tanh, 128x512 to 1024",
        false,
        Activation::Tanh,
    );
    block(
        criterion,
        "linear, batch norm, leaky ReLU, 128x512 to 1024",
        true,
        leaky_relu,
    );
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

fn convolution(criterion: &mut Criterion) {
    type Conv = fn(&Tensor, &Tensor, &Tensor, Convolution, Activation) -> Result<Tensor>;
    let (x, weight, bias) = (var(&[128, 32, 14, 14]), var(&[48, 32, 3, 3]), var(&[48]));
    let upstream = wave(&[128, 48, 7, 7]);
    let geometry = Convolution {
        stride: 2,
        padding: 1,
    };
    let leaky_relu = Activation::LeakyRelu { slope: 0.1 };
    let name = "convolution and its gradients, 128x32x14x14 to 48x7x7";
    let mut group: Group<'_> = criterion.benchmark_group(name);
    for (name, conv) in [("fused", conv2d as Conv), ("twin", composed::conv2d)] {
        let pass = || {
            let y = conv(&x, &weight, &bias, geometry, leaky_relu)?;
            black_box((y * &upstream)?.sum_all()?.backward()?);
            Result::Ok(())
        };
        group.bench_function(name, |b| b.iter(|| pass().expect("a pass")));
    }
}

/// 32 images through one layer and back. `outputs`: its channels.
fn layer(
    criterion: &mut Criterion,
    name: &str,
    input: ImageShape,
    (map, outputs): (LinearMap, usize),
    norm: Option<BatchNorm>,
) {
    let layer = Layer {
        map,
        bias: Some(var(&[outputs])),
        norm,
        shortcut: None,
        activation: Activation::LeakyRelu { slope: 0.2 },
    };
    let net = ConvNet::new(input, vec![layer]).expect("a network");
    let batch = |shape: ImageShape| [32, shape.channels, shape.height, shape.width];
    let (x, upstream) = (var(&batch(input)), wave(&batch(net.output_shape())));
    let mut group: Group<'_> = criterion.benchmark_group(name);
    let fused = || explicit(&net.record_images(&[&x])?, &upstream);
    let twin = || on_graph(&net.forward(&x, Mode::Train)?, &upstream);
    group.bench_function("fused", |b| b.iter(|| fused().expect("a pass")));
    group.bench_function("twin", |b| b.iter(|| twin().expect("a pass")));
}

fn layers(criterion: &mut Criterion) {
    let square = |channels, side| ImageShape {
        channels,
        height: side,
        width: side,
    };
    let halving = LinearMap::Convolution {
        weight: var(&[128, 64, 4, 4]),
        stride: 2,
        padding: 1,
        groups: 1,
    };
    let name = "layer: convolution, 32x64x14x14 to 128x7x7";
    layer(criterion, name, square(64, 14), (halving, 128), None);
    let grouped = LinearMap::Convolution {
        weight: var(&[64, 8, 3, 3]),
        stride: 1,
        padding: 1,
        groups: 8,
    };
    let name = "layer: convolution in 8 groups, 32x64x14x14";
    layer(criterion, name, square(64, 14), (grouped, 64), None);
    let doubling = LinearMap::TransposedConvolution {
        weight: var(&[128, 64, 4, 4]),
        stride: 2,
        padding: 1,
        output_padding: 0,
        groups: 1,
    };
    let name = "layer: transposed convolution, batch norm, 32x128x7x7 to 64x14x14";
    let norm = Some(batch_norm(64));
    layer(criterion, name, square(128, 7), (doubling, 64), norm);
    let pooling = LinearMap::AveragePooling { size: 2 };
    let name = "layer: average pooling, 32x64x14x14 to 7x7";
    layer(criterion, name, square(64, 14), (pooling, 64), None);
    let upsampling = LinearMap::Upsampling { factor: 2 };
    let name = "layer: upsampling, 32x64x14x14 to 28x28";
    layer(criterion, name, square(64, 14), (upsampling, 64), None);
}

fn all(criterion: &mut Criterion) {
    blocks(criterion);
    adam(criterion);
    cross_entropy(criterion);
    convolution(criterion);
    layers(criterion);
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
