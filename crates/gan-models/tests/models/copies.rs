//! Copies of generators of every architecture.

use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, ImageShape, Mode, Purpose, Seed};
use gan_models::{Architecture, ClassCount, DiscriminatorNorm, ModelConfig};

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 8,
    width: 12,
};

fn generators() -> Vec<Box<dyn Generator>> {
    let mut all = Vec::new();
    for architecture in [
        Architecture::Mlp {
            generator_widths: vec![7, 9],
            discriminator_widths: vec![7],
        },
        Architecture::Dcgan {
            width: 8,
            discriminator_norm: DiscriminatorNorm::None,
        },
        Architecture::Residual { width: 8 },
        Architecture::Maxout,
    ] {
        for classes in [None, Some(3)] {
            let model = ModelConfig {
                architecture: architecture.clone(),
                latent_dim: 5,
                classes: classes.map(ClassCount::Known),
                ..ModelConfig::default()
            };
            let generator = model.generator(SHAPE, Seed(4), DType::F32, &Device::Cpu);
            all.push(generator.unwrap());
        }
    }
    all
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn state(generator: &dyn Generator) -> Vec<(String, Vec<f32>)> {
    let all = generator.parameters().all().into_iter();
    all.map(|p| (p.name, flat(&p.var))).collect()
}

/// Four images; in training mode the running statistics move.
fn draw(generator: &dyn Generator, mode: Mode) -> Vec<f32> {
    let mut rng = Seed(1).rng(Purpose::Sample, 0);
    let prior = gan_core::NormalPrior::standard(generator.latent_dim());
    let z = gan_core::LatentPrior::sample(&prior, 4, &mut rng).unwrap();
    let labels = Tensor::new(&[0u32, 2, 1, 2], &Device::Cpu).unwrap();
    flat(&generator.infer(&z, Some(&labels), mode).unwrap())
}

#[test]
fn a_copy_draws_the_same_images_and_shares_no_tensor() {
    for generator in generators() {
        // No longer as it was made.
        draw(generator.as_ref(), Mode::Train);
        for parameter in generator.parameters().all() {
            let moved = (parameter.var.as_tensor() + 0.01).unwrap();
            parameter.var.set(&moved).unwrap();
        }
        let copy = generator.copy().unwrap();
        let (before, images) = (
            state(generator.as_ref()),
            draw(generator.as_ref(), Mode::Eval),
        );
        assert_eq!(state(copy.as_ref()), before);
        assert_eq!(draw(copy.as_ref(), Mode::Eval), images);

        draw(copy.as_ref(), Mode::Train);
        for parameter in copy.parameters().all() {
            parameter
                .var
                .set(&parameter.var.zeros_like().unwrap())
                .unwrap();
        }
        assert_eq!(state(generator.as_ref()), before);
        assert_eq!(draw(generator.as_ref(), Mode::Eval), images);
        // All weights and biases are 0, and so is tanh 0.
        assert!(draw(copy.as_ref(), Mode::Eval).iter().all(|x| *x == 0.0));
    }
}
