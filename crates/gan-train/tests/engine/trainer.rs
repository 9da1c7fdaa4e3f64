//! The engine: order of updates, determinism, checkpoints, divergence.

use crate::perceptrons::{SHAPE, batch, discriminator_weights, restore, train, trainer, values};
use candle_core::{DType, Device, Tensor};
use gan_core::{Discriminator, Generator, ImageShape, Mode, NormalPrior, ParameterStore, Seed};
use gan_models::ModelConfig;
use gan_train::{TrainConfig, Trainer, UpdateOrder};

fn networks(trainer: &Trainer) -> [Vec<Vec<f32>>; 2] {
    [
        values(trainer.generator().parameters()),
        values(trainer.discriminator().parameters()),
    ]
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let run = |seed| {
        let config = TrainConfig {
            seed: Seed(seed),
            ..TrainConfig::default()
        };
        let mut trainer = trainer(&config);
        train(&mut trainer, 0..5);
        networks(&trainer)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn the_order_of_updates_changes_what_the_generator_sees_but_not_the_discriminator() {
    let after_one_step = |update_order| {
        let config = TrainConfig {
            update_order,
            ..TrainConfig::default()
        };
        let mut trainer = trainer(&config);
        train(&mut trainer, 0..1);
        networks(&trainer)
    };
    let [generator, discriminator] = after_one_step(UpdateOrder::GeneratorFirst);
    let [other_generator, same_discriminator] = after_one_step(UpdateOrder::DiscriminatorFirst);
    // Both orders show the discriminator the images made at the step's beginning.
    assert_eq!(discriminator, same_discriminator);
    assert_ne!(generator, other_generator);
}

#[test]
fn a_step_moves_both_players_and_counts() {
    let mut trainer = trainer(&TrainConfig::default());
    let before = networks(&trainer);
    let first = trainer.step(&batch(0)).unwrap();
    let second = trainer.step(&batch(1)).unwrap();
    let after = networks(&trainer);
    assert!(before[0] != after[0] && before[1] != after[1]);
    assert_eq!((first.step, second.step), (0, 1));
    assert_eq!((first.images_seen, second.images_seen), (8, 16));
    assert_eq!(trainer.state().step, 2);
    // The non-saturating discriminator loss is half of −V by definition.
    assert!((second.discriminator_loss + second.value / 2.0).abs() < 1e-6);
    assert_eq!(trainer.fake().unwrap().dims(), [8, 1, 4, 4]);
}

#[test]
fn a_restored_checkpoint_continues_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (half, whole) = (folder.path().join("half"), folder.path().join("whole"));
    let config = TrainConfig::default();
    let note = || serde_json::json!({"note": "kept"});

    let mut uninterrupted = trainer(&config);
    train(&mut uninterrupted, 0..4);
    gan_train::save(&uninterrupted, note(), &half).unwrap();
    train(&mut uninterrupted, 4..9);
    gan_train::save(&uninterrupted, note(), &whole).unwrap();

    let mut resumed = trainer(&config);
    restore(&mut resumed, &half).unwrap();
    assert_eq!(resumed.state().step, 4);
    train(&mut resumed, 4..9);
    let again = folder.path().join("again");
    gan_train::save(&resumed, note(), &again).unwrap();
    assert_eq!(std::fs::read(whole).unwrap(), std::fs::read(again).unwrap());
}

#[test]
fn checkpoints_of_another_seed_kind_or_format_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    gan_train::save(
        &trainer(&TrainConfig::default()),
        serde_json::Value::Null,
        &path,
    )
    .unwrap();
    let other_seed = TrainConfig {
        seed: Seed(5),
        ..TrainConfig::default()
    };
    let error = restore(&mut trainer(&other_seed), &path).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("seed 0") && text.contains("seed 5"), "{text}");

    let mut weights = gan_core::Weights::read(&path).unwrap();
    for (metadata, part) in [
        ("{}".to_string(), "without a checkpoint's header"),
        (
            r#"{"checkpoint_format_version": 99}"#.to_string(),
            "format version 99",
        ),
        (
            r#"{"checkpoint_format_version": 2}"#.to_string(),
            "damaged header",
        ),
    ] {
        weights.metadata = metadata;
        weights.write_with_checksum(&path).unwrap();
        let error = restore(&mut trainer(&TrainConfig::default()), &path).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// One more step would overflow.
#[test]
fn checkpoints_that_count_beyond_any_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let trained = trainer(&TrainConfig::default());
    gan_train::save(&trained, serde_json::Value::Null, &path).unwrap();
    let good = gan_core::Weights::read(&path).unwrap();
    for key in [
        "generator_optimizer_steps",
        "discriminator_optimizer_steps",
        "step",
        "images_seen",
    ] {
        let mut weights = good.clone();
        let mut header: serde_json::Value = serde_json::from_str(&good.metadata).unwrap();
        let place = match header["state"].get(key) {
            Some(_) => &mut header["state"][key],
            None => &mut header[key],
        };
        *place = u64::MAX.into();
        weights.metadata = header.to_string();
        weights.write_with_checksum(&path).unwrap();
        let error = restore(&mut trainer(&TrainConfig::default()), &path).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(&format!("{key} is {}", u64::MAX)), "{error}");
    }
}

