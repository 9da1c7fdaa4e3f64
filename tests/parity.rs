//! The recipe is the tutorial's: 200 steps against what PyTorch computes from the same weights,
//! noise and images (`golden/make_parity.py` states the formulas, `golden/parity.json` the figures).
//!
//! In f64 both programs do the same arithmetic up to the order of sums, so the trajectories must
//! agree to rounding. In f32 they may part as far as PyTorch's own f32 does.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/splitmix.rs"]
mod splitmix;

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageBatch, ImageShape, LatentPrior, Mode, ParameterStore, Seed};
use gan_data::{Dataset, Parts, ReadOptions};
use gan_models::ModelConfig;
use gan_train::{TrainConfig, Trainer};
use serde::Deserialize;
use splitmix::u;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

const BATCH: usize = 128;
const LATENT_DIM: usize = 100;
const CPU: Device = Device::Cpu;

#[derive(Deserialize)]
struct Golden {
    probe: BTreeMap<String, Vec<f64>>,
    float64: Run,
    float32_deviation: Deviation,
}

#[derive(Deserialize)]
struct Run {
    g_loss: Vec<f64>,
    d_loss: Vec<f64>,
    d_real: Vec<f64>,
    d_fake: Vec<f64>,
    after: BTreeMap<u64, Networks>,
    eval_mode_images_after_200: EvalImages,
}

#[derive(Deserialize)]
struct Networks {
    generator: BTreeMap<String, Summary>,
    discriminator: BTreeMap<String, Summary>,
}

#[derive(Deserialize)]
struct Summary {
    sum: f64,
    l2: f64,
    first: Vec<f64>,
}

