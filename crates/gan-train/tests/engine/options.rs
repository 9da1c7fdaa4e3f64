//! What the trainer's options change, and what they do not.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageBatch, ImageShape, ParameterStore, Purpose, Seed};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_train::{Augmentation, LossKind, LrSchedule, OptimizerKind, TrainConfig, Trainer};
use rand::Rng;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 8,
    width: 8,
};

/// The steps that the schedules are for.
const STEPS: u64 = 4;

fn config() -> TrainConfig {
    TrainConfig {
        lr: 0.01,
        loss: LossKind::RelativisticPairing,
        ..TrainConfig::default()
    }
}

fn trainer(config: &TrainConfig) -> Trainer {
    let model = ModelConfig {
        architecture: Architecture::Dcgan {
            width: 4,
            discriminator_norm: DiscriminatorNorm::None,
        },
        latent_dim: 5,
        classes: Some(3.into()),
        ..ModelConfig::default()
    };
    let cpu = Device::Cpu;
    Trainer::new(
        model
            .generator(SHAPE, config.seed, DType::F32, &cpu)
            .unwrap(),
        model
            .discriminator(SHAPE, config.seed, DType::F32, &cpu)
            .unwrap(),
        model.sampling_prior(),
        config.adversarial_loss(),
        config,
        STEPS,
    )
    .unwrap()
}

/// Bright images of class 0, dark ones of class 1, noise of class 2.
fn batch(index: u64) -> ImageBatch {
    let mut rng = Seed(99).rng(Purpose::Shuffle, index);
    let labels: Vec<u32> = (0..12).map(|k| k % 3).collect();
    let pixel = |label: u32, noise: f32| match label {
        0 => 0.8 + 0.2 * noise,
        1 => -0.8 - 0.2 * noise,
        _ => 2.0 * noise - 1.0,
    };
    let values: Vec<f32> = labels
        .iter()
        .flat_map(|label| vec![*label; SHAPE.elements()])
        .map(|label| pixel(label, rng.random()))
        .collect();
    ImageBatch {
        images: Tensor::from_vec(values, (12, 1, 8, 8), &Device::Cpu).unwrap(),
        labels: Some(Tensor::new(labels, &Device::Cpu).unwrap()),
    }
}

fn values(parameters: &ParameterStore) -> Vec<f32> {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let trainable = parameters.trainable();
    trainable.iter().flat_map(|p| flat(&p.var)).collect()
}

/// Both networks' weights after `steps` steps.
fn weights(config: &TrainConfig, steps: u64) -> [Vec<f32>; 2] {
    let mut trainer = trainer(config);
    for step in 0..steps {
        trainer.step(&batch(step)).unwrap();
    }
    [
        values(trainer.generator().parameters()),
        values(trainer.discriminator().parameters()),
    ]
}

#[test]
fn the_generator_is_updated_at_every_third_step() {
    let config = TrainConfig {
        discriminator_steps: 3,
        ..config()
    };
    let after: Vec<_> = (0..=4).map(|steps| weights(&config, steps)).collect();
    assert_eq!(after[0][0], after[2][0]);
    assert_ne!(after[2][0], after[3][0]);
    assert_eq!(after[3][0], after[4][0]);
    for step in 0..4 {
        assert_ne!(after[step][1], after[step + 1][1]);
    }
}

