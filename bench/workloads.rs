//! One measured piece of work a process, so that threads and memory are its own:
//! `workloads step|best|floor|… [--batch N] [--threads N] [--repeat N]` prints a line of JSON.
//! `cargo xtask bench` runs it and makes the table.
#![allow(clippy::print_stdout, reason = "the line is the result")]

mod text;

use anyhow::{Context, Result};
use candle_core::{DType, Device, Tensor};
use clap::{Parser, ValueEnum};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use gan_core::{Discriminator, NormalPrior};
use gan_core::{Generator, ImageBatch, ImageShape, LatentPrior, Mode, Purpose, Seed};
use gan_data::{DataLoader, Dataset, Parts, ReadOptions};
use gan_models::{Architecture, ClassCount, DiscriminatorNorm, ModelConfig};
use gan_ops::Pool;
use gan_run::{Recipe, RunConfig};
use gan_train::{TrainConfig, Trainer};
use rayon::prelude::*;
use serde_json::json;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Widths of the tutorial's networks, for the floor.
const GENERATOR: [usize; 6] = [100, 128, 256, 512, 1024, 784];
const DISCRIMINATOR: [usize; 4] = [784, 512, 256, 1];

#[derive(Parser)]
struct Arguments {
    what: Workload,
    #[arg(long, default_value_t = 128)]
    batch: usize,
    #[arg(long)]
    threads: Option<usize>,
    /// Measured repetitions, after a tenth as many that are not counted
    #[arg(long, default_value_t = 300)]
    repeat: usize,
    /// What cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workload {
    /// A training step of the tutorial's recipe, data already in memory
    Step,
    /// A training step of convolutional networks of base width 64
    Dcgan64,
    /// The same at width 32
    Dcgan32,
    /// The same at width 32 with a gradient penalty at all images
    Penalized32,
    /// A training step of the recipe of that name, at its own batch size
    Best,
    /// The same
    R3ganSmall,
    /// The same
    #[value(name = "paper-2014")]
    Paper2014,
    /// The matrix products of the tutorial's step alone
    Floor,
    /// The tutorial's generator in evaluation mode
    Infer,
    /// The generator of `best` in evaluation mode
    InferBest,
    /// A step of a language model by maximum likelihood
    TextMle,
    /// A sample of as many sequences as the batch has
    TextSample,
    /// An update of a language model by a discriminator's rewards, with 8 rollouts
    TextPolicy,
    /// Reading MNIST's training set from its compressed files
    Load,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    gan_ops::set_process_defaults(arguments.threads);
    Pool::new(arguments.threads)?.install(|| run(&arguments))
}

fn run(arguments: &Arguments) -> Result<()> {
    let (batch, repeat) = (arguments.batch, arguments.repeat);
    let (measured, gflop) = match arguments.what {
        Workload::Step => {
            let took = step(&ModelConfig::default(), &penalized(0.0), batch, repeat)?;
            (took, floating_point_operations(batch))
        }
        Workload::Dcgan64 => (step(&dcgan(64), &penalized(0.0), batch, repeat)?, 0.0),
        Workload::Dcgan32 => (step(&dcgan(32), &penalized(0.0), batch, repeat)?, 0.0),
        Workload::Penalized32 => (step(&dcgan(32), &penalized(1.0), batch, repeat)?, 0.0),
        Workload::Best => (recipe("best", repeat)?, 0.0),
        Workload::R3ganSmall => (recipe("r3gan-small", repeat)?, 0.0),
        Workload::Paper2014 => (recipe("paper-2014", repeat)?, 0.0),
        Workload::Floor => (floor(batch, repeat)?, floating_point_operations(batch)),
        Workload::Infer => {
            let took = infer(&ModelConfig::default(), batch, repeat)?;
            (took, forward_operations(batch))
        }
        Workload::InferBest => (infer(&of_recipe("best")?.0, batch, repeat)?, 0.0),
        Workload::TextMle => (text::likelihood(repeat)?, 0.0),
        Workload::TextSample => (text::sample(batch, repeat)?, 0.0),
        Workload::TextPolicy => (text::policy(repeat)?, 0.0),
        Workload::Load => (measure(repeat, |_| mnist().map(drop))?, 0.0),
    };
    let at = |share: f64| measured.milliseconds[(share * (repeat - 1) as f64) as usize];
    let line = json!({
        "median_ms": at(0.5),
        "p10_ms": at(0.1),
        "p90_ms": at(0.9),
        "gflop": gflop / 1e9,
        "minor_faults": measured.minor_faults,
        "peak_mib": peak_mib(),
    });
    println!("{line}");
    Ok(())
}

