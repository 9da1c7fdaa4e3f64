//! Two threads sample while a third trains, in one pool or in several: all of them finish, and each gets
//! the bytes that it gets alone.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, ImageBatch, ImageShape, Mode, ParameterStore, Purpose, Seed};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_ops::Pool;
use gan_sample::Sampler;
use gan_train::{TrainConfig, Trainer};
use rand::Rng;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 20,
    width: 20,
};
const LATENT_DIM: usize = 16;
/// Enough that most layers, and Adam's steps, are shared out among threads.
const BATCH: usize = 64;
const STEPS: u64 = 8;
/// A block of images and a part of the next.
const IMAGES: u64 = 300;

/// A hundred times as long as all of it takes: what lasts longer waits for itself.
const PATIENCE: Duration = Duration::from_secs(600);

fn batch(step: u64) -> ImageBatch {
    let mut rng = Seed(99).rng(Purpose::Shuffle, step);
    let pixel = |_| 2.0 * rng.random::<f32>() - 1.0;
    let values: Vec<f32> = (0..BATCH * SHAPE.elements()).map(pixel).collect();
    let images = Tensor::from_vec(values, (BATCH, 1, SHAPE.height, SHAPE.width), &Device::Cpu);
    ImageBatch {
        images: images.unwrap(),
        labels: None,
    }
}

