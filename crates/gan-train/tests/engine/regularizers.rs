//! Gradient penalties: their formulas, their gradients for every architecture, when they count and
//! where they are refused.

use crate::support::{batch, check_differences, numbers, restore, save, square, trainer, wave};
use candle_core::{DType, Device, Tensor};
use gan_core::{Discriminator, ImageShape, ParameterStore, Seed};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_train::{OneCentered, Points, Regularizer, TrainConfig, ZeroCentered};

const CLASSES: usize = 3;

fn dcgan(discriminator_norm: DiscriminatorNorm) -> Architecture {
    Architecture::Dcgan {
        width: 2,
        discriminator_norm,
    }
}

/// Every pair of networks that penalties are offered with, and the images it is for.
fn models() -> Vec<(ModelConfig, ImageShape)> {
    let model = |architecture, classes: Option<usize>| ModelConfig {
        architecture,
        classes: classes.map(Into::into),
        ..ModelConfig::default()
    };
    let mut models = vec![
        // From 7 to 4 pixels with a kernel of 3, as on the way down from 28.
        (model(dcgan(DiscriminatorNorm::None), None), square(2, 14)),
        // The narrowest network with two groups of channels, at its smallest size.
        (
            model(Architecture::Residual { width: 8 }, None),
            square(2, 8),
        ),
    ];
    for classes in [None, Some(CLASSES)] {
        for architecture in [
            Architecture::Mlp {
                generator_widths: vec![1],
                discriminator_widths: vec![6, 5],
            },
            dcgan(DiscriminatorNorm::None),
            dcgan(DiscriminatorNorm::Spectral),
            Architecture::Residual { width: 2 },
            Architecture::Maxout,
        ] {
            models.push((model(architecture, classes), square(2, 8)));
        }
    }
    models
}

/// A discriminator whose weights are far from any that vanish at first.
fn discriminator(model: &ModelConfig, shape: ImageShape) -> Box<dyn Discriminator> {
    let network = model
        .discriminator(shape, Seed(2), DType::F64, &Device::Cpu)
        .unwrap();
    for (k, parameter) in network.parameters().trainable().iter().enumerate() {
        let shape = parameter.var.dims();
        let fan_in = shape.iter().skip(1).product::<usize>().max(1);
        let shift = (wave(shape, k as f64) / (fan_in as f64).sqrt()).unwrap();
        let value = (parameter.var.as_detached_tensor() + shift).unwrap();
        parameter.var.set(&value).unwrap();
    }
    network
}

/// Lets the next pass drop what the first one has dropped.
fn repeat_dropout(network: &dyn Discriminator) {
    let all = network.parameters().all().into_iter();
    for count in all.filter(|parameter| parameter.name.ends_with("dropout_count")) {
        count.var.set(&count.var.zeros_like().unwrap()).unwrap();
    }
}

fn regularizers() -> Vec<Box<dyn Regularizer>> {
    vec![
        Box::new(ZeroCentered {
            points: Points::Real,
            gamma: 1.3,
        }),
        Box::new(OneCentered { lambda: 0.7 }),
    ]
}

#[test]
fn penalties_are_their_formulas() {
    // Two images with gradients of norms 5 and 13.
    let gradients = Tensor::new(&[[[[3.0, 4.0]]], [[[5.0, 12.0]]]], &Device::Cpu).unwrap();
    let r1 = ZeroCentered {
        points: Points::Real,
        gamma: 2.0,
    };
    let (penalty, derivative) = r1.penalty(&gradients).unwrap();
    assert_eq!(penalty, (25.0 + 169.0) / 2.0);
    assert_eq!(numbers(&derivative), [3.0, 4.0, 5.0, 12.0]);
    let (penalty, derivative) = OneCentered { lambda: 10.0 }.penalty(&gradients).unwrap();
    assert_eq!(penalty, 10.0 * (16.0 + 144.0) / 2.0);
    // 2λ/n · (norm − 1) · gradient / norm
    let expected = [10.0 * 4.0 * 0.6, 10.0 * 4.0 * 0.8];
    for (found, expected) in numbers(&derivative).iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9);
    }
}

/// The penalty's derivative with respect to each gradient, by central differences of the penalty.
#[test]
fn derivatives_by_the_gradients_equal_finite_differences() {
    const STEP: f64 = 1e-6;
    for regularizer in regularizers() {
        let gradients = wave(&[3, 2, 2, 2], 0.3);
        let values = numbers(&gradients);
        let (_, derivative) = regularizer.penalty(&gradients).unwrap();
        for (index, expected) in numbers(&derivative).into_iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = values.clone();
                moved[index] += shift;
                let moved = Tensor::from_vec(moved, gradients.shape(), &Device::Cpu).unwrap();
                regularizer.penalty(&moved).unwrap().0
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            assert!((difference - expected).abs() < 1e-6, "{index}");
        }
    }
}