struct Measured {
    /// Sorted.
    milliseconds: Vec<f64>,
    /// A repetition; none where the system does not tell.
    minor_faults: Option<f64>,
}

fn measure(repeat: usize, mut work: impl FnMut(usize) -> Result<()>) -> Result<Measured> {
    let warm_up = repeat.div_ceil(10);
    for index in 0..warm_up {
        work(index)?;
    }
    let faults = minor_faults();
    let mut milliseconds = Vec::with_capacity(repeat);
    for index in 0..repeat {
        let begin = Instant::now();
        work(warm_up + index)?;
        milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let minor_faults = minor_faults().zip(faults);
    milliseconds.sort_by(f64::total_cmp);
    Ok(Measured {
        milliseconds,
        minor_faults: minor_faults.map(|(after, before)| (after - before) / repeat as f64),
    })
}

fn mnist() -> Result<Dataset> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let options = ReadOptions::default();
    let splits = gan_data::open(&root.join("data/mnist"), &options, Parts::Training);
    Ok(splits.context("MNIST")?.training)
}

fn dcgan(width: usize) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Dcgan {
            width,
            discriminator_norm: DiscriminatorNorm::None,
        },
        ..ModelConfig::default()
    }
}

/// The tutorial's training with these weights of R1 and R2.
fn penalized(penalty: f64) -> TrainConfig {
    TrainConfig {
        r1: penalty,
        r2: penalty,
        ..TrainConfig::default()
    }
}

/// A recipe's networks, of MNIST's classes if it has classes, and its training.
fn of_recipe(name: &str) -> Result<(ModelConfig, TrainConfig)> {
    let config: RunConfig = Recipe::named(name)?.config()?;
    let mut model = config.model;
    model.classes = model.classes.map(|_| ClassCount::Known(10));
    Ok((model, config.train))
}

fn recipe(name: &str, repeat: usize) -> Result<Measured> {
    let (model, train) = of_recipe(name)?;
    step(&model, &train, train.batch_size, repeat)
}

fn step(
    model: &ModelConfig,
    config: &TrainConfig,
    batch: usize,
    repeat: usize,
) -> Result<Measured> {
    let device = Device::Cpu;
    let loader = DataLoader::new(mnist()?, batch, Seed(0), DType::F32, &device)?;
    let whole = loader.epoch(0).take(loader.dataset().len() / batch);
    let batches: Vec<ImageBatch> = whole.take(40).collect::<candle_core::Result<_>>()?;
    let shape = ImageShape::MNIST;
    let generator: Box<dyn Generator> = model.generator(shape, Seed(0), DType::F32, &device)?;
    let discriminator: Box<dyn Discriminator> =
        model.discriminator(shape, Seed(0), DType::F32, &device)?;
    let prior = Box::new(NormalPrior::standard(generator.latent_dim()));
    let loss = config.adversarial_loss();
    let mut trainer = Trainer::new(generator, discriminator, prior, loss, config, 100_000)?;
    measure(repeat, |index| {
        black_box(trainer.step(&batches[index % batches.len()])?);
        Ok(())
    })
}

fn infer(model: &ModelConfig, batch: usize, repeat: usize) -> Result<Measured> {
    let generator = model.generator(ImageShape::MNIST, Seed(0), DType::F32, &Device::Cpu)?;
    let prior = NormalPrior::standard(generator.latent_dim());
    let labels = generator.classes().map(|classes| {
        let labels: Vec<u32> = (0..batch).map(|k| (k % classes) as u32).collect();
        Tensor::new(labels, &Device::Cpu)
    });
    let labels = labels.transpose()?;
    measure(repeat, |index| {
        let z = prior.sample(batch, &mut Seed(0).rng(Purpose::Sample, index as u64))?;
        black_box(generator.infer(&z, labels.as_ref(), Mode::Eval)?);
        Ok(())
    })
}

