//! A trainer of small perceptrons, and batches for it.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageBatch, ImageShape, NormalPrior, ParameterStore, Purpose, Seed};
use gan_models::ModelConfig;
use gan_train::{Checkpoint, TrainConfig, TrainError, Trainer};
use rand::Rng;
use std::path::Path;

pub(crate) const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 4,
    width: 4,
};

pub(crate) fn trainer(config: &TrainConfig) -> Trainer {
    let model = ModelConfig {
        latent_dim: 8,
        ..ModelConfig::default()
    };
    let cpu = Device::Cpu;
    let generator = model
        .generator(SHAPE, config.seed, DType::F32, &cpu)
        .unwrap();
    let discriminator = model
        .discriminator(SHAPE, config.seed, DType::F32, &cpu)
        .unwrap();
    let prior = Box::new(NormalPrior::standard(8));
    Trainer::new(
        generator,
        discriminator,
        prior,
        config.adversarial_loss(),
        config,
        1000,
    )
    .unwrap()
}

pub(crate) fn batch(index: u64) -> ImageBatch {
    let rng = Seed(99).rng(Purpose::Shuffle, index);
    let values: Vec<f32> = rng
        .random_iter::<f32>()
        .take(8 * 16)
        .map(|u| 2.0 * u - 1.0)
        .collect();
    ImageBatch {
        images: Tensor::from_vec(values, (8, 1, 4, 4), &Device::Cpu).unwrap(),
        labels: None,
    }
}

pub(crate) fn train(trainer: &mut Trainer, steps: std::ops::Range<u64>) {
    trainer.run(steps.map(|i| Ok(batch(i))), &mut []).unwrap();
}

pub(crate) fn values(parameters: &ParameterStore) -> Vec<Vec<f32>> {
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1().unwrap();
    parameters.all().iter().map(|p| flat(&p.var)).collect()
}

pub(crate) fn restore(trainer: &mut Trainer, path: &Path) -> Result<(), TrainError> {
    Checkpoint::read(path)?.restore(trainer)
}

/// All numbers of the discriminator, which has no buffers.
pub(crate) fn discriminator_weights(trainer: &Trainer) -> Vec<f32> {
    values(trainer.discriminator().parameters()).concat()
}
