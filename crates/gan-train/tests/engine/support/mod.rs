//! Images that are formulas, trainers of small networks, checkpoints and finite differences.

use candle_core::{DType, Device, Tensor};
use gan_core::{ImageBatch, ImageShape};
use gan_models::ModelConfig;
use gan_train::{TrainConfig, TrainError, Trainer};
use std::path::Path;

/// Different values away from the kinks of activation functions.
pub(crate) fn wave(shape: &[usize], phase: f64) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|i| (phase + 1.7 * i as f64).sin() + 0.3 * (0.9 * i as f64 + 2.0 * phase).cos())
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub(crate) fn square(channels: usize, side: usize) -> ImageShape {
    ImageShape {
        channels,
        height: side,
        width: side,
    }
}

/// n images of the step `index`, of classes 0, 1, 2, 0, …
pub(crate) fn batch(shape: ImageShape, n: usize, index: u64) -> ImageBatch {
    let sizes = [n, shape.channels, shape.height, shape.width];
    let labels: Vec<u32> = (0..n as u32).map(|k| k % 3).collect();
    ImageBatch {
        images: wave(&sizes, 0.9 + index as f64),
        labels: Some(Tensor::new(labels, &Device::Cpu).unwrap()),
    }
}

/// Both networks for images of `shape`, with schedules for `steps` steps.
pub(crate) fn trainer(
    model: &ModelConfig,
    config: &TrainConfig,
    shape: ImageShape,
    dtype: DType,
    steps: u64,
) -> Result<Trainer, TrainError> {
    let (seed, cpu) = (config.seed, Device::Cpu);
    Trainer::new(
        model.generator(shape, seed, dtype, &cpu).unwrap(),
        model.discriminator(shape, seed, dtype, &cpu).unwrap(),
        model.sampling_prior(),
        config.adversarial_loss(),
        config,
        steps,
    )
}

pub(crate) fn save(trainer: &Trainer, path: &Path) {
    gan_train::save(trainer, serde_json::Value::Null, path).unwrap();
}

pub(crate) fn restore(trainer: &mut Trainer, path: &Path) {
    let checkpoint = gan_train::Checkpoint::read(path).unwrap();
    checkpoint.restore(trainer).unwrap();
}

/// Central differences of `objective` with respect to about seven evenly spaced values of a tensor,
/// against its gradient.
pub(crate) fn check_differences(
    name: &str,
    value: &Tensor,
    gradient: &Tensor,
    objective: &dyn Fn(&Tensor) -> f64,
) {
    const STEP: f64 = 1e-6;
    let (values, gradient) = (numbers(value), numbers(gradient));
    for index in (0..values.len()).step_by((values.len() / 7).max(1)) {
        let at = |shift: f64| {
            let mut moved = values.clone();
            moved[index] += shift;
            objective(&Tensor::from_vec(moved, value.shape(), &Device::Cpu).unwrap())
        };
        let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let error = (difference - gradient[index]).abs();
        assert!(
            error <= 1e-7 + 1e-5 * difference.abs(),
            "{name}[{index}]: {} against {difference}",
            gradient[index]
        );
    }
}
