//! Each kind of file that the programs read, as a function of its bytes that says whether they could be
//! used: no bytes may make one panic. The stable tests and the fuzzer call the same functions.

// Each program uses a part of it.
#![allow(dead_code, reason = "shared by several programs")]

use candle_core::{DType, Device};
use gan_core::{Discriminator, Generator, ImageShape, Mode, Seed, Weights};
use gan_data::{Channels, Dataset, Parts, ReadOptions};
use gan_metrics::FeatureNetwork;
use gan_models::{Architecture, GeneratorHeader, ModelConfig};
use gan_sample::Sampler;
use gan_train::{Checkpoint, TrainConfig, Trainer};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Whether the bytes of a file can be used.
pub(crate) type Entry = fn(&[u8]) -> bool;

/// By name, each with the folder of its inputs in `hostile_inputs`.
pub(crate) const ENTRIES: [(&str, Entry); 7] = [
    ("idx", idx),
    ("idx_gzip", idx_gzip),
    ("npy", npy),
    ("checkpoint", checkpoint),
    ("safetensors", safetensors),
    ("config_toml", config_toml),
    ("image_folder_entry", image_folder_entry),
];

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 2,
    width: 2,
};

/// Three images of 2 by 2 pixels.
const IMAGES: [u8; 28] = [
    0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, //
    0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255,
];

/// A plain IDX file: of images, and of the labels of three images.
pub(crate) fn idx(bytes: &[u8]) -> bool {
    images_or_labels(bytes, "")
}

/// The same, packed.
pub(crate) fn idx_gzip(bytes: &[u8]) -> bool {
    images_or_labels(bytes, ".gz")
}

fn images_or_labels(bytes: &[u8], ending: &str) -> bool {
    let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let packed = |name: &str| format!("{name}{ending}");
    let options = ReadOptions::default();
    let alone = folder_of(&[(&packed(images), bytes)]);
    let beside = folder_of(&[(images, &IMAGES), (&packed(labels), bytes)]);
    [alone, beside]
        .iter()
        .any(|folder| open(folder.path(), &options).is_some())
}

/// An image file of a folder of images, at its own size and resized.
pub(crate) fn image_folder_entry(bytes: &[u8]) -> bool {
    let folder = folder_of(&[("a.png", bytes)]);
    let as_it_is = open(folder.path(), &ReadOptions::default());
    let options = ReadOptions::new(Channels::Gray, Some(8), None).unwrap();
    let resized = open(folder.path(), &options);
    assert_eq!(as_it_is.is_some(), resized.is_some());
    assert!(resized.is_none_or(|data| data.images().iter().flatten().count() == 64));
    as_it_is.is_some()
}

/// Reads a data set and holds it against what data sets promise.
fn open(folder: &Path, options: &ReadOptions) -> Option<Dataset> {
    let splits = gan_data::open(folder, options, Parts::All).ok()?;
    assert!(!splits.reading.summary.contains(char::is_control));
    for data in splits.held_out.iter().chain([&splits.training]) {
        check(data);
    }
    Some(splits.training)
}

fn check(data: &Dataset) {
    assert!(data.len() > 0);
    let elements = data.shape().elements();
    assert!(data.images().iter().all(|image| image.len() == elements));
    if let Some(labels) = data.labels() {
        assert_eq!(labels.len(), data.len());
        let within = |label: &u32| (*label as usize) < data.class_count();
        assert!(labels.iter().all(within));
        assert_eq!(data.images_per_class().iter().sum::<usize>(), data.len());
    }
}

/// An array of images.
pub(crate) fn npy(bytes: &[u8]) -> bool {
    let (_folder, path) = file_of("images.npy", bytes);
    let Ok((shape, values)) = gan_sample::read_npy(&path) else {
        return false;
    };
    assert!(!values.is_empty());
    assert!(values.len().is_multiple_of(shape.elements()));
    true
}

/// A checkpoint; text that begins with `{` is also the header of one that is good otherwise.
pub(crate) fn checkpoint(bytes: &[u8]) -> bool {
    let (_folder, path) = file_of("checkpoint.safetensors", bytes);
    if let Some(text) = as_header(bytes) {
        gan_train::save(&tiny_trainer(), serde_json::Value::Null, &path).unwrap();
        replace_header(&path, text);
    }
    restore(&path)
}

/// Whether both networks and their optimizers can go on from there.
fn restore(path: &Path) -> bool {
    let Ok(checkpoint) = Checkpoint::read(path) else {
        return false;
    };
    let (_, discriminator) = tiny_networks();
    let judge = checkpoint.restore_discriminator(discriminator.as_ref());
    let trainer = checkpoint.restore(&mut tiny_trainer());
    assert!(judge.is_ok() || trainer.is_err());
    trainer.is_ok()
}