/// Both runs have the same weights after the first step, so the second step's gradients are the same too:
/// of its two parts, lr · gradient and momentum · (the first step), the runs without the one or the other show each.
#[test]
fn the_second_step_with_momentum_follows_its_formula() {
    let descent = TrainConfig {
        optimizer: OptimizerKind::Momentum,
        momentum: Some(0.0),
        ..config()
    };
    // At step 1 the ramp is half-way between 0.25 and 0.75.
    let heavy = TrainConfig {
        momentum: Some(0.25),
        final_momentum: Some(0.75),
        momentum_steps: Some(2),
        ..descent.clone()
    };
    let decayed = TrainConfig {
        lr_schedule: LrSchedule::Exponential,
        lr_decay: Some(1.0),
        ..descent.clone()
    };
    let run = |config| [0, 1, 2].map(|steps| weights(config, steps));
    let [plain, heavy, decayed] = [&descent, &heavy, &decayed].map(run);
    for network in [0, 1] {
        let [start, first, second] = plain.each_ref().map(|networks| &networks[network]);
        assert_eq!((first, first), (&heavy[1][network], &decayed[1][network]));
        assert_ne!(start, first);
        for k in 0..start.len() {
            let [moved, next] = [first[k] - start[k], second[k] - first[k]];
            let close = |found: f32, expected: f32| {
                let error = (found - first[k] - expected).abs();
                assert!(error < 1e-6, "{network} {k}: {found} {expected}");
            };
            close(heavy[2][network][k], next + 0.5 * moved);
            close(decayed[2][network][k], 0.5 * next);
        }
    }
}

#[test]
fn a_schedule_begins_with_the_full_rate_and_is_zero_after_its_end() {
    let constant = weights(&config(), 1);
    for lr_schedule in [LrSchedule::Linear, LrSchedule::Cosine] {
        let config = TrainConfig {
            lr_schedule,
            ..config()
        };
        assert_eq!(weights(&config, 1), constant);
        assert_ne!(weights(&config, 2), weights(&self::config(), 2));
        assert_ne!(weights(&config, STEPS - 1), weights(&config, STEPS));
        assert_eq!(weights(&config, STEPS), weights(&config, STEPS + 1));
    }
}

#[test]
fn a_gradient_is_clipped_only_if_it_is_longer() {
    let clipped = |norm| {
        let config = TrainConfig {
            gradient_clip: Some(norm),
            ..config()
        };
        weights(&config, 2)
    };
    let free = weights(&config(), 2);
    assert_eq!(clipped(1e6), free);
    // Adam divides by the gradients' size but adds eps to it: below that, steps become short.
    let start = weights(&config(), 0);
    let moved = |weights: &[Vec<f32>; 2]| {
        let pairs = weights[1].iter().zip(&start[1]);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    assert!(moved(&clipped(1e-9)) < 0.2 * moved(&free));
}

#[test]
fn penalties_hold_the_gradient_down() {
    let slope = |config: &TrainConfig| {
        let mut trainer = trainer(config);
        for step in 0..30 {
            trainer.step(&batch(step)).unwrap();
        }
        let ImageBatch { images, labels } = batch(0);
        let pass = trainer
            .discriminator()
            .record(&[&images], labels.as_ref())
            .unwrap();
        let ones = pass.outputs[0].ones_like().unwrap();
        let gradient = pass.tape.input_gradient(0, &ones).unwrap();
        let squares = gradient.sqr().unwrap().mean_all().unwrap();
        squares.to_scalar::<f32>().unwrap()
    };
    let free = slope(&config());
    let penalized = [
        TrainConfig {
            r1: 10.0,
            ..config()
        },
        TrainConfig {
            r2: 10.0,
            penalty_interval: 2,
            ..config()
        },
    ];
    for config in penalized {
        assert!(slope(&config) < 0.5 * free, "{config:?}");
    }
    // Between real and generated images the norm is pulled towards 1, here from below and from above.
    let drawn = slope(&TrainConfig {
        gradient_penalty: 10.0,
        ..config()
    });
    let norm = f64::from(drawn * SHAPE.elements() as f32).sqrt();
    // Measured: 0.998.
    assert!((0.3..2.0).contains(&norm), "{norm}");
}

#[test]
fn augmented_runs_repeat_to_the_byte_and_differ_from_plain_ones() {
    let config = TrainConfig {
        augmentations: vec![
            Augmentation::Brightness,
            Augmentation::Translation,
            Augmentation::Cutout,
        ],
        r1: 0.1,
        ..config()
    };
    assert_eq!(weights(&config, 3), weights(&config, 3));
    let plain = TrainConfig {
        augmentations: Vec::new(),
        ..config.clone()
    };
    assert_ne!(weights(&config, 3), weights(&plain, 3));
}
