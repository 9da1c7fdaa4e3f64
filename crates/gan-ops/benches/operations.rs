//! Each fused operation beside its twin of plain candle operations, at the sizes of the
//! tutorial's recipe: `cargo bench -p gan-ops`.

use candle_core::{DType, Device, Result, Tensor, Var};
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use gan_core::Mode;
use gan_ops::{
    Activation, AdamStep, BatchNorm, Block, Convolution, Sequence, adam_step, composed, conv2d,
    settle_threads, softplus,
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

fn sequence(inputs: usize, outputs: usize, normalized: bool, activation: Activation) -> Sequence {
    let norm = normalized.then(|| BatchNorm {
        weight: var(&[outputs]),
        bias: var(&[outputs]),
        running_mean: var(&[outputs]),
        running_variance: Var::ones(outputs, DType::F32, &Device::Cpu).expect("a variable"),
        eps: 0.8,
        momentum: 0.1,
    });
    let block = Block {
        weight: var(&[outputs, inputs]),
        bias: var(&[outputs]),
        norm,
        activation,
    };
    Sequence::new(vec![block]).expect("a sequence")
}

/// Forward and back to input and parameters.
fn explicit(sequence: &Sequence, x: &Tensor, upstream: &Tensor) -> Result<Tensor> {
    let recorded = sequence.record(&[x])?;
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

fn on_graph(sequence: &Sequence, x: &Var, upstream: &Tensor) -> Result<()> {
    let y = sequence.forward(x, Mode::Train)?;
    black_box((y * upstream)?.sum_all()?.backward()?);
    Ok(())
}

fn block(criterion: &mut Criterion, name: &str, normalized: bool, activation: Activation) {
    let (n, inputs, outputs) = (128, 512, 1024);
    let (x, upstream) = (var(&[n, inputs]), wave(&[n, outputs]));
    let sequence = sequence(inputs, outputs, normalized, activation);
    let mut group: Group<'_> = criterion.benchmark_group(name);
    group.bench_function("fused", |b| {
        b.iter(|| explicit(&sequence, &x, &upstream).expect("a pass"));
    });
    group.bench_function("twin", |b| {
        b.iter(|| on_graph(&sequence, &x, &upstream).expect("a pass"));
    });
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

fn all(criterion: &mut Criterion) {
    settle_threads(None);
    blocks(criterion);
    adam(criterion);
    cross_entropy(criterion);
    convolution(criterion);
}

criterion_group!(operations, all);
criterion_main!(operations);
