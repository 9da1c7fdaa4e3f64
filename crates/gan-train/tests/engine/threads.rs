//! A run's numbers are the same for every number of threads.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageBatch, ImageShape, ParameterStore, Purpose, Seed};
use gan_models::{Architecture, ClassCount, DiscriminatorNorm, ModelConfig};
use gan_train::{LossKind, TrainConfig, Trainer};
use rand::Rng;

/// Sides without small divisors.
const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 17,
    width: 17,
};

/// A length of training.
#[derive(Clone, Copy)]
struct Run {
    /// Images of a batch.
    batch: usize,
    steps: u64,
    /// Compared with one thread.
    threads: &'static [usize],
}

/// A prime number of images, enough that narrow layers are shared out too.
const LONG: Run = Run {
    batch: 131,
    steps: 9,
    threads: &[2, 3, 4, 7],
};

const fn short(batch: usize) -> Run {
    Run {
        batch,
        steps: 3,
        threads: &[2, 3],
    }
}

/// Lines of examples that are full, have one more, or lack some.
const SIZES: [usize; 4] = [5, 16, 17, 100];

fn batch(index: u64, images: usize) -> ImageBatch {
    let mut rng = Seed(99).rng(Purpose::Shuffle, index);
    let pixel = |_| 2.0 * rng.random::<f32>() - 1.0;
    let values: Vec<f32> = (0..images * SHAPE.elements()).map(pixel).collect();
    let labels: Vec<u32> = (0..images as u32).map(|image| image % 16).collect();
    ImageBatch {
        images: Tensor::from_vec(values, (images, 1, 17, 17), &Device::Cpu).unwrap(),
        labels: Some(Tensor::new(labels, &Device::Cpu).unwrap()),
    }
}

fn bits(parameters: &ParameterStore) -> Vec<u32> {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let all = parameters.all();
    all.iter()
        .flat_map(|parameter| flat(&parameter.var))
        .map(f32::to_bits)
        .collect()
}

/// All numbers of both networks and of the averaged generator after a short run.
fn trained(model: &ModelConfig, train: &TrainConfig, run: Run) -> Vec<u32> {
    let (seed, cpu) = (train.seed, Device::Cpu);
    let mut trainer = Trainer::new(
        model.generator(SHAPE, seed, DType::F32, &cpu).unwrap(),
        model.discriminator(SHAPE, seed, DType::F32, &cpu).unwrap(),
        model.sampling_prior(),
        train.adversarial_loss(),
        train,
        run.steps,
    )
    .unwrap();
    for step in 0..run.steps {
        trainer.step(&batch(step, run.batch)).unwrap();
    }
    let averages = trainer.averaged_generator().unwrap();
    [
        bits(trainer.generator().parameters()),
        bits(trainer.discriminator().parameters()),
        bits(averages.parameters()),
    ]
    .concat()
}

#[track_caller]
fn assert_same_on_all_threads(model: &ModelConfig, train: &TrainConfig, run: Run) {
    let on = |threads: usize| {
        let pool = gan_ops::Pool::new(Some(threads)).unwrap();
        pool.install(|| trained(model, train, run))
    };
    let expected = on(1);
    for threads in run.threads {
        let found = on(*threads);
        let pairs = found.iter().zip(&expected);
        let differing = pairs.filter(|(found, expected)| found != expected).count();
        assert_eq!(differing, 0, "{threads} threads, {model:?}, {}", run.batch);
    }
}

/// Widths that leave a single row behind multiples of 16.
fn perceptron(classes: Option<usize>) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![33, 97, 17],
            discriminator_widths: vec![97, 17],
        },
        latent_dim: 7,
        classes: classes.map(ClassCount::Known),
        ..ModelConfig::default()
    }
}

fn narrow(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        architecture,
        latent_dim: 7,
        ..ModelConfig::default()
    }
}

fn conditional(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        classes: Some(ClassCount::Known(16)),
        ..narrow(architecture)
    }
}

fn averaged() -> TrainConfig {
    TrainConfig {
        ema_half_life_images: Some(500.0),
        ..TrainConfig::default()
    }
}

fn penalized() -> TrainConfig {
    TrainConfig {
        loss: LossKind::RelativisticPairing,
        r1: 0.5,
        r2: 0.5,
        gradient_penalty: 1.0,
        gradient_clip: Some(1.0),
        ..averaged()
    }
}

/// Long, and with batches of all sizes; of one image too, where no perceptron is normalized.
fn assert_same_with_all_batches(model: &ModelConfig, train: &TrainConfig, single: bool) {
    let sizes = SIZES.into_iter().chain(single.then_some(1));
    let runs = sizes.map(short).chain([LONG]);
    runs.for_each(|run| assert_same_on_all_threads(model, train, run));
}

fn dcgan(discriminator_norm: DiscriminatorNorm) -> Architecture {
    Architecture::Dcgan {
        width: 5,
        discriminator_norm,
    }
}

#[test]
fn perceptrons_of_odd_widths_do_not_depend_on_threads() {
    assert_same_with_all_batches(&perceptron(None), &averaged(), false);
    assert_same_with_all_batches(&perceptron(Some(16)), &penalized(), false);
}

#[test]
fn strided_convolutions_do_not_depend_on_threads() {
    for norm in [
        DiscriminatorNorm::None,
        DiscriminatorNorm::Batch,
        DiscriminatorNorm::Spectral,
    ] {
        assert_same_with_all_batches(&narrow(dcgan(norm)), &averaged(), true);
    }
    for norm in [DiscriminatorNorm::None, DiscriminatorNorm::Spectral] {
        assert_same_on_all_threads(&conditional(dcgan(norm)), &penalized(), short(17));
    }
}

#[test]
fn residual_networks_with_penalties_do_not_depend_on_threads() {
    let residual = Architecture::Residual { width: 5 };
    assert_same_with_all_batches(&narrow(residual.clone()), &penalized(), true);
    assert_same_on_all_threads(&conditional(residual), &averaged(), short(17));
}

#[test]
fn maxout_with_dropout_does_not_depend_on_threads() {
    let maxout = narrow(Architecture::Maxout);
    assert_same_with_all_batches(&maxout, &averaged(), true);
    assert_same_on_all_threads(&maxout, &penalized(), short(17));
    let conditional = conditional(Architecture::Maxout);
    assert_same_on_all_threads(&conditional, &averaged(), short(17));
}