fn trainer(model: &ModelConfig) -> Trainer {
    let config = TrainConfig {
        ema_half_life_images: Some(200.0),
        ..TrainConfig::default()
    };
    let (seed, cpu) = (config.seed, Device::Cpu);
    Trainer::new(
        model.generator(SHAPE, seed, DType::F32, &cpu).unwrap(),
        model.discriminator(SHAPE, seed, DType::F32, &cpu).unwrap(),
        model.sampling_prior(),
        config.adversarial_loss(),
        &config,
        STEPS,
    )
    .unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn weights(parameters: &ParameterStore) -> Vec<u32> {
    let all = parameters.all();
    all.iter().flat_map(|p| bits(&p.var)).collect()
}

fn draw(generator: &dyn Generator, model: &ModelConfig, mode: Mode) -> Vec<u32> {
    let sampler = Sampler::new(generator, model.sampling_prior(), Seed(7), mode).unwrap();
    bits(&sampler.images(0..IMAGES).unwrap())
}

/// A pool, or rayon's own.
type Place = Option<Arc<Pool>>;

fn within<R: Send>(place: &Place, work: impl FnOnce() -> R + Send) -> R {
    match place {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// Trains, calls `hand_out` with the averaged generator before every step and at the end, and returns all
/// weights.
fn train(
    model: &ModelConfig,
    place: &Place,
    mut hand_out: impl FnMut(usize, Arc<dyn Generator>),
) -> Vec<u32> {
    let mut trainer = trainer(model);
    for step in 0..STEPS {
        // A trainer may move to another thread, but is not shared.
        let moved = &mut trainer;
        let generator = within(place, move || moved.averaged_generator().unwrap());
        hand_out(step as usize, Arc::from(generator));
        within(place, || trainer.step(&batch(step)).unwrap());
    }
    let average = trainer.averaged_generator().unwrap();
    let mut all = weights(average.parameters());
    all.extend(weights(trainer.discriminator().parameters()));
    hand_out(STEPS as usize, Arc::from(average));
    all.extend(weights(trainer.into_generator().unwrap().parameters()));
    all
}

const MODES: [Mode; 2] = [Mode::Eval, Mode::Train];

/// What training and sampling give when nothing else runs.
struct Alone {
    weights: Vec<u32>,
    /// By mode, then by generator handed out.
    images: [Vec<Vec<u32>>; 2],
}

impl Alone {
    fn new(model: &ModelConfig) -> Self {
        let mut images = [Vec::new(), Vec::new()];
        let weights = train(model, &None, |_, generator| {
            for (images, mode) in images.iter_mut().zip(MODES) {
                images.push(draw(generator.as_ref(), model, mode));
            }
        });
        Self { weights, images }
    }
}

/// Trains in the first place, and samples in the others from the newest generator until training has ended.
fn check_together(model: &ModelConfig, alone: &Alone, places: &[Place; 3]) {
    let newest = Mutex::new(None);
    let (begin, ended) = (Barrier::new(1 + MODES.len()), AtomicBool::new(false));
    let sample = |place: &Place, mode: Mode, expected: &[Vec<u32>]| {
        begin.wait();
        loop {
            let last = ended.load(Ordering::Acquire);
            let (number, generator): (usize, Arc<dyn Generator>) =
                newest.lock().unwrap().clone().unwrap();
            let found = within(place, || draw(generator.as_ref(), model, mode));
            assert!(found == expected[number], "generator {number}, {mode:?}");
            if last {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let training = scope.spawn(|| {
            let mut waits = true;
            train(model, &places[0], |number, generator| {
                *newest.lock().unwrap() = Some((number, generator));
                if std::mem::take(&mut waits) {
                    begin.wait();
                }
            })
        });
        let samplers = MODES.into_iter().zip(&places[1..]).zip(&alone.images);
        for ((mode, place), expected) in samplers {
            let sample = &sample;
            scope.spawn(move || sample(place, mode, expected));
        }
        let weights = training.join();
        ended.store(true, Ordering::Release);
        assert!(weights.unwrap() == alone.weights, "the weights differ");
    });
}

/// Fails, rather than hang, if `work` does not end.
fn must_end(what: &str, work: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let worker = std::thread::spawn(move || {
        work();
        drop(done);
    });
    match ended.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("{what}: not done after {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) | Ok(()) => {
            if let Err(panic) = worker.join() {
                resume_unwind(panic);
            }
        }
    }
}

fn pool(threads: usize) -> Place {
    Some(Arc::new(Pool::new(Some(threads)).unwrap()))
}

#[track_caller]
fn assert_sampling_beside_training_changes_nothing(model: &ModelConfig) {
    let mut places = vec![("no pool".to_string(), [None, None, None])];
    for threads in [1, 2, 3] {
        let shared = pool(threads);
        let own = [pool(threads), pool(threads), pool(threads)];
        let shared = [shared.clone(), shared.clone(), shared];
        places.push((format!("one pool of {threads}"), shared));
        places.push((format!("pools of {threads} each"), own));
    }
    let alone = Arc::new(Alone::new(model));
    for (what, places) in places {
        let (model, alone) = (model.clone(), Arc::clone(&alone));
        must_end(&what, move || check_together(&model, &alone, &places));
    }
}

#[test]
fn perceptrons_train_and_sample_beside_each_other() {
    assert_sampling_beside_training_changes_nothing(&ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![64, 128],
            discriminator_widths: vec![128, 64],
        },
        latent_dim: LATENT_DIM,
        ..ModelConfig::default()
    });
}

#[test]
fn convolutions_train_and_sample_beside_each_other() {
    assert_sampling_beside_training_changes_nothing(&ModelConfig {
        architecture: Architecture::Dcgan {
            width: 16,
            discriminator_norm: DiscriminatorNorm::Spectral,
        },
        latent_dim: LATENT_DIM,
        ..ModelConfig::default()
    });
}

#[test]
fn residual_networks_train_and_sample_beside_each_other() {
    assert_sampling_beside_training_changes_nothing(&ModelConfig {
        architecture: Architecture::Residual { width: 16 },
        latent_dim: LATENT_DIM,
        ..ModelConfig::default()
    });
}

#[test]
fn candles_own_products_train_and_sample_beside_each_other() {
    assert_sampling_beside_training_changes_nothing(&ModelConfig {
        architecture: Architecture::Maxout,
        latent_dim: LATENT_DIM,
        ..ModelConfig::default()
    });
}
