//! Interrupted runs of every kind of network, and with every option that has a memory or a clock.

use crate::support::{batch, restore, save, square, trainer};
use candle_core::DType;
use gan_models::{
    Architecture, DiscriminatorNorm, DiscriminatorPixels, ModelConfig, Output, Prior,
};
use gan_train::{
    Augmentation, Checkpoint, CheckpointHeader, ENGINE, LrSchedule, OptimizerKind, TrainConfig,
    Trainer,
};

/// Steps before the interruption, and of the whole run.
const HALF: u64 = 3;
const STEPS: u64 = 6;

fn models() -> Vec<ModelConfig> {
    let dcgan = |discriminator_norm| Architecture::Dcgan {
        width: 2,
        discriminator_norm,
    };
    let all = [
        Architecture::Mlp {
            generator_widths: vec![7, 6],
            discriminator_widths: vec![6, 5],
        },
        dcgan(DiscriminatorNorm::None),
        dcgan(DiscriminatorNorm::Batch),
        dcgan(DiscriminatorNorm::Spectral),
        Architecture::Residual { width: 2 },
        Architecture::Maxout,
    ];
    let model = |architecture| ModelConfig {
        architecture,
        latent_dim: 6,
        classes: Some(3.into()),
        ..ModelConfig::default()
    };
    let start = ModelConfig {
        prior: Prior::Uniform,
        output: Output::Logistic,
        generator_range: Some(0.05),
        discriminator_range: Some(0.5),
        discriminator_pixels: DiscriminatorPixels::Unit,
        ..model(Architecture::Maxout)
    };
    all.into_iter().map(model).chain([start]).collect()
}

fn configs() -> Vec<TrainConfig> {
    let plain = TrainConfig::default;
    vec![
        plain(),
        TrainConfig {
            lr_schedule: LrSchedule::Cosine,
            ..plain()
        },
        TrainConfig {
            discriminator_steps: 2,
            ..plain()
        },
        TrainConfig {
            augmentations: vec![
                Augmentation::Brightness,
                Augmentation::Translation,
                Augmentation::Cutout,
            ],
            instance_noise: 0.1,
            ..plain()
        },
        TrainConfig {
            ema_half_life_images: Some(20.0),
            gradient_clip: Some(0.1),
            ..plain()
        },
        TrainConfig {
            optimizer: OptimizerKind::Momentum,
            final_momentum: Some(0.9),
            momentum_steps: Some(4),
            lr_schedule: LrSchedule::Exponential,
            lr_decay: Some(0.5),
            ..plain()
        },
    ]
}

/// Trains both without a break and with one, and compares what they leave byte by byte.
fn check(model: &ModelConfig, config: &TrainConfig) {
    let shape = square(1, 16);
    let new = || trainer(model, config, shape, DType::F32, STEPS).unwrap();
    let train = |trainer: &mut Trainer, steps: std::ops::Range<u64>| {
        for step in steps {
            trainer.step(&batch(shape, 6, step)).unwrap();
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let [half, whole, again] = ["half", "whole", "again"].map(|name| folder.path().join(name));

    let mut uninterrupted = new();
    train(&mut uninterrupted, 0..HALF);
    save(&uninterrupted, &half);
    train(&mut uninterrupted, HALF..STEPS);
    save(&uninterrupted, &whole);

    let mut resumed = new();
    restore(&mut resumed, &half);
    train(&mut resumed, HALF..STEPS);
    save(&resumed, &again);
    let bytes = |path| std::fs::read(path).unwrap();
    assert!(bytes(&half) != bytes(&whole), "{model:?} {config:?}");
    assert!(bytes(&again) == bytes(&whole), "{model:?} {config:?}");
}

#[test]
fn every_kind_of_network_continues_to_the_same_bytes() {
    for model in models() {
        check(&model, &TrainConfig::default());
    }
}

#[test]
fn every_option_continues_to_the_same_bytes() {
    let model = &models()[1];
    for config in configs() {
        check(model, &config);
    }
    let penalized = TrainConfig {
        r1: 0.5,
        gradient_penalty: 1.0,
        penalty_interval: 2,
        ..TrainConfig::default()
    };
    check(model, &penalized);
}

/// Tensors of the same names and shapes are not enough.
#[test]
fn a_checkpoint_of_networks_that_computed_something_else_is_refused() {
    let shape = square(1, 16);
    let config = TrainConfig::default();
    let new = || trainer(&models()[0], &config, shape, DType::F32, STEPS).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    save(&new(), &path);
    let refusal = |change: &dyn Fn(&mut CheckpointHeader)| {
        let mut checkpoint = Checkpoint::read(&path).unwrap();
        change(&mut checkpoint.header);
        checkpoint.restore(&mut new()).unwrap_err().to_string()
    };
    let steeper = refusal(&|header| {
        let mut graph = serde_json::to_value(&header.generator).unwrap();
        let slopes = graph.pointer_mut("/nodes/3/op/slope").unwrap();
        *slopes = serde_json::json!(0.3);
        header.generator = serde_json::from_value(graph).unwrap();
    });
    assert!(
        steeper.contains("a generator that computes a graph"),
        "{steeper}"
    );
    let later = refusal(&|header| header.engine = ENGINE + 1);
    assert!(later.contains("a later version wrote it"), "{later}");
}
