//! `gan-cli train-classifier`: labelled images → the feature network of a data set.

use super::program;
use crate::config::DataConfig;
use crate::console::Console;
use crate::data_arguments::DataArguments;
use crate::exit::WrongUse;
use anyhow::Result;
use candle_core::{DType, Device};
use gan_core::Seed;
use gan_data::{DataLoader, Dataset, Split};
use gan_metrics::{FeatureNetwork, ImageSet, train_classifier};
use std::path::PathBuf;

const BATCH_SIZE: usize = 128;

#[derive(clap::Args)]
pub(crate) struct TrainClassifierArguments {
    #[command(flatten)]
    data: DataArguments,
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Where every random number comes from
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// File to write [default: DATA.classifier.safetensors, where `evaluate` looks for it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a network that is there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &TrainClassifierArguments, console: &Console) -> Result<()> {
    let config = arguments.data.over(DataConfig::default());
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| config.feature_network());
    super::check_free(&out, arguments.force)?;
    config.check_images("a classifier")?;
    let data = config.open(Split::Train)?;
    if data.labels().is_none() {
        return Err(WrongUse(format!(
            "{}: the images have no labels, expected classes to learn; without them `{} evaluate` \
             takes random features",
            config.path.display(),
            program(),
        ))
        .into());
    }
    let data_sha256 = data.sha256();
    let (shape, classes) = (data.shape(), data.class_count());
    let seed = Seed(arguments.seed);
    let mut network = FeatureNetwork::untrained_classifier(shape, classes, seed)?;
    console.line(format!(
        "{}: {} images {shape} of {classes} classes; {} parameters; seed {seed}",
        config.path.display(),
        data.len(),
        network.parameters().trainable_count(),
    ));
    let images = ImageSet::from_bytes("training images", shape, data.pixels())?;
    train(&network, data, arguments, console)?;
    network.whiten_by(&images)?;
    let accuracy = match config.open(Split::Test) {
        Ok(test) => Some(test_accuracy(&network, &test, console)?),
        Err(error) => {
            console.line(format!("Accuracy not measured: {error}"));
            None
        }
    };
    network.describe_training(data_sha256, arguments.epochs, accuracy);
    network.save(&out)?;
    console.result(format!("{}  sha256 {}", out.display(), network.sha256()?));
    Ok(())
}

fn train(
    network: &FeatureNetwork,
    data: Dataset,
    arguments: &TrainClassifierArguments,
    console: &Console,
) -> Result<()> {
    let (seed, batch_size) = (Seed(arguments.seed), BATCH_SIZE.min(data.len()));
    let loader = DataLoader::new(data, batch_size, seed, DType::F32, &Device::Cpu)?;
    let steps_per_epoch = loader.steps_per_epoch() as u64;
    let steps = arguments.epochs * steps_per_epoch;
    let bar = console.progress(steps, "steps");
    let mut sum = 0.0;
    let batches = (0..arguments.epochs).flat_map(|epoch| loader.epoch(epoch));
    train_classifier(network, batches, steps, seed, |progress| {
        bar.inc(1);
        sum += progress.loss;
        let done = progress.step + 1;
        if done.is_multiple_of(steps_per_epoch) {
            console.line(format!(
                "epoch {}/{}  mean loss {:.4}",
                done / steps_per_epoch,
                arguments.epochs,
                sum / steps_per_epoch as f64,
            ));
            sum = 0.0;
        }
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// The share of labelled images whose likeliest class is theirs.
fn test_accuracy(network: &FeatureNetwork, test: &Dataset, console: &Console) -> Result<f64> {
    let images = test.len();
    let loader = DataLoader::new(
        test.clone(),
        BATCH_SIZE.min(images),
        Seed(0),
        DType::F32,
        &Device::Cpu,
    )?;
    let mut right = 0.0;
    for batch in loader.epoch(0) {
        let batch = batch?;
        let logits = network.activations(&batch.images)?.logits;
        if let Some((logits, labels)) = logits.zip(batch.labels) {
            let hits = logits.argmax(1)?.eq(&labels)?;
            right += f64::from(hits.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?);
        }
    }
    let accuracy = right / images as f64;
    console.line(format!(
        "{:.2} % of {images} test images right",
        100.0 * accuracy
    ));
    Ok(accuracy)
}