#[derive(Deserialize)]
struct EvalImages {
    mean: f64,
    l2: f64,
    pixels_390_to_400: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Deviation {
    g_loss: BTreeMap<u64, f64>,
    d_loss: BTreeMap<u64, f64>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn golden() -> Golden {
    let text = std::fs::read_to_string(root().join("tests/golden/parity.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// z(s): `rows` × 100 numbers, each the sum of twelve uniform ones less 6.
fn z(s: u64, rows: usize) -> Tensor {
    let number = |i: u64| (0..12).map(|j| u(1000 + s, i * 12 + j)).sum::<f64>() - 6.0;
    let values: Vec<f32> = (0..(rows * LATENT_DIM) as u64)
        .map(|i| number(i) as f32)
        .collect();
    Tensor::from_vec(values, (rows, LATENT_DIM), &CPU).unwrap()
}

/// Serves z(0), z(1), … whatever the random numbers say.
#[derive(Default)]
struct FormulaPrior {
    next: AtomicU64,
}

impl LatentPrior for FormulaPrior {
    fn sample(&self, n: usize, _rng: &mut dyn rand::RngCore) -> candle_core::Result<Tensor> {
        Ok(z(self.next.fetch_add(1, Ordering::Relaxed), n))
    }

    fn latent_dim(&self) -> usize {
        LATENT_DIM
    }
}

/// (2 u(t, i) − 1) / √fan_in for every linear layer, t counting weights and biases from `base`.
fn set_weights(parameters: &ParameterStore, base: u64) {
    let is_linear = |name: &str| {
        let weight = format!("{}.weight", name.rsplit_once('.').unwrap().0);
        let all = parameters.all();
        all.iter()
            .any(|p| p.name == weight && p.var.dims().len() == 2)
    };
    let mut fan_in = 0;
    let all = parameters.all();
    let linear = all.iter().filter(|p| is_linear(&p.name));
    for (t, parameter) in (base..).zip(linear) {
        let dims = parameter.var.dims();
        fan_in = dims.get(1).copied().unwrap_or(fan_in);
        let bound = 1.0 / (fan_in as f64).sqrt();
        let count = parameter.var.elem_count() as u64;
        let values = (0..count).map(|i| ((2.0 * u(t, i) - 1.0) * bound) as f32);
        let tensor = Tensor::from_vec(values.collect(), dims, &CPU).unwrap();
        parameters.set(&parameter.name, &tensor).unwrap();
    }
}

fn trainer(dtype: DType) -> Trainer {
    let model = ModelConfig::default();
    let generator = model
        .generator(ImageShape::MNIST, Seed(0), dtype, &CPU)
        .unwrap();
    let discriminator = model
        .discriminator(ImageShape::MNIST, Seed(0), dtype, &CPU)
        .unwrap();
    set_weights(generator.parameters(), 0);
    set_weights(discriminator.parameters(), 100);
    let (prior, config) = (Box::new(FormulaPrior::default()), TrainConfig::default());
    Trainer::new(
        generator,
        discriminator,
        prior,
        config.adversarial_loss(),
        &config,
        1000,
    )
    .unwrap()
}

/// Images s·128 to (s + 1)·128 of the training set, in the order of the file.
fn batch(images: &Dataset, s: usize, dtype: DType) -> ImageBatch {
    let images = images.images().iter().skip(s * BATCH).take(BATCH);
    let pixels: Vec<u8> = images.flatten().copied().collect();
    let pixels = Tensor::from_vec(pixels, (BATCH, 1, 28, 28), &CPU).unwrap();
    let pixels = pixels.to_dtype(dtype).unwrap();
    ImageBatch {
        images: ((pixels / 127.5).unwrap() - 1.0).unwrap(),
        labels: None,
    }
}

/// How far a figure may be from PyTorch's.
struct Tolerance {
    loss: fn(u64, &Deviation) -> (f64, f64),
    /// Relative, by the number of steps done.
    l2: fn(u64) -> f64,
    /// As a share of the norm.
    sum: fn(u64) -> f64,
}

fn check_network(
    parameters: &ParameterStore,
    expected: &BTreeMap<String, Summary>,
    l2: f64,
    sum: f64,
) {
    let all = parameters.all();
    assert_eq!(all.len(), expected.len());
    for parameter in all {
        let expected = &expected[parameter.name.strip_prefix("model.").unwrap()];
        let tensor = parameter
            .var
            .flatten_all()
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap();
        let values: Vec<f64> = tensor.to_vec1().unwrap();
        let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let relative = (norm - expected.l2).abs() / expected.l2;
        assert!(
            relative <= l2,
            "{}: norm off by {relative:e}",
            parameter.name
        );
        let share = (values.iter().sum::<f64>() - expected.sum).abs() / expected.l2;
        assert!(
            share <= sum,
            "{}: sum off by {share:e} of the norm",
            parameter.name
        );
        for (found, expected_value) in values.iter().zip(&expected.first) {
            let off = (found - expected_value).abs() / expected.l2;
            assert!(
                off <= sum,
                "{}: first values off by {off:e} of the norm",
                parameter.name
            );
        }
    }
}

fn follow(dtype: DType, steps: u64, tolerance: &Tolerance) -> Trainer {
    let golden = golden();
    let images = gan_data::open(
        &root().join("data/mnist"),
        &ReadOptions::default(),
        Parts::Training,
    );
    let images = images.unwrap().training;
    let mut trainer = trainer(dtype);
    for s in 0..steps {
        let report = trainer.step(&batch(&images, s as usize, dtype)).unwrap();
        let (g, d) = (tolerance.loss)(s, &golden.float32_deviation);
        let i = s as usize;
        for (name, found, expected, allowed) in [
            ("G loss", report.generator_loss, golden.float64.g_loss[i], g),
            (
                "D loss",
                report.discriminator_loss,
                golden.float64.d_loss[i],
                d,
            ),
            ("D(x)", report.d_real, golden.float64.d_real[i], d),
            ("D(G(z))", report.d_fake, golden.float64.d_fake[i], d),
        ] {
            let off = (found - expected).abs();
            assert!(
                off <= allowed,
                "step {s}: {name} is {found}, PyTorch's {expected}: off by {off:e}"
            );
        }
        if let Some(after) = golden.float64.after.get(&(s + 1)) {
            let (l2, sum) = ((tolerance.l2)(s + 1), (tolerance.sum)(s + 1));
            check_network(trainer.generator().parameters(), &after.generator, l2, sum);
            check_network(
                trainer.discriminator().parameters(),
                &after.discriminator,
                l2,
                sum,
            );
        }
    }
    trainer
}

#[test]
fn the_formulas_are_those_of_the_reference() {
    let probe = golden().probe;
    let us: Vec<f64> = (0..4).map(|i| u(0, i)).collect();
    assert_eq!(us, probe["u(0,0..4)"]);
    let row = z(0, 1).flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let expected: Vec<f32> = probe["z(0)[0,0..4]"].iter().map(|v| *v as f32).collect();
    assert_eq!(row[..4], expected);
}

#[test]
fn two_hundred_steps_in_f64_are_pytorchs() {
    let trainer = follow(
        DType::F64,
        200,
        &Tolerance {
            loss: |s, _| if s < 50 { (1e-9, 1e-9) } else { (1e-7, 1e-7) },
            l2: |done| if done <= 50 { 1e-8 } else { 1e-7 },
            sum: |done| if done <= 50 { 1e-8 } else { 1e-6 },
        },
    );
    let z = z(9999, 4).to_dtype(DType::F64).unwrap();
    let images = trainer.generator().forward(&z, None, Mode::Eval).unwrap();
    let images = images.flatten_from(1).unwrap();
    let values: Vec<f64> = images.flatten_all().unwrap().to_vec1().unwrap();
    let expected = golden().float64.eval_mode_images_after_200;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    assert!((mean - expected.mean).abs() < 1e-6, "{mean}");
    assert!((norm / expected.l2 - 1.0).abs() < 1e-6, "{norm}");
    for (row, expected) in images
        .to_vec2::<f64>()
        .unwrap()
        .iter()
        .zip(&expected.pixels_390_to_400)
    {
        for (found, expected) in row[390..400].iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} against {expected}"
            );
        }
    }
}

#[test]
fn fifty_steps_in_f32_stay_as_close_as_pytorchs_own() {
    follow(
        DType::F32,
        50,
        &Tolerance {
            loss: |s, deviation| match s {
                0..10 => (2e-6, 2e-6),
                _ => (3.0 * deviation.g_loss[&50], 3.0 * deviation.d_loss[&50]),
            },
            l2: |done| match done {
                1 => 5e-6,
                10 => 2e-4,
                // After chaos has set in, only the losses are held against the reference.
                _ => f64::INFINITY,
            },
            sum: |done| match done {
                1 => 3e-4,
                10 => 1e-2,
                _ => f64::INFINITY,
            },
        },
    );
}
