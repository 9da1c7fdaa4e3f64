//! Generators that are saved and loaded again.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageShape, Mode, Seed, Weights};
use gan_models::{Architecture, DiscriminatorNorm, GeneratorHeader, ModelConfig};
use std::path::Path;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 3,
    width: 5,
};

fn model(latent_dim: usize) -> ModelConfig {
    ModelConfig {
        latent_dim,
        ..ModelConfig::default()
    }
}

fn save(path: &Path, latent_dim: usize, header_latent_dim: usize) -> Tensor {
    let generator = model(latent_dim)
        .generator(SHAPE, Seed(4), DType::F32, &Device::Cpu)
        .unwrap();
    let header = GeneratorHeader::new(model(header_latent_dim), SHAPE, 12, Seed(9));
    header.save(generator.as_ref(), path).unwrap();
    let z = Tensor::ones((2, latent_dim), DType::F32, &Device::Cpu).unwrap();
    generator.forward(&z, None, Mode::Eval).unwrap()
}

#[test]
fn a_loaded_generator_draws_what_the_saved_one_drew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    let expected = save(&path, 6, 6);
    let (header, generator) = GeneratorHeader::load(&path, &Device::Cpu).unwrap();
    assert_eq!(header, GeneratorHeader::new(model(6), SHAPE, 12, Seed(9)));
    let z = Tensor::ones((2, 6), DType::F32, &Device::Cpu).unwrap();
    let images = generator.forward(&z, None, Mode::Eval).unwrap();
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(&images), values(&expected));
}

#[test]
fn saving_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    let bytes = paths.map(|path| {
        save(&path, 6, 6);
        std::fs::read(path).unwrap()
    });
    assert_eq!(bytes[0], bytes[1]);
}

#[test]
fn tensors_that_do_not_fit_the_header_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save(&path, 6, 7);
    let error = GeneratorHeader::load(&path, &Device::Cpu)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("model.0.weight") && error.contains("[128, 7]"),
        "{error}"
    );
}

#[test]
fn files_without_a_usable_header_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save(&path, 6, 6);
    let mut weights = Weights::read(&path).unwrap();
    let other = weights.metadata.replace("mlp", "transformer");
    let vast = weights
        .metadata
        .replace("\"height\":3", "\"height\":18446744073709551615");
    assert_ne!(vast, weights.metadata);
    for (metadata, part) in [
        ("{}".to_string(), "no generator's header"),
        (
            r#"{"generator_format_version": 2}"#.to_string(),
            "format version 2",
        ),
        (other, "unknown variant `transformer`"),
        (vast, "18446744073709551615"),
    ] {
        weights.metadata = metadata;
        weights.write_with_checksum(&path).unwrap();
        let error = GeneratorHeader::load(&path, &Device::Cpu)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(part) && error.contains("generator.safetensors"),
            "{error}"
        );
    }
}

/// Headers that claim networks far larger than their files must be refused before they are built.
#[test]
fn a_header_of_a_larger_network_than_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    let huge = ImageShape {
        channels: 1,
        height: 8191,
        width: 8191,
    };
    let of = |architecture| ModelConfig {
        architecture,
        latent_dim: 4,
        ..ModelConfig::default()
    };
    let dcgan = |width| Architecture::Dcgan {
        width,
        discriminator_norm: DiscriminatorNorm::None,
    };
    let mlp = |widths: &[usize]| Architecture::Mlp {
        generator_widths: widths.to_vec(),
        discriminator_widths: vec![1],
    };
    let small = of(dcgan(2));
    let generator = small
        .generator(SHAPE, Seed(4), DType::F32, &Device::Cpu)
        .unwrap();
    for (model, shape) in [
        (of(mlp(&[60_000, 60_000])), SHAPE),
        (
            ModelConfig {
                classes: Some(65_536.into()),
                ..of(mlp(&[1]))
            },
            SHAPE,
        ),
        (of(dcgan(1024)), SHAPE),
        (of(Architecture::Residual { width: 1024 }), SHAPE),
        (of(Architecture::Residual { width: 2 }), huge),
    ] {
        let header = GeneratorHeader::new(model, shape, 1, Seed(0));
        header.save(generator.as_ref(), &path).unwrap();
        let error = GeneratorHeader::load(&path, &Device::Cpu).err().unwrap();
        assert!(
            error.to_string().contains("values for a generator"),
            "{error}"
        );
    }
    let header = GeneratorHeader::new(small, SHAPE, 1, Seed(0));
    header.save(generator.as_ref(), &path).unwrap();
    GeneratorHeader::load(&path, &Device::Cpu).unwrap();
}