#[test]
fn clipped_weights_stay_within_their_bound() {
    let mut clipped = trainer(&TrainConfig {
        loss: gan_train::LossKind::Wasserstein,
        weight_clip: Some(0.01),
        ..TrainConfig::default()
    });
    train(&mut clipped, 0..1);
    let on_the_bound = |weights: &[f32]| weights.iter().filter(|w| w.abs() == 0.01).count();
    let weights = discriminator_weights(&clipped);
    // The widest layer begins uniform within 1/√512 = 0.044, three quarters of it beyond the bound.
    assert!(on_the_bound(&weights) > weights.len() / 2);
    train(&mut clipped, 1..3);
    let weights = discriminator_weights(&clipped);
    assert!(weights.iter().all(|w| w.abs() <= 0.01));
}

#[test]
fn instance_noise_is_the_seeds_and_shown_to_the_discriminator_alone() {
    let after = |instance_noise: f64| {
        let mut trainer = trainer(&TrainConfig {
            instance_noise,
            ..TrainConfig::default()
        });
        train(&mut trainer, 0..2);
        trainer.step(&batch(2)).unwrap();
        let fake = trainer
            .fake()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        (discriminator_weights(&trainer), fake)
    };
    let (with, again, without) = (after(0.5), after(0.5), after(0.0));
    assert_eq!(with, again);
    assert_ne!(with.0, without.0);
    assert!(with.1.iter().all(|pixel| pixel.abs() <= 1.0));
}

/// 8 images a step and a half-life of 8: each step halves what was there.
#[test]
fn the_averaged_generator_follows_with_its_half_life_and_leaves_training_alone() {
    let config = TrainConfig {
        ema_half_life_images: Some(8.0),
        ..TrainConfig::default()
    };
    let (mut averaged, mut plain) = (trainer(&config), trainer(&TrainConfig::default()));
    let mut expected = values(averaged.generator().parameters()).concat();
    for step in 0..4 {
        train(&mut averaged, step..step + 1);
        let own = values(averaged.generator().parameters()).concat();
        for (average, value) in expected.iter_mut().zip(&own) {
            *average = 0.5 * *average + 0.5 * value;
        }
        assert_eq!(handed_out(&averaged), expected);
        assert_eq!(values(averaged.generator().parameters()).concat(), own);
    }
    train(&mut plain, 0..4);
    let weights = |trainer: &Trainer| values(trainer.generator().parameters()).concat();
    assert_eq!(weights(&averaged), weights(&plain));
    assert_eq!(handed_out(&plain), weights(&plain));
    let last = averaged.into_generator().unwrap();
    assert_eq!(values(last.parameters()).concat(), expected);
}

fn handed_out(trainer: &Trainer) -> Vec<f32> {
    values(trainer.averaged_generator().unwrap().parameters()).concat()
}

#[test]
fn a_generator_that_was_handed_out_is_of_its_step() {
    for ema_half_life_images in [None, Some(8.0)] {
        let mut trainer = trainer(&TrainConfig {
            ema_half_life_images,
            ..TrainConfig::default()
        });
        train(&mut trainer, 0..2);
        let generator = trainer.averaged_generator().unwrap();
        let then = values(generator.parameters());
        train(&mut trainer, 2..4);
        assert_eq!(values(generator.parameters()), then);
        assert_ne!(handed_out(&trainer), then.concat());
    }
}

#[test]
fn a_checkpoint_keeps_the_average_and_a_run_without_one_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let (half, whole) = (folder.path().join("half"), folder.path().join("whole"));
    let config = TrainConfig {
        ema_half_life_images: Some(100.0),
        ..TrainConfig::default()
    };
    let mut uninterrupted = trainer(&config);
    train(&mut uninterrupted, 0..2);
    gan_train::save(&uninterrupted, serde_json::Value::Null, &half).unwrap();
    train(&mut uninterrupted, 2..4);
    gan_train::save(&uninterrupted, serde_json::Value::Null, &whole).unwrap();

    let mut resumed = trainer(&config);
    restore(&mut resumed, &half).unwrap();
    train(&mut resumed, 2..4);
    let again = folder.path().join("again");
    gan_train::save(&resumed, serde_json::Value::Null, &again).unwrap();
    assert_eq!(std::fs::read(whole).unwrap(), std::fs::read(again).unwrap());

    let mut plain = trainer(&TrainConfig::default());
    let error = restore(&mut plain, &half).unwrap_err().to_string();
    assert!(
        error.contains("averaged_generator.") && error.contains("half"),
        "{error}"
    );
    gan_train::save(&plain, serde_json::Value::Null, &half).unwrap();
    let error = restore(&mut trainer(&config), &half)
        .unwrap_err()
        .to_string();
    assert!(error.contains("with an averaged generator"), "{error}");
}

