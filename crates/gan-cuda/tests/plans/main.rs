//! Plans as values, and their kernels compiled where that can be done; no GPU is needed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test, which says what it leaves out"
)]

mod compiled;
mod launches;

use candle_core::{DType, Device};
use gan_core::{ImageShape, Seed};
use gan_cuda::{Planned, Prior, Task, planned};
use gan_data::Dataset;
use gan_models::ModelConfig;
use gan_train::TrainConfig;

fn plan(model: &ModelConfig, config: &TrainConfig) -> Planned {
    let (shape, cpu) = (ImageShape::MNIST, Device::Cpu);
    let generator = model.generator(shape, Seed(0), DType::F32, &cpu).unwrap();
    let discriminator = model
        .discriminator(shape, Seed(0), DType::F32, &cpu)
        .unwrap();
    let data = Dataset::new("black", shape, vec![0; 10 * shape.elements()]).unwrap();
    let task = Task {
        config,
        parameters: [generator.parameters(), discriminator.parameters()],
        image: shape,
        images: data.images(),
        labels: None,
        prior: Prior::Normal,
        latent_dim: model.latent_dim,
        seed: Seed(0),
    };
    let graphs = [generator.graph().unwrap(), discriminator.graph().unwrap()];
    planned(&task, graphs).unwrap()
}
