//! Networks of every architecture: shapes, classes, first weights, spectral normalization.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageShape, LatentPrior, Mode, NormalPrior, Purpose, Seed};
use gan_models::{Architecture, ArchitectureKind, DiscriminatorNorm, ModelConfig};

const CPU: Device = Device::Cpu;

fn shape(channels: usize, side: usize) -> ImageShape {
    ImageShape {
        channels,
        height: side,
        width: side,
    }
}

/// Convolutional networks of this width, and the others as they are by default.
fn architectures(width: usize) -> [Architecture; 4] {
    let discriminator_norm = DiscriminatorNorm::None;
    [
        Architecture::default_of(ArchitectureKind::Mlp),
        Architecture::Dcgan {
            width,
            discriminator_norm,
        },
        Architecture::Residual { width },
        Architecture::Maxout,
    ]
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn every_architecture_handles_images_of_every_shape() {
    for architecture in architectures(3) {
        for image in [
            shape(1, 28),
            shape(3, 28),
            shape(1, 32),
            shape(3, 32),
            shape(2, 1),
        ] {
            for classes in [None, Some(4)] {
                let model = ModelConfig {
                    architecture: architecture.clone(),
                    classes: classes.map(Into::into),
                    latent_dim: 6,
                    ..ModelConfig::default()
                };
                let generator = model.generator(image, Seed(1), DType::F32, &CPU).unwrap();
                let discriminator = model
                    .discriminator(image, Seed(1), DType::F32, &CPU)
                    .unwrap();
                assert_eq!(
                    (generator.image_shape(), generator.classes()),
                    (image, classes)
                );
                let mut rng = Seed(3).rng(Purpose::Sample, 0);
                let z = NormalPrior::standard(6).sample(5, &mut rng).unwrap();
                let labels = Tensor::new(&[0u32, 3, 1, 1, 2], &CPU).unwrap();
                let labels = classes.map(|_| &labels);
                let images = generator.infer(&z, labels, Mode::Eval).unwrap();
                let expected = [5, image.channels, image.height, image.width];
                assert_eq!(images.dims(), expected, "{architecture:?} {image}");
                assert!(numbers(&images).iter().all(|value| value.abs() <= 1.0));
                let recorded = discriminator.record(&[&images], labels).unwrap();
                assert_eq!(recorded.outputs[0].dims(), [5]);
                // Dropout makes training another thing.
                if architecture == Architecture::Maxout {
                    continue;
                }
                let twin = discriminator.forward(&images, labels, Mode::Eval).unwrap();
                for (a, b) in numbers(&recorded.outputs[0]).iter().zip(numbers(&twin)) {
                    assert!(
                        (a - b).abs() < 1e-4,
                        "{architecture:?} {image}: {a} against {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_class_changes_the_image_and_the_logit() {
    for architecture in architectures(3) {
        let kind = architecture.kind();
        let model = ModelConfig {
            architecture,
            classes: Some(3.into()),
            latent_dim: 4,
            ..ModelConfig::default()
        };
        let image = shape(1, 8);
        let generator = model.generator(image, Seed(1), DType::F32, &CPU).unwrap();
        let discriminator = model
            .discriminator(image, Seed(1), DType::F32, &CPU)
            .unwrap();
        let z = Tensor::ones((2, 4), DType::F32, &CPU).unwrap();
        let labels = Tensor::new(&[0u32, 2], &CPU).unwrap();
        let images = generator.infer(&z, Some(&labels), Mode::Eval).unwrap();
        let of = |k: usize| numbers(&images.get(k).unwrap());
        assert_ne!(of(0), of(1), "{kind}");
        let same = Tensor::cat(&[&images.narrow(0, 0, 1).unwrap(); 2], 0).unwrap();
        let logits = numbers(
            &discriminator
                .forward(&same, Some(&labels), Mode::Eval)
                .unwrap(),
        );
        assert_ne!(logits[0], logits[1], "{kind}");
        for wrong in [vec![0u32, 3], vec![0]] {
            let wrong = Tensor::new(wrong, &CPU).unwrap();
            assert!(generator.infer(&z, Some(&wrong), Mode::Eval).is_err());
        }
        assert!(generator.infer(&z, None, Mode::Eval).is_err());
    }
}

/// 100 → 4w × 4 × 4 → 2w × 7 × 7 → w × 14 × 14 → 1 × 28 × 28 at w = 64, counted by hand.
#[test]
fn dcgan_has_the_layers_of_its_description() {
    let model = ModelConfig {
        architecture: Architecture::Dcgan {
            width: 64,
            discriminator_norm: DiscriminatorNorm::Batch,
        },
        ..ModelConfig::default()
    };
    let generator = model
        .generator(ImageShape::MNIST, Seed(0), DType::F32, &CPU)
        .unwrap();
    let discriminator = model
        .discriminator(ImageShape::MNIST, Seed(0), DType::F32, &CPU)
        .unwrap();
    let weights = 100 * 256 * 16 + 256 * 128 * 9 + 128 * 64 * 16 + 64 * 16;
    // γ and β of three layers, one bias.
    let expected = weights + 2 * (256 + 128 + 64) + 1;
    assert_eq!(generator.parameters().trainable_count(), expected);
    let weights = 64 * 16 + 64 * 128 * 16 + 128 * 256 * 9 + 256 * 16;
    // Biases of the first and the last layer, γ and β of the two between.
    let expected = weights + 64 + 1 + 2 * (128 + 256);
    assert_eq!(discriminator.parameters().trainable_count(), expected);
}

/// The largest singular value of a matrix, by many steps of power iteration on WᵀW in f64.
fn largest_singular_value(matrix: &Tensor) -> f64 {
    let matrix = matrix.to_dtype(DType::F64).unwrap();
    let square = matrix.t().unwrap().matmul(&matrix).unwrap();
    let mut v = Tensor::ones((square.dim(0).unwrap(), 1), DType::F64, &CPU).unwrap();
    let mut length = 0.0;
    for _ in 0..5000 {
        v = square.matmul(&v).unwrap();
        length = numbers(&v).iter().map(|x| x * x).sum::<f64>().sqrt();
        v = (v / length).unwrap();
    }
    length.sqrt()
}

/// With one layer of weight W the logit is linear: its gradient with respect to an image is W / σ.
#[test]
fn spectral_normalization_divides_by_the_largest_singular_value() {
    let model = |discriminator_norm| ModelConfig {
        architecture: Architecture::Dcgan {
            width: 4,
            discriminator_norm,
        },
        ..ModelConfig::default()
    };
    let discriminator = model(DiscriminatorNorm::Spectral)
        .discriminator(shape(1, 8), Seed(1), DType::F64, &CPU)
        .unwrap();
    let images = Tensor::zeros((2, 1, 8, 8), DType::F64, &CPU).unwrap();
    for _ in 0..300 {
        discriminator.record(&[&images], None).unwrap();
    }
    // Scaling a weight changes nothing.
    let logits = |x: &Tensor| numbers(&discriminator.record(&[x], None).unwrap().outputs[0]);
    let images = (images + 0.3).unwrap();
    let before = logits(&images);
    let all = discriminator.parameters().trainable();
    let weight = all.iter().find(|p| p.name == "model.1.weight").unwrap();
    let sigma = largest_singular_value(&weight.var.flatten_from(1).unwrap());
    weight
        .var
        .set(&(weight.var.as_detached_tensor() * 3.0).unwrap())
        .unwrap();
    for (a, b) in before.iter().zip(logits(&images)) {
        assert!((a - b).abs() < 1e-9, "{a} against {b}");
    }
    assert!(sigma > 0.0);
    // Dividing every weight by its own value first changes nothing either.
    for parameter in all.iter().filter(|p| p.name.ends_with("weight")) {
        let sigma = largest_singular_value(&parameter.var.flatten_from(1).unwrap());
        let divided = (parameter.var.as_detached_tensor() / sigma).unwrap();
        parameter.var.set(&divided).unwrap();
    }
    let plain = model(DiscriminatorNorm::None)
        .discriminator(shape(1, 8), Seed(1), DType::F64, &CPU)
        .unwrap();
    for parameter in &all {
        let value = parameter.var.as_detached_tensor();
        plain.parameters().set(&parameter.name, &value).unwrap();
    }
    let expected = numbers(&plain.record(&[&images], None).unwrap().outputs[0]);
    for (a, b) in before.iter().zip(expected) {
        assert!((a - b).abs() < 1e-6, "{a} against {b}");
    }
}
