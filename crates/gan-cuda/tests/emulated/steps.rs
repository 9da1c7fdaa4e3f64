//! Every architecture, loss and option.

use crate::emulator::has_compiler;
use crate::runs::{Case, Ended};
use gan_core::ImageShape;
use gan_models::{Architecture, ClassCount, DiscriminatorNorm, ModelConfig};
use gan_train::{
    Augmentation, LossKind, LrSchedule, OptimizerKind, Precision, TrainConfig, UpdateOrder,
};

fn image(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape {
        channels,
        height,
        width,
    }
}

fn mlp() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![24, 40],
            discriminator_widths: vec![33, 16],
        },
        latent_dim: 10,
        ..ModelConfig::default()
    }
}

fn dcgan(norm: DiscriminatorNorm) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Dcgan {
            width: 4,
            discriminator_norm: norm,
        },
        latent_dim: 6,
        ..ModelConfig::default()
    }
}

/// Adam makes a step of a gradient's sign alone, also where it is 0 but for rounding. With momentum, what comes out is
/// as near as the gradients.
fn momentum() -> TrainConfig {
    TrainConfig {
        optimizer: OptimizerKind::Momentum,
        lr: 0.05,
        momentum: Some(0.5),
        ..TrainConfig::default()
    }
}

fn case(model: ModelConfig, config: TrainConfig) -> Case {
    Case {
        model,
        config: TrainConfig {
            batch_size: 8,
            ..config
        },
        shape: image(1, 8, 8),
        images: 24,
        steps: 4,
        mirrors: false,
    }
}

/// The largest distance of figures, relative to their size or 1, and of tensors, to their
/// largest value or 0.01.
fn distances(a: &Ended, b: &Ended) -> (f64, f64) {
    assert_eq!(a.reports.len(), b.reports.len());
    let mut of_figures: f64 = 0.0;
    for (a, b) in a.reports.iter().zip(&b.reports) {
        assert_eq!((a.step, a.images_seen), (b.step, b.images_seen));
        for (a, b) in [
            (a.discriminator_loss, b.discriminator_loss),
            (a.generator_loss, b.generator_loss),
            (a.d_real, b.d_real),
            (a.d_fake, b.d_fake),
            (a.value, b.value),
        ] {
            of_figures = of_figures.max((a - b).abs() / b.abs().max(1.0));
        }
    }
    let mut of_tensors: f64 = 0.0;
    let (a, b) = (&a.checkpoint, &b.checkpoint);
    assert_eq!(a.header.state, b.header.state);
    assert!(a.tensors().keys().eq(b.tensors().keys()));
    for (name, tensor) in a.tensors() {
        let [a, b] = [tensor, &b.tensors()[name]]
            .map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        let largest = b.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        for (a, b) in a.iter().zip(&b) {
            let distance = f64::from((a - b).abs()) / f64::from(largest).max(1e-2);
            of_tensors = of_tensors.max(distance);
        }
    }
    (of_figures, of_tensors)
}

#[track_caller]
fn check(case: &Case) {
    if !has_compiler() {
        return;
    }
    let (host, machine) = (case.on_host(), case.on_machine(0, None));
    let (figures, tensors) = distances(&machine, &host);
    let found = format!("figures {figures:.1e}, tensors {tensors:.1e}");
    assert!(figures < 2e-6 && tensors < 2e-5, "{found}");
}

/// With a last batch of an epoch that is smaller than the others.
#[test]
fn the_tutorials_perceptrons() {
    let mut case = case(mlp(), TrainConfig::default());
    case.images = 21;
    check(&case);
}

/// Layers that are large enough for every size of tile; the others' are small.
#[test]
fn large_tiles() {
    let model = ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![24, 1152],
            discriminator_widths: vec![300, 40],
        },
        latent_dim: 10,
        ..ModelConfig::default()
    };
    let mut case = case(model, momentum());
    case.config.batch_size = 480;
    (case.images, case.steps) = (480, 1);
    check(&case);
}

#[test]
fn other_losses() {
    for loss in [
        LossKind::Minimax,
        LossKind::LeastSquares,
        LossKind::Wasserstein,
        LossKind::Hinge,
        LossKind::RelativisticPairing,
    ] {
        check(&case(
            mlp(),
            TrainConfig {
                loss,
                weight_clip: Some(0.3),
                ..momentum()
            },
        ));
    }
}

#[test]
fn convolutions_with_batch_normalization() {
    check(&case(
        dcgan(DiscriminatorNorm::Batch),
        TrainConfig::default(),
    ));
}

#[test]
fn convolutions_of_colour_images_that_are_not_square() {
    let mut case = case(dcgan(DiscriminatorNorm::None), TrainConfig::default());
    case.shape = image(3, 6, 10);
    case.mirrors = true;
    check(&case);
}