/// The penalty's gradient with respect to every parameter, by central differences of the penalty.
#[test]
fn gradients_by_the_parameters_equal_finite_differences_for_every_architecture() {
    let labels = Tensor::new(&[2u32, 0, 1], &Device::Cpu).unwrap();
    let ones = Tensor::ones(3, DType::F64, &Device::Cpu).unwrap();
    let zeros = ones.zeros_like().unwrap();
    for (model, shape) in models() {
        let images = wave(&[3, shape.channels, shape.height, shape.width], 0.9);
        let network = discriminator(&model, shape);
        assert!(network.has_second_derivatives());
        if model.architecture == dcgan(DiscriminatorNorm::Spectral) {
            // Spectral normalization's vectors settle, after which they are stationary.
            for _ in 0..400 {
                network.record(&[&images], Some(&labels)).unwrap();
            }
        }
        for regularizer in regularizers() {
            let penalty = || {
                repeat_dropout(&*network);
                let recorded = network.record(&[&images], Some(&labels)).unwrap();
                let gradients = recorded.tape.input_gradient(0, &ones).unwrap();
                let (penalty, derivative) = regularizer.penalty(&gradients).unwrap();
                (recorded, penalty, derivative)
            };
            let (recorded, _, derivative) = penalty();
            let mut found: Vec<(Tensor, Tensor)> = Vec::new();
            let mut show = |parameter: &Tensor, gradient: &Tensor| {
                found.push((parameter.clone(), gradient.copy()?));
                Ok(())
            };
            let (slopes, directions) = ([zeros.clone()], [derivative]);
            let tape = &recorded.tape;
            tape.penalized_parameter_gradients(&slopes, &directions, &mut show)
                .unwrap();
            for parameter in network.parameters().trainable() {
                let gradient = found.iter().find(|(p, _)| p.id() == parameter.var.id());
                let name = format!("{model:?}: {}", parameter.name);
                let value = parameter.var.copy().unwrap();
                check_differences(&name, &value, &gradient.unwrap().1, &|moved| {
                    parameter.var.set(moved).unwrap();
                    penalty().1
                });
                parameter.var.set(&value).unwrap();
            }
        }
    }
}

/// The penalties r1, r2 and gradient_penalty, all with the same weight.
fn penalties(strength: f64, penalty_interval: u64) -> TrainConfig {
    TrainConfig {
        r1: strength,
        r2: strength,
        gradient_penalty: strength,
        penalty_interval,
        ..TrainConfig::default()
    }
}

fn values(parameters: &ParameterStore) -> Vec<Vec<f64>> {
    parameters.all().iter().map(|p| numbers(&p.var)).collect()
}

/// Powers of two, so that a strength times the interval is exact.
#[test]
fn penalties_are_applied_only_at_multiples_of_their_interval_and_times_the_interval() {
    const INTERVAL: u64 = 4;
    const STRENGTH: f64 = 0.5;
    let (lazy, strong) = (
        penalties(STRENGTH, INTERVAL),
        penalties(STRENGTH * INTERVAL as f64, 1),
    );
    let none = TrainConfig::default();
    let model = ModelConfig {
        architecture: dcgan(DiscriminatorNorm::None),
        ..ModelConfig::default()
    };
    let shape = square(1, 8);
    let trainer = |config: &TrainConfig| trainer(&model, config, shape, DType::F32, 100).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = folder.path().join("start");
    save(&trainer(&lazy), &start);
    for step in 0..=INTERVAL {
        let after = |config: &TrainConfig, next: Option<&str>| {
            let mut trainer = trainer(config);
            restore(&mut trainer, &start);
            trainer.step(&batch(shape, 8, step)).unwrap();
            if let Some(name) = next {
                save(&trainer, &folder.path().join(name));
            }
            values(trainer.discriminator().parameters())
        };
        let (found, strong, none) = (
            after(&lazy, Some("next")),
            after(&strong, None),
            after(&none, None),
        );
        assert_ne!(strong, none);
        let expected = if step % INTERVAL == 0 { strong } else { none };
        assert_eq!(found, expected, "step {step}");
        std::fs::rename(folder.path().join("next"), &start).unwrap();
    }
}

#[test]
fn penalties_are_refused_by_key_with_batch_normalization() {
    let model = ModelConfig {
        architecture: dcgan(DiscriminatorNorm::Batch),
        ..ModelConfig::default()
    };
    let mut configs = vec![("train.r1", TrainConfig::default()); 3];
    configs[0].1.r1 = 1.0;
    configs[1].0 = "train.r2";
    configs[1].1.r2 = 1.0;
    configs[2].0 = "train.gradient_penalty";
    configs[2].1.gradient_penalty = 10.0;
    for (key, config) in &configs {
        // Large enough for dcgan's second layer, the first that has batch normalization.
        let refused = trainer(&model, config, square(1, 16), DType::F32, 10);
        let error = refused.err().unwrap().to_string();
        for part in [&format!("{key} is set"), "without batch normalization"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