/// Adam's first step moves a weight by lr · sign(gradient), but for its eps: a tenth of the rate is a
/// tenth of the way, for the discriminator alone.
#[test]
fn the_discriminators_learning_rate_is_its_own() {
    let start = networks(&trainer(&TrainConfig::default()));
    let moved = |discriminator_lr| {
        let mut trainer = trainer(&TrainConfig {
            discriminator_lr,
            ..TrainConfig::default()
        });
        train(&mut trainer, 0..1);
        let longest = |before: &[Vec<f32>], after: &[Vec<f32>]| {
            let pairs = before.iter().flatten().zip(after.iter().flatten());
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let after = networks(&trainer);
        (after[0].clone(), longest(&start[1], &after[1]))
    };
    let ((generator, way), (same, tenth)) = (moved(None), moved(Some(2e-5)));
    assert_eq!(generator, same);
    assert!((way / 2e-4 - 1.0).abs() < 1e-2, "{way}");
    assert!((tenth / 2e-5 - 1.0).abs() < 1e-2, "{tenth}");
}

#[test]
fn a_prior_of_another_width_is_refused() {
    let config = TrainConfig::default();
    let model = ModelConfig::default();
    let generator = model
        .generator(SHAPE, Seed(0), DType::F32, &Device::Cpu)
        .unwrap();
    let discriminator = model
        .discriminator(SHAPE, Seed(0), DType::F32, &Device::Cpu)
        .unwrap();
    let prior = Box::new(NormalPrior::standard(7));
    let error = Trainer::new(
        generator,
        discriminator,
        prior,
        config.adversarial_loss(),
        &config,
        1000,
    );
    let error = error.err().unwrap().to_string();
    assert!(
        error.contains("7 components") && error.contains("100"),
        "{error}"
    );
}

/// A network that is written for candle's graph alone.
struct OnGraph<N: ?Sized>(Box<N>);

impl Generator for OnGraph<dyn Generator> {
    fn forward(
        &self,
        z: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> candle_core::Result<Tensor> {
        self.0.forward(z, labels, mode)
    }

    fn latent_dim(&self) -> usize {
        self.0.latent_dim()
    }

    fn image_shape(&self) -> ImageShape {
        self.0.image_shape()
    }

    fn parameters(&self) -> &ParameterStore {
        self.0.parameters()
    }

    fn copy(&self) -> candle_core::Result<Box<dyn Generator>> {
        Ok(Box::new(Self(self.0.copy()?)))
    }
}

impl Discriminator for OnGraph<dyn Discriminator> {
    fn forward(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> candle_core::Result<Tensor> {
        self.0.forward(images, labels, mode)
    }

    fn parameters(&self) -> &ParameterStore {
        self.0.parameters()
    }
}

#[test]
fn networks_on_candles_graph_train_through_the_same_step_to_the_same_weights() {
    let cpu = Device::Cpu;
    for update_order in [UpdateOrder::GeneratorFirst, UpdateOrder::DiscriminatorFirst] {
        let config = TrainConfig {
            update_order,
            ..TrainConfig::default()
        };
        let weights = [false, true].map(|on_graph| {
            let model = ModelConfig::default();
            let generator = model.generator(SHAPE, Seed(0), DType::F64, &cpu).unwrap();
            let discriminator = model
                .discriminator(SHAPE, Seed(0), DType::F64, &cpu)
                .unwrap();
            let (generator, discriminator): (Box<dyn Generator>, Box<dyn Discriminator>) =
                if on_graph {
                    (
                        Box::new(OnGraph(generator)),
                        Box::new(OnGraph(discriminator)),
                    )
                } else {
                    (generator, discriminator)
                };
            let prior = Box::new(NormalPrior::standard(100));
            let loss = config.adversarial_loss();
            let mut trainer =
                Trainer::new(generator, discriminator, prior, loss, &config, 1000).unwrap();
            train(&mut trainer, 0..3);
            let numbers = |parameters: &ParameterStore| {
                let all = parameters.all().into_iter();
                let flat = all.map(|p| p.var.flatten_all().unwrap().to_vec1::<f64>().unwrap());
                flat.flatten().collect::<Vec<f64>>()
            };
            [
                numbers(trainer.generator().parameters()),
                numbers(trainer.discriminator().parameters()),
            ]
        });
        let [explicit, on_graph] = weights;
        for (explicit, on_graph) in explicit.iter().flatten().zip(on_graph.iter().flatten()) {
            assert!((explicit - on_graph).abs() < 1e-9, "{explicit} {on_graph}");
        }
    }
}