#[test]
fn spectral_normalization_and_several_discriminator_steps() {
    check(&case(
        dcgan(DiscriminatorNorm::Spectral),
        TrainConfig {
            loss: LossKind::Hinge,
            discriminator_lr: Some(0.02),
            discriminator_steps: 2,
            ema_half_life_images: Some(30.0),
            ..momentum()
        },
    ));
}

#[test]
fn classes_with_penalties_on_both_sides() {
    let model = ModelConfig {
        classes: Some(ClassCount::Known(3)),
        ..dcgan(DiscriminatorNorm::None)
    };
    check(&case(
        model,
        TrainConfig {
            loss: LossKind::RelativisticPairing,
            r1: 0.3,
            r2: 0.2,
            penalty_interval: 2,
            ema_half_life_images: Some(20.0),
            ..momentum()
        },
    ));
}

#[test]
fn a_penalty_on_interpolated_images() {
    check(&case(
        dcgan(DiscriminatorNorm::None),
        TrainConfig {
            loss: LossKind::Wasserstein,
            gradient_penalty: 10.0,
            ..momentum()
        },
    ));
}

#[test]
fn residual_networks_with_a_penalty() {
    let model = ModelConfig {
        architecture: Architecture::Residual { width: 8 },
        latent_dim: 6,
        ..ModelConfig::default()
    };
    let mut case = case(
        model,
        TrainConfig {
            loss: LossKind::RelativisticPairing,
            r1: 0.3,
            ..momentum()
        },
    );
    case.steps = 2;
    check(&case);
}

#[test]
fn maxout_with_dropout_and_momentum() {
    let model = ModelConfig {
        architecture: Architecture::Maxout,
        latent_dim: 10,
        prior: gan_models::Prior::Uniform,
        discriminator_pixels: gan_models::DiscriminatorPixels::Unit,
        output: gan_models::Output::Logistic,
        ..ModelConfig::default()
    };
    let mut case = case(
        model,
        TrainConfig {
            final_momentum: Some(0.7),
            momentum_steps: Some(4),
            lr_schedule: LrSchedule::Exponential,
            lr_decay: Some(0.1),
            ..momentum()
        },
    );
    case.steps = 2;
    check(&case);
}

#[test]
fn augmentation_noise_and_the_papers_order() {
    for update_order in [UpdateOrder::GeneratorFirst, UpdateOrder::DiscriminatorFirst] {
        let mut case = case(
            dcgan(DiscriminatorNorm::None),
            TrainConfig {
                update_order,
                augmentations: vec![
                    Augmentation::Brightness,
                    Augmentation::Translation,
                    Augmentation::Cutout,
                ],
                instance_noise: 0.1,
                gradient_clip: Some(0.5),
                ..TrainConfig::default()
            },
        );
        case.shape = image(3, 6, 10);
        check(&case);
    }
}

#[test]
fn clipped_weights_and_label_smoothing() {
    check(&case(
        mlp(),
        TrainConfig {
            label_smoothing: 0.1,
            weight_clip: Some(0.05),
            instance_noise: 0.2,
            ..TrainConfig::default()
        },
    ));
}

/// Factors of fewer bits give other figures, as near as these are.
#[test]
fn other_precisions_are_as_near_as_their_bits() {
    if !has_compiler() {
        return;
    }
    let model = ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![24],
            discriminator_widths: vec![33],
        },
        latent_dim: 10,
        ..ModelConfig::default()
    };
    let mut case = case(model, momentum());
    let host = case.on_host();
    for (precision, bits) in [(Precision::Tf32, 10), (Precision::Bf16, 7)] {
        case.config.precision = precision;
        let (figures, _) = distances(&case.on_machine(0, None), &host);
        let unit = 0.5_f64.powi(bits + 1);
        assert!(
            unit / 300.0 < figures && figures < 4.0 * unit,
            "{precision:?} {figures:.1e}"
        );
    }
}

/// What depended on the order in which threads come to a place would be a race.
#[test]
fn the_order_of_threads_and_a_stop_change_no_byte() {
    if !has_compiler() {
        return;
    }
    let case = case(
        dcgan(DiscriminatorNorm::Batch),
        TrainConfig {
            ema_half_life_images: Some(20.0),
            ..TrainConfig::default()
        },
    );
    let expected = case.on_machine(0, None);
    for (order, resumed_after) in [(7, None), (101, Some(2))] {
        let found = case.on_machine(order, resumed_after);
        assert_eq!(distances(&found, &expected), (0.0, 0.0));
        assert_eq!(found.fake, expected.fake);
    }
}