/// A generator's file or a feature network's; text that begins with `{` is also the header of a
/// generator's that is good otherwise.
pub(crate) fn safetensors(bytes: &[u8]) -> bool {
    let (_folder, path) = file_of("generator.safetensors", bytes);
    if let Some(text) = as_header(bytes) {
        save_tiny_generator(&path);
        replace_header(&path, text);
    }
    load(&path) || FeatureNetwork::load(&path).is_ok()
}

/// Loads a generator and draws an image, where images are small.
fn load(path: &Path) -> bool {
    let Ok((header, generator)) = GeneratorHeader::load(path, &Device::Cpu) else {
        return false;
    };
    let shape = generator.image_shape();
    assert_eq!(shape, header.image_shape);
    if shape.elements() > 64 {
        return true;
    }
    let prior = header.model.sampling_prior();
    let sampler = Sampler::new(generator.as_ref(), prior, header.seed, Mode::Eval).unwrap();
    let image = sampler.images(0..1).unwrap();
    let expected = [1, shape.channels, shape.height, shape.width];
    assert_eq!(image.dims(), expected);
    true
}

/// The tables of a configuration that decide over sizes; text that begins with the table of a data set
/// is taken as a manifest.
pub(crate) fn config_toml(bytes: &[u8]) -> bool {
    let configured = std::str::from_utf8(bytes).is_ok_and(configure);
    let folder = folder_of(&[("MANIFEST.toml", bytes)]);
    let set = folder.path().join("set");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("train-images-idx3-ubyte"), IMAGES).unwrap();
    let listed = open(&set, &ReadOptions::default()).is_some();
    if bytes.starts_with(b"[set]") {
        listed
    } else {
        configured
    }
}

/// Whether the values are in range, and the networks no larger than a fuzzer should build.
fn configure(text: &str) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct File {
        model: ModelConfig,
        train: TrainConfig,
    }
    const MOST: usize = 1 << 21;
    let Ok(File { model, train }) = toml::from_str(text) else {
        return false;
    };
    if train.validate().is_err() || model.validate().is_err() {
        return false;
    }
    train.adversarial_loss();
    let factor = train
        .lr_schedule
        .factor(0, train.steps.unwrap_or(1), train.lr_decay());
    assert!(factor > 0.0, "{factor}");
    let (shape, seed) = (ImageShape::MNIST, Seed(0));
    let generator = model.generator_within(MOST, shape, seed, DType::F32, &Device::Cpu);
    let discriminator = model.discriminator_within(MOST, shape, seed, DType::F32, &Device::Cpu);
    let (Ok(generator), Ok(discriminator)) = (generator, discriminator) else {
        return false;
    };
    for parameters in [generator.parameters(), discriminator.parameters()] {
        assert!(parameters.trainable_count() <= MOST);
    }
    true
}

fn tiny_model() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Mlp {
            generator_widths: vec![2],
            discriminator_widths: vec![2],
        },
        latent_dim: 2,
        ..ModelConfig::default()
    }
}

fn tiny_networks() -> (Box<dyn Generator>, Box<dyn Discriminator>) {
    let model = tiny_model();
    let generator = model.generator(SHAPE, Seed(0), DType::F32, &Device::Cpu);
    let discriminator = model.discriminator(SHAPE, Seed(0), DType::F32, &Device::Cpu);
    (generator.unwrap(), discriminator.unwrap())
}

pub(crate) fn tiny_trainer() -> Trainer {
    let (generator, discriminator) = tiny_networks();
    let config = TrainConfig {
        ema_half_life_images: Some(4.0),
        ..TrainConfig::default()
    };
    let prior = tiny_model().sampling_prior();
    let loss = config.adversarial_loss();
    Trainer::new(generator, discriminator, prior, loss, &config, 1).unwrap()
}

/// The file of a small generator.
pub(crate) fn save_tiny_generator(path: &Path) {
    let header = GeneratorHeader::new(tiny_model(), SHAPE, 1, Seed(0));
    header.save(tiny_networks().0.as_ref(), path).unwrap();
}

fn as_header(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.starts_with('{').then_some(text)
}

/// Writes the file's tensors again, under another header and with its checksum, where there is room for
/// one.
fn replace_header(path: &Path, text: &str) {
    let mut weights = Weights::read(path).unwrap();
    weights.metadata = text.to_string();
    if weights.write_with_checksum(path).is_err() {
        weights.write(path).unwrap();
    }
}

fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn file_of(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = folder_of(&[(name, bytes)]);
    let path = folder.path().join(name);
    (folder, path)
}
