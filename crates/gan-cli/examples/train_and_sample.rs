//! Uses the crates without the command line: trains the tutorial GAN on MNIST briefly and draws a grid.
//!
//! `cargo run -p gan-cli --example train_and_sample -- data/mnist grid.png 2000`

#![allow(clippy::print_stdout, reason = "a program for people")]

use candle_core::{DType, Device};
use gan_core::{Mode, NormalPrior, Seed};
use gan_data::{DataLoader, Parts, ReadOptions};
use gan_models::ModelConfig;
use gan_sample::{ImageGrid, PixelRange, Sampler, write_png};
use gan_train::{TrainConfig, Trainer};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, out, steps] = arguments.as_slice() else {
        return Err("usage: train_and_sample DATA GRID.png STEPS".into());
    };
    // All cores; this thread is one of them.
    gan_ops::settle_threads(None);
    let steps: u64 = steps.parse()?;
    let (device, config, model) = (Device::Cpu, TrainConfig::default(), ModelConfig::default());

    // Data set → shuffled batches.
    let images =
        gan_data::open(Path::new(data), &ReadOptions::default(), Parts::Training)?.training;
    let shape = images.shape();
    let loader = DataLoader::new(images, config.batch_size, config.seed, DType::F32, &device)?;

    // Two networks, a prior and a loss → a trainer.
    let prior = NormalPrior::standard(model.latent_dim);
    let mut trainer = Trainer::new(
        model.generator(shape, config.seed, DType::F32, &device)?,
        model.discriminator(shape, config.seed, DType::F32, &device)?,
        Box::new(prior),
        config.adversarial_loss(),
        &config,
        steps,
    )?;
    let batches = (0..config.epochs).flat_map(|epoch| loader.epoch(epoch));
    for batch in batches.take(usize::try_from(steps)?) {
        let report = trainer.step(&batch?)?;
        if report.step.is_multiple_of(100) {
            println!(
                "step {}: D(x) {:.3}, D(G(z)) {:.3}",
                report.step, report.d_real, report.d_fake
            );
        }
    }

    // Trained generator → a picture; image k depends on the seed and k alone.
    let generator = trainer.into_generator();
    let sampler = Sampler::new(generator.as_ref(), Box::new(prior), Seed(7), Mode::Eval)?;
    let grid = ImageGrid {
        rows: 4,
        columns: 8,
        range: PixelRange::Fixed,
    };
    write_png(Path::new(out), &grid.render(&sampler.images(0..32)?)?)?;
    Ok(())
}
