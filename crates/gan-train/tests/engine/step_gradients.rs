//! The gradients of both networks in a whole step, against finite differences of their objectives.

use crate::support::{batch, check_differences, numbers, save, square, trainer};
use candle_core::{DType, Device, Tensor, Var};
use gan_core::{Discriminator, ImageBatch, ImageShape, ParameterStore, Purpose, Weights};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_train::{Augmentation, LossKind, TrainConfig, Trainer};
use rand::Rng;
use std::collections::BTreeMap;

const IMAGES: usize = 6;

fn shape() -> ImageShape {
    square(2, 8)
}

fn mlp() -> Architecture {
    Architecture::Mlp {
        generator_widths: vec![7, 6],
        discriminator_widths: vec![6, 5],
    }
}

fn dcgan(discriminator_norm: DiscriminatorNorm) -> Architecture {
    Architecture::Dcgan {
        width: 2,
        discriminator_norm,
    }
}

fn model(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        architecture,
        latent_dim: 4,
        classes: Some(3.into()),
        ..ModelConfig::default()
    }
}

fn new(model: &ModelConfig, config: &TrainConfig) -> Trainer {
    trainer(model, config, shape(), DType::F64, 10).unwrap()
}

fn copies(parameters: &ParameterStore) -> BTreeMap<String, Tensor> {
    let all = parameters.all().into_iter();
    all.map(|p| (p.name, p.var.copy().unwrap())).collect()
}

/// The gradients of one network in the first step of a trainer: Adam's first moment is then
/// (1 − β₁) times the gradient.
fn first_gradients(
    trainer: &Trainer,
    player: &str,
    config: &TrainConfig,
) -> BTreeMap<String, Tensor> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    save(trainer, &path);
    let prefix = format!("{player}_optimizer.m.");
    let tensors = Weights::read(&path).unwrap().tensors;
    let moments = tensors.into_iter().filter_map(|(name, moment)| {
        let name = name.strip_prefix(&prefix)?.to_string();
        Some((name, (moment / (1.0 - config.beta1)).unwrap()))
    });
    let gradients: BTreeMap<String, Tensor> = moments.collect();
    assert!(!gradients.is_empty());
    gradients
}

#[test]
fn the_generators_gradient_is_that_of_its_loss_through_every_augmentation() {
    const ALL: [Augmentation; 3] = [
        Augmentation::Brightness,
        Augmentation::Translation,
        Augmentation::Cutout,
    ];
    for architecture in [mlp(), dcgan(DiscriminatorNorm::None)] {
        let kind = architecture.kind();
        let model = model(architecture);
        for kinds in [&ALL[..0], &ALL[..1], &ALL[1..2], &ALL[2..], &ALL] {
            let config = TrainConfig {
                augmentations: kinds.to_vec(),
                loss: LossKind::RelativisticPairing,
                instance_noise: 0.1,
                ..TrainConfig::default()
            };
            let mut trainer = new(&model, &config);
            let start = copies(trainer.generator().parameters());
            trainer.step(&batch(shape(), IMAGES, 0)).unwrap();
            for (name, gradient) in first_gradients(&trainer, "generator", &config) {
                let label = format!("{kind} {kinds:?}: {name}");
                check_differences(&label, &start[&name], &gradient, &|moved| {
                    let mut trainer = new(&model, &config);
                    trainer.generator().parameters().set(&name, moved).unwrap();
                    let report = trainer.step(&batch(shape(), IMAGES, 0)).unwrap();
                    report.generator_loss
                });
            }
        }
    }
}

/// Real and generated images, and those interpolated between them for the first step's gradient penalty.
fn points(real: &Tensor, fake: &Tensor, config: &TrainConfig) -> [Tensor; 3] {
    let mut rng = config.seed.rng(Purpose::Interpolation, 0);
    let shares: Vec<f64> = (0..IMAGES).map(|_| rng.random()).collect();
    let shares = Tensor::from_vec(shares, (IMAGES, 1, 1, 1), &Device::Cpu).unwrap();
    let others = shares.affine(-1.0, 1.0).unwrap();
    let part = |images: &Tensor, shares: &Tensor| images.broadcast_mul(shares).unwrap();
    let between = (part(real, &shares) + part(fake, &others)).unwrap();
    [real.clone(), fake.clone(), between]
}

