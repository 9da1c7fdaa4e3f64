//! The tutorial networks: names, shapes, first weights and modes.

use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, ImageShape, LatentPrior, Mode, NormalPrior, Purpose, Seed};
use gan_models::{Architecture, ModelConfig};

const CPU: Device = Device::Cpu;

fn generator(seed: u64) -> Box<dyn Generator> {
    let model = ModelConfig::default();
    model
        .generator(ImageShape::MNIST, Seed(seed), DType::F32, &CPU)
        .unwrap()
}

fn latents(n: usize) -> Tensor {
    let mut rng = Seed(5).rng(Purpose::Sample, 0);
    NormalPrior::standard(100).sample(n, &mut rng).unwrap()
}

fn values(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn generator_tensors_have_the_names_and_shapes_of_the_tutorials_state_dict() {
    let mut expected = Vec::new();
    let widths = [100, 128, 256, 512, 1024, 784];
    for (k, index) in [0, 2, 5, 8, 11].into_iter().enumerate() {
        expected.push((
            format!("model.{index}.weight"),
            vec![widths[k + 1], widths[k]],
        ));
        expected.push((format!("model.{index}.bias"), vec![widths[k + 1]]));
        if (1..4).contains(&k) {
            for name in ["weight", "bias", "running_mean", "running_var"] {
                expected.push((format!("model.{}.{name}", index + 1), vec![widths[k + 1]]));
            }
        }
    }
    let all = generator(0).parameters().all();
    let found: Vec<_> = all
        .iter()
        .map(|p| (p.name.clone(), p.var.dims().to_vec()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn parameter_counts_are_the_sums_over_the_layers() {
    // Σ (inputs + 1) · outputs, and two numbers a normalized feature.
    let generator_count =
        101 * 128 + 129 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784 + 2 * (256 + 512 + 1024);
    assert_eq!(generator(0).parameters().trainable_count(), generator_count);
    let discriminator = ModelConfig::default()
        .discriminator(ImageShape::MNIST, Seed(0), DType::F32, &CPU)
        .unwrap();
    let count = discriminator.parameters().trainable_count();
    assert_eq!(count, 785 * 512 + 513 * 256 + 257);
}

#[test]
fn first_weights_and_biases_fill_u_plus_minus_one_over_root_fan_in() {
    for parameter in generator(0).parameters().all() {
        let fan_in = match parameter.name.as_str() {
            "model.8.weight" | "model.8.bias" => 512.0,
            "model.11.weight" | "model.11.bias" => 1024.0,
            _ => continue,
        };
        let bound = 1.0 / f64::sqrt(fan_in);
        let values = values(&parameter.var);
        let n = values.len() as f64;
        let largest = values
            .iter()
            .fold(0.0, |m: f64, v| m.max(f64::from(v.abs())));
        assert!(
            largest <= bound * (1.0 + 1e-6),
            "{}: {largest}",
            parameter.name
        );
        // P(all |v| < 0.98 bound) = 0.98ⁿ < 1e-6 for these sizes.
        assert!(largest > 0.98 * bound, "{}: {largest}", parameter.name);
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        // Five standard errors of the mean of U(±bound), whose variance is bound²/3.
        assert!(
            mean.abs() < 5.0 * bound / (3.0 * n).sqrt(),
            "{}: {mean}",
            parameter.name
        );
    }
}

#[test]
fn the_seed_decides_the_first_weights() {
    let weights = |seed| values(&generator(seed).parameters().all()[0].var);
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

#[test]
fn images_lie_between_minus_one_and_one() {
    let images = generator(0)
        .forward(&latents(9), None, Mode::Train)
        .unwrap();
    assert_eq!(images.dims(), [9, 1, 28, 28]);
    assert!(values(&images).iter().all(|v| (-1.0..=1.0).contains(v)));
}

#[test]
fn evaluation_changes_nothing_and_training_moves_the_running_statistics() {
    let generator = generator(0);
    let statistics = || {
        let all = generator.parameters().all();
        let find = |name: &str| values(&all.iter().find(|p| p.name == name).unwrap().var);
        (find("model.3.running_mean"), find("model.3.running_var"))
    };
    let (mean, variance) = statistics();
    let z = latents(16);
    generator.forward(&z, None, Mode::Eval).unwrap();
    assert_eq!(statistics(), (mean.clone(), variance.clone()));
    generator.forward(&z, None, Mode::Train).unwrap();
    let (moved_mean, moved_variance) = statistics();
    assert_ne!(moved_mean, mean);
    assert_ne!(moved_variance, variance);
}

#[test]
fn other_shapes_of_image_are_built_and_wrong_inputs_refused() {
    let shape = ImageShape {
        channels: 3,
        height: 5,
        width: 7,
    };
    let model = ModelConfig {
        latent_dim: 6,
        ..ModelConfig::default()
    };
    let generator = model.generator(shape, Seed(0), DType::F64, &CPU).unwrap();
    let z = Tensor::zeros((2, 6), DType::F64, &CPU).unwrap();
    let images = generator.forward(&z, None, Mode::Eval).unwrap();
    assert_eq!(images.dims(), [2, 3, 5, 7]);
    let discriminator = model
        .discriminator(shape, Seed(0), DType::F64, &CPU)
        .unwrap();
    let logits = discriminator.forward(&images, None, Mode::Train).unwrap();
    assert_eq!(logits.dims(), [2]);

    let turned = images.transpose(2, 3).unwrap();
    let error = discriminator
        .forward(&turned, None, Mode::Train)
        .unwrap_err();
    assert!(error.to_string().contains("[3, 7, 5]"), "{error}");
    let wide = Tensor::zeros((2, 7), DType::F64, &CPU).unwrap();
    let error = generator.forward(&wide, None, Mode::Eval).unwrap_err();
    assert!(error.to_string().contains("7 components"), "{error}");
}

#[test]
fn a_latent_vector_without_components_is_refused() {
    let model = ModelConfig {
        latent_dim: 0,
        ..ModelConfig::default()
    };
    let error = model
        .generator(ImageShape::MNIST, Seed(0), DType::F32, &CPU)
        .err()
        .unwrap();
    assert!(error.to_string().contains("latent_dim is 0"), "{error}");
}

#[test]
fn networks_beyond_their_bounds_are_refused_before_they_are_made() {
    let model = ModelConfig::default();
    let said = |model: &ModelConfig, most, shape| {
        let built = model.generator_within(most, shape, Seed(0), DType::F32, &CPU);
        built.err().unwrap().to_string()
    };
    let error = said(&model, 12_927, ImageShape::MNIST);
    assert!(
        error.contains("model.0.bias") && error.contains("127 more"),
        "{error}"
    );
    let deep = ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![1; 65],
            discriminator_widths: vec![1],
        },
        ..model.clone()
    };
    let error = said(&deep, usize::MAX, ImageShape::MNIST);
    assert!(error.contains("65 widths, expected 1 to 64"), "{error}");
    for height in [0, 1 << 40, usize::MAX] {
        let shape = ImageShape {
            height,
            ..ImageShape::MNIST
        };
        let error = said(&model, usize::MAX, shape);
        assert!(error.contains(&format!("[1, {height}, 28]")), "{error}");
    }
}