/// c `[rows, columns]` ← a `[rows, depth]` · b, on as many threads as there are.
struct Product {
    rows: usize,
    depth: usize,
    columns: usize,
    order: Order,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

/// How the factors lie in memory.
#[derive(Clone, Copy)]
enum Order {
    /// A forward pass: W · X.
    Forward,
    /// A gradient by inputs: Wᵀ · δ.
    ByInput,
    /// A gradient by weights: δ · Xᵀ.
    ByWeight,
}

/// Every matrix product of a step, in its order, each with memory of its own.
fn products(batch: usize) -> Vec<Product> {
    let both = 2 * batch;
    let mut all = Vec::new();
    let mut add = |order: Order, [rows, depth, columns]: [usize; 3]| {
        let values = |count: usize| (0..count).map(|i| (i as f32).sin()).collect::<Vec<f32>>();
        all.push(Product {
            rows,
            depth,
            columns,
            order,
            a: values(rows * depth),
            b: values(depth * columns),
            c: vec![0.0; rows * columns],
        });
    };
    let pairs = |widths: &[usize]| -> Vec<(usize, usize)> {
        widths.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (generator, discriminator) = (pairs(&GENERATOR), pairs(&DISCRIMINATOR));
    for (i, o) in &generator {
        add(Order::Forward, [*o, *i, batch]);
    }
    for (i, o) in &discriminator {
        add(Order::Forward, [*o, *i, both]);
    }
    for (i, o) in discriminator.iter().rev() {
        add(Order::ByInput, [*i, *o, batch]);
    }
    for (layers, examples) in [(&generator, batch), (&discriminator, both)] {
        for (index, (i, o)) in layers.iter().enumerate().rev() {
            if index > 0 {
                add(Order::ByInput, [*i, *o, examples]);
            }
            add(Order::ByWeight, [*o, examples, *i]);
        }
    }
    all
}

impl Product {
    fn run(&mut self) {
        let Self {
            rows,
            depth,
            columns,
            order,
            a,
            b,
            c,
        } = self;
        let a = match order {
            Order::ByInput => MatRef::from_column_major_slice(a, *rows, *depth),
            _ => MatRef::from_row_major_slice(a, *rows, *depth),
        };
        let b = match order {
            Order::ByWeight => MatRef::from_column_major_slice(b, *depth, *columns),
            _ => MatRef::from_row_major_slice(b, *depth, *columns),
        };
        let share = rows.div_ceil(rayon::current_num_threads());
        let parts = c.par_chunks_mut(share * *columns).enumerate();
        parts.for_each(|(index, c)| {
            let count = c.len() / *columns;
            let c = MatMut::from_row_major_slice_mut(c, count, *columns);
            let a = a.subrows(index * share, count);
            matmul(c, Accum::Replace, a, b, 1.0, Par::Seq);
        });
    }
}

fn floor(batch: usize, repeat: usize) -> Result<Measured> {
    let mut products = products(batch);
    measure(repeat, |_| {
        products.iter_mut().for_each(Product::run);
        Ok(())
    })
}

fn floating_point_operations(batch: usize) -> f64 {
    let layer = |(i, o): (&usize, &usize)| (i * o) as f64;
    let sum = |widths: &[usize]| -> f64 { widths.iter().zip(&widths[1..]).map(layer).sum() };
    let (generator, discriminator) = (sum(&GENERATOR), sum(&DISCRIMINATOR));
    let first = |widths: &[usize]| (widths[0] * widths[1]) as f64;
    let of_generator = 3.0 * generator - first(&GENERATOR);
    // Forward, by weight and by input of two batches, and once more down to the images.
    let of_discriminator = 2.0 * (3.0 * discriminator - first(&DISCRIMINATOR)) + discriminator;
    2.0 * batch as f64 * (of_generator + of_discriminator)
}

fn forward_operations(batch: usize) -> f64 {
    let layers = GENERATOR.windows(2).map(|pair| (pair[0] * pair[1]) as f64);
    2.0 * batch as f64 * layers.sum::<f64>()
}

fn minor_faults() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields = stat.rsplit(')').next()?;
    fields.split_whitespace().nth(7)?.parse().ok()
}

fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