/// What the discriminator minimises, on candle's graph: its loss, and the penalties r1, r2 and
/// gradient_penalty times their interval.
fn objective(
    discriminator: &dyn Discriminator,
    points: &[Tensor; 3],
    labels: Option<&Tensor>,
    config: &TrainConfig,
) -> f64 {
    let passes = points.each_ref().map(|images| {
        let images = Var::from_tensor(images).unwrap();
        let logits = discriminator
            .forward(&images, labels, gan_core::Mode::Train)
            .unwrap();
        let gradients = logits.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&images).unwrap().sqr().unwrap();
        let norms = gradient.flatten_from(1).unwrap().sum(1).unwrap();
        (logits.detach(), numbers(&norms.sqrt().unwrap()))
    });
    let [(real, at_real), (fake, at_fake), (_, between)] = passes;
    let loss = config.adversarial_loss().discriminator(&real, &fake);
    let mean = |norms: &[f64], of: &dyn Fn(f64) -> f64| -> f64 {
        norms.iter().map(|norm| of(*norm)).sum::<f64>() / norms.len() as f64
    };
    let penalties = config.r1 / 2.0 * mean(&at_real, &|norm| norm.powi(2))
        + config.r2 / 2.0 * mean(&at_fake, &|norm| norm.powi(2))
        + config.gradient_penalty * mean(&between, &|norm| (norm - 1.0).powi(2));
    numbers(&loss.unwrap())[0] + config.penalty_interval as f64 * penalties
}

fn unit(vector: &Tensor) -> Tensor {
    let length = vector.sqr().unwrap().sum_all().unwrap().sqrt().unwrap();
    vector.broadcast_div(&length).unwrap()
}

/// u vᵀ of a weight at its next step of power iteration, in the weight's shape.
fn directions(weight: &Tensor, u: &Tensor) -> Tensor {
    let matrix = weight.flatten_from(1).unwrap();
    let row = |vector: &Tensor| vector.unsqueeze(0).unwrap();
    let v = unit(&row(u).matmul(&matrix).unwrap());
    let u = unit(&v.matmul(&matrix.t().unwrap()).unwrap());
    let both = u.t().unwrap().matmul(&v).unwrap();
    both.reshape(weight.shape()).unwrap()
}

/// A discriminator without spectral normalization with the same outputs as the trained one: each
/// normalized weight is given divided by ⟨weight, u vᵀ⟩, where u and v stay what they were in the
/// first step.
struct Twin {
    plain: Box<dyn Discriminator>,
    directions: BTreeMap<String, Tensor>,
}

impl Twin {
    fn new(model: &ModelConfig, config: &TrainConfig, start: &BTreeMap<String, Tensor>) -> Self {
        let mut plain = model.clone();
        if plain.architecture == dcgan(DiscriminatorNorm::Spectral) {
            plain.architecture = dcgan(DiscriminatorNorm::None);
        }
        let plain = plain.discriminator(shape(), config.seed, DType::F64, &Device::Cpu);
        let normalized = start.iter().filter_map(|(name, weight)| {
            let u = start.get(&format!("{name}_u"))?;
            Some((name.clone(), directions(weight, u)))
        });
        let twin = Self {
            plain: plain.unwrap(),
            directions: normalized.collect(),
        };
        for parameter in twin.plain.parameters().all() {
            twin.set(&parameter.name, &start[&parameter.name]);
        }
        twin
    }

    fn set(&self, name: &str, value: &Tensor) {
        let used = match self.directions.get(name) {
            Some(directions) => {
                let sigma = (value * directions).unwrap().sum_all().unwrap();
                value.broadcast_div(&sigma).unwrap()
            }
            None => value.clone(),
        };
        self.plain.parameters().set(name, &used).unwrap();
    }
}

/// The gradient of each of the discriminator's parameters against differences.
fn check_discriminator(model: &ModelConfig, config: &TrainConfig) {
    let mut trainer = new(model, config);
    let start = copies(trainer.discriminator().parameters());
    let ImageBatch { images, labels } = batch(shape(), IMAGES, 0);
    trainer.step(&batch(shape(), IMAGES, 0)).unwrap();
    let points = points(&images, trainer.fake().unwrap(), config);
    let twin = Twin::new(model, config, &start);
    assert_eq!(
        twin.directions.is_empty(),
        model.architecture != dcgan(DiscriminatorNorm::Spectral)
    );
    for (name, gradient) in first_gradients(&trainer, "discriminator", config) {
        let label = format!("{:?}: {name}", model.architecture);
        check_differences(&label, &start[&name], &gradient, &|moved| {
            twin.set(&name, moved);
            objective(twin.plain.as_ref(), &points, labels.as_ref(), config)
        });
        twin.set(&name, &start[&name]);
    }
}

fn discriminators() -> [ModelConfig; 3] {
    [
        model(mlp()),
        model(dcgan(DiscriminatorNorm::None)),
        model(dcgan(DiscriminatorNorm::Spectral)),
    ]
}

#[test]
fn the_discriminators_gradient_is_that_of_its_loss() {
    for model in discriminators() {
        for loss in [LossKind::NonSaturating, LossKind::RelativisticPairing] {
            let config = TrainConfig {
                loss,
                ..TrainConfig::default()
            };
            check_discriminator(&model, &config);
        }
    }
}

#[test]
fn the_discriminators_gradient_is_that_of_its_loss_and_all_penalties_together() {
    for model in discriminators() {
        let config = TrainConfig {
            loss: LossKind::RelativisticPairing,
            r1: 1.3,
            r2: 0.4,
            gradient_penalty: 0.7,
            penalty_interval: 3,
            ..TrainConfig::default()
        };
        check_discriminator(&model, &config);
    }
}
