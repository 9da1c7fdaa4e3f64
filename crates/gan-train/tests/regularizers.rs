//! Gradient penalties: their formulas, and their gradients for every architecture.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{DType, Device, Tensor, Var};
use gan_core::{Discriminator, ImageShape, Seed};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_train::{LossKind, OneCentered, Points, Regularizer, TrainConfig, Trainer, ZeroCentered};

const SHAPE: ImageShape = ImageShape {
    channels: 2,
    height: 8,
    width: 8,
};

const CLASSES: usize = 3;

fn wave(shape: &[usize], phase: f64) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|i| (phase + 1.7 * i as f64).sin() + 0.3 * (0.9 * i as f64 + 2.0 * phase).cos())
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every pair of networks that penalties are offered with.
fn models() -> Vec<ModelConfig> {
    let mut models = Vec::new();
    for classes in [None, Some(CLASSES)] {
        for (architecture, discriminator_norm) in [
            (Architecture::Mlp, DiscriminatorNorm::None),
            (Architecture::Dcgan, DiscriminatorNorm::None),
            (Architecture::Dcgan, DiscriminatorNorm::Spectral),
            (Architecture::Residual, DiscriminatorNorm::None),
        ] {
            models.push(ModelConfig {
                architecture,
                discriminator_norm,
                classes,
                width: 2,
                discriminator_widths: vec![6, 5],
                ..ModelConfig::default()
            });
        }
    }
    models
}

/// A discriminator whose weights are far from any that vanish at first.
fn discriminator(model: &ModelConfig) -> Box<dyn Discriminator> {
    let network = model
        .discriminator(SHAPE, Seed(2), DType::F64, &Device::Cpu)
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

/// The penalty's derivative by each gradient, by central differences of the penalty.
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

/// The penalty's gradient by every parameter, by central differences of the penalty.
#[test]
fn gradients_by_the_parameters_equal_finite_differences_for_every_architecture() {
    const STEP: f64 = 1e-6;
    let images = wave(&[3, 2, 8, 8], 0.9);
    let labels = Tensor::new(&[2u32, 0, 1], &Device::Cpu).unwrap();
    let ones = Tensor::ones(3, DType::F64, &Device::Cpu).unwrap();
    let zeros = ones.zeros_like().unwrap();
    for model in models() {
        let network = discriminator(&model);
        assert!(network.has_second_derivatives());
        // Spectral normalization's vectors settle, after which they are stationary.
        for _ in 0..400 {
            network.record(&[&images], Some(&labels)).unwrap();
        }
        for regularizer in regularizers() {
            let penalty = || {
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
                let gradient = numbers(&gradient.unwrap().1);
                let stride = (gradient.len() / 7).max(1);
                for index in (0..gradient.len()).step_by(stride) {
                    let difference = difference(&parameter.var, index, STEP, &|| penalty().1);
                    let error = (difference - gradient[index]).abs();
                    assert!(
                        error <= 2e-5 * (1.0 + difference.abs()),
                        "{model:?}: {}[{index}]: {} against {difference}",
                        parameter.name,
                        gradient[index],
                    );
                }
            }
        }
    }
}

fn difference(var: &Var, index: usize, step: f64, objective: &dyn Fn() -> f64) -> f64 {
    let values = numbers(var);
    let at = |shift: f64| {
        let mut moved = values.clone();
        moved[index] += shift;
        var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap())
            .unwrap();
        objective()
    };
    let difference = (at(step) - at(-step)) / (2.0 * step);
    at(0.0);
    difference
}

#[test]
fn a_penalty_is_refused_with_batch_normalization_by_its_key() {
    // Large enough for a second layer, the first that has it.
    let shape = ImageShape {
        channels: 1,
        height: 16,
        width: 16,
    };
    let model = ModelConfig {
        architecture: Architecture::Dcgan,
        discriminator_norm: DiscriminatorNorm::Batch,
        width: 2,
        ..ModelConfig::default()
    };
    for (key, config) in [
        (
            "train.r2",
            TrainConfig {
                r2: 1.0,
                ..TrainConfig::default()
            },
        ),
        (
            "train.gradient_penalty",
            TrainConfig {
                gradient_penalty: 10.0,
                loss: LossKind::Wasserstein,
                ..TrainConfig::default()
            },
        ),
    ] {
        let cpu = Device::Cpu;
        let trainer = Trainer::new(
            model.generator(shape, Seed(0), DType::F32, &cpu).unwrap(),
            model
                .discriminator(shape, Seed(0), DType::F32, &cpu)
                .unwrap(),
            model.sampling_prior(),
            config.adversarial_loss(),
            &config,
            10,
        );
        let error = trainer.err().unwrap().to_string();
        assert!(
            error.contains(key) && error.contains("batch normalization"),
            "{error}"
        );
    }
}
