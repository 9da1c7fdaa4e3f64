//! Generators that are saved and loaded again.

use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, ImageShape, Mode, Seed, Weights};
use gan_models::{
    Architecture, ArchitectureKind, DiscriminatorNorm, GeneratorHeader, ModelConfig, TrainingData,
};
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
    let saved = GeneratorHeader {
        graph: generator.graph().cloned(),
        ..GeneratorHeader::new(model(6), SHAPE, 12, Seed(9))
    };
    assert_eq!(header, saved);
    let z = Tensor::ones((2, 6), DType::F32, &Device::Cpu).unwrap();
    let images = generator.forward(&z, None, Mode::Eval).unwrap();
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

/// Changes the header of a file as text.
fn rewrite(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut weights = Weights::read(path).unwrap();
    let mut header = serde_json::from_str(&weights.metadata).unwrap();
    change(&mut header);
    weights.metadata = header.to_string();
    weights.write_with_checksum(path).unwrap();
}

/// As version 0.1.0 wrote it.
fn remove_graph(path: &Path) {
    rewrite(path, |header| {
        let removed = header.as_object_mut().unwrap().remove("graph");
        assert!(removed.is_some());
    });
}

fn refusal(path: &Path) -> String {
    let error = GeneratorHeader::load(path, &Device::Cpu).err().unwrap();
    error.to_string()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_file_without_a_graph_is_built_from_its_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    let expected = save(&path, 6, 6);
    remove_graph(&path);
    let (header, generator) = GeneratorHeader::load(&path, &Device::Cpu).unwrap();
    assert_eq!(header.graph, None);
    let z = Tensor::ones((2, 6), DType::F32, &Device::Cpu).unwrap();
    let images = generator.forward(&z, None, Mode::Eval).unwrap();
    assert_eq!(values(&images), values(&expected));
}

/// With classes, and with every kind of tensor; what another program calls the network does not matter.
#[test]
fn a_file_with_a_graph_needs_nobody_who_knows_its_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    let z = Tensor::ones((2, 4), DType::F32, &Device::Cpu).unwrap();
    let labels = Tensor::new(&[0u32, 2], &Device::Cpu).unwrap();
    for kind in [
        ArchitectureKind::Mlp,
        ArchitectureKind::Dcgan,
        ArchitectureKind::Residual,
        ArchitectureKind::Maxout,
    ] {
        let known = ModelConfig {
            architecture: Architecture::default_of(kind),
            classes: Some(3.into()),
            ..model(4)
        };
        let built = known.generator(SHAPE, Seed(4), DType::F32, &Device::Cpu);
        let generator = built.unwrap();
        let name = "of another program".to_string();
        let model = ModelConfig {
            architecture: Architecture::Own { name },
            ..known
        };
        let header = GeneratorHeader::new(model, SHAPE, 12, Seed(9));
        header.save(generator.as_ref(), &path).unwrap();
        let (_, loaded) = GeneratorHeader::load(&path, &Device::Cpu).unwrap();
        let kinds = |generator: &dyn Generator| {
            let all = generator.parameters().all().into_iter();
            all.map(|p| (p.name, p.kind)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(loaded.as_ref()), kinds(generator.as_ref()));
        let images = |generator: &dyn Generator| {
            let images = generator.infer(&z, Some(&labels), Mode::Eval);
            values(&images.unwrap())
        };
        assert_eq!(images(loaded.as_ref()), images(generator.as_ref()));
        remove_graph(&path);
        let error = refusal(&path);
        assert!(error.contains("\"of another program\""), "{error}");
    }
}

#[test]
fn a_graph_that_contradicts_its_header_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    for (pointer, value, part) in [
        (
            "/model/latent_dim",
            serde_json::json!(7),
            "latent_dim is [7, 1, 1] in the header, [6, 1, 1] in the graph",
        ),
        (
            "/image_shape/width",
            serde_json::json!(4),
            "image_shape is [1, 3, 4] in the header, [1, 3, 5] in the graph",
        ),
        (
            "/model/classes",
            serde_json::json!(2),
            "classes is 2 in the header, none in the graph",
        ),
        (
            "/graph/nodes/0/op/outputs",
            serde_json::json!(1_u64 << 40),
            "node 1 (linear)",
        ),
        (
            "/graph/nodes/3/inputs/0",
            serde_json::json!(9),
            "expected an earlier result",
        ),
        (
            "/graph/nodes/2/op/op",
            serde_json::json!("softmax"),
            "unknown variant `softmax`",
        ),
        (
            "/graph/nodes/0/op/weight/name",
            serde_json::json!("model.100.weight"),
            "there is a tensor `model.0.weight`",
        ),
    ] {
        save(&path, 6, 6);
        rewrite(&path, |header| match header.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => header["model"]["classes"] = value,
        });
        let error = refusal(&path);
        assert!(
            error.contains(part) && error.contains("generator.safetensors"),
            "{error}"
        );
    }
}

/// Of the size that the header's architecture has, but not the file.
#[test]
fn a_graph_of_a_larger_network_than_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save(&path, 6, 6);
    rewrite(&path, |header| {
        header["graph"]["nodes"][0]["op"]["outputs"] = serde_json::json!(1 << 20);
    });
    let error = refusal(&path);
    assert!(error.contains("values for a generator"), "{error}");
}

#[test]
fn tensors_that_do_not_fit_the_header_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save(&path, 6, 7);
    remove_graph(&path);
    let error = refusal(&path);
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
        remove_graph(&path);
        let error = refusal(&path);
        assert!(error.contains("values for a generator"), "{error}");
    }
    let header = GeneratorHeader::new(small, SHAPE, 1, Seed(0));
    header.save(generator.as_ref(), &path).unwrap();
    GeneratorHeader::load(&path, &Device::Cpu).unwrap();
}

/// Sixteen images are computed side by side, whatever is asked for.
#[test]
fn a_graph_whose_results_would_fill_the_memory_is_refused_by_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save(&path, 6, 6);
    rewrite(&path, |header| {
        let side = 1800;
        header["image_shape"] =
            serde_json::json!({ "channels": 1, "height": 3 * side, "width": 5 * side });
        let nodes = header["graph"]["nodes"].as_array_mut().unwrap();
        let last = nodes.len();
        let upsampling = serde_json::json!({ "op": "upsampling", "factor": side });
        nodes.push(serde_json::json!({ "op": upsampling, "inputs": [last] }));
    });
    let error = refusal(&path);
    assert!(
        error.contains("values an image, more than the 33554432"),
        "{error}"
    );
}

#[test]
fn class_names_that_are_not_those_of_the_classes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    let model = ModelConfig {
        classes: Some(3.into()),
        ..model(6)
    };
    let generator = model.generator(SHAPE, Seed(4), DType::F32, &Device::Cpu);
    let header = GeneratorHeader::new(model, SHAPE, 12, Seed(9)).of_data(TrainingData {
        data_sha256: String::new(),
        held_out_sha256: None,
        class_names: vec!["a".to_string(), "b".to_string()],
        class_counts: vec![u64::MAX; 2],
    });
    header.save(generator.unwrap().as_ref(), &path).unwrap();
    assert!(refusal(&path).contains("2 class names and 2 class counts for 3 classes"));
    let caption = header.data.unwrap().caption(1);
    assert_eq!(caption, "1 b (50.0 % of the data)");
}
