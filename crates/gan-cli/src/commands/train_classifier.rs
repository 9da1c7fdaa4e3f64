//! `gan-cli train-classifier`: labelled images → the feature network of a data set.

use super::program;
use crate::config::DataConfig;
use crate::console::Console;
use crate::data_arguments::{DataArguments, say};
use crate::evaluation::{Progress, SCORE_SEED, image_set};
use crate::exit::WrongUse;
use crate::place::check_file;
use anyhow::Result;
use candle_core::{DType, Device};
use gan_core::{Seed, Weights};
use gan_data::{DataLoader, DataSplits, Dataset, Division, Parts};
use gan_metrics::{
    Accuracy, ClassifierTraining, Draw, FeatureNetwork, TrainingProgress, train_classifier,
};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

const BATCH_SIZE: usize = 128;

/// The default of the most epochs; a small data set gets more, to reach this number of steps.
const EPOCHS: u64 = 12;
const STEPS: u64 = 1500;

/// The share of the training images used for validation, the most validation images, and the fewest
/// training images from which any are taken.
const VALIDATION_PART: usize = 10;
const MOST_VALIDATION: usize = 5000;
const LEAST_TRAINING: usize = 50;

#[derive(clap::Args)]
pub(crate) struct TrainClassifierArguments {
    #[command(flatten)]
    data: DataArguments,
    /// The most passes over the training images; training ends when the accuracy no longer rises
    /// [default: 12, or as many as make 1,500 steps]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// File to write [default: DATA.classifier.safetensors, where `evaluate` looks for it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace an existing feature network, but no other file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &TrainClassifierArguments, console: &Console) -> Result<()> {
    let config = arguments.data.over(DataConfig::default());
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| config.feature_network());
    config.check_images("a classifier")?;
    check_place(&out, arguments.force)?;
    let splits = config.open(Parts::All)?;
    say(&splits.reading, console);
    let data = &splits.training;
    if data.labels().is_none() {
        return Err(WrongUse(format!(
            "{}: the images have no labels, expected classes to learn. Without them `{} evaluate` \
             uses random features",
            config.path.display(),
            program(),
        ))
        .into());
    }
    let seed = Seed(arguments.seed);
    let mut network = FeatureNetwork::untrained_classifier(data.shape(), data.class_count(), seed)?;
    console.line(format!(
        "{} parameters; seed {seed}",
        network.parameters().trainable_count(),
    ));
    let epochs = train(&network, data, arguments, console)?;
    let progress = Progress(console.parts("last parts"));
    progress.expect(2);
    progress.begin("features of training images");
    network.whiten_by(&image_set("training images", data)?)?;
    progress.done();
    progress.begin("accuracy on held-out images");
    let accuracy = held_out_accuracy(&network, &splits, console)?;
    progress.0.finish_and_clear();
    network.describe_training(data.sha256(), epochs, accuracy);
    network.save(&out)?;
    console.result(format!("{}  sha256 {}", out.display(), network.sha256()?));
    Ok(())
}

/// Only an existing feature network may be replaced.
fn check_place(out: &Path, force: bool) -> Result<()> {
    check_file(out, true)?;
    if fs::symlink_metadata(out).is_err() {
        return Ok(());
    }
    let text = match (is_feature_network(out), force) {
        (true, true) => return Ok(()),
        (true, false) => "exists already; give another --out, or --force to replace it",
        (false, _) => {
            "exists already and is not a feature network that can be read. --force replaces no \
             other file: give another --out, or remove it"
        }
    };
    Err(WrongUse(format!("{}: {text}", out.display())).into())
}

/// Whether an undamaged file is a feature network of any version.
fn is_feature_network(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "feature_network_format_version")]
        _version: u32,
    }
    Weights::read(path)
        .is_ok_and(|weights| serde_json::from_str::<Version>(&weights.metadata).is_ok())
}

/// Trains on all images except those for validation; returns the best number of epochs.
fn train(
    network: &FeatureNetwork,
    data: &Dataset,
    arguments: &TrainClassifierArguments,
    console: &Console,
) -> Result<u64> {
    let count = (data.len() / VALIDATION_PART).min(MOST_VALIDATION);
    let mut validation = None;
    let mut learnt: Vec<usize> = (0..data.len()).collect();
    if data.len() >= LEAST_TRAINING {
        let numbers = Draw::Validation.numbers(data.len(), count, SCORE_SEED);
        learnt.retain(|number| numbers.binary_search(number).is_err());
        validation = Some(image_set("validation images", &data.select(&numbers))?);
    }
    let learnt = data.select(&learnt);
    let (seed, batch_size) = (Seed(arguments.seed), BATCH_SIZE.min(learnt.len()));
    let loader = DataLoader::new(learnt, batch_size, seed, DType::F32, &Device::Cpu)?;
    let steps_per_epoch = loader.steps_per_epoch() as u64;
    let enough = EPOCHS.max(STEPS.div_ceil(steps_per_epoch));
    let training = ClassifierTraining {
        most_epochs: arguments.epochs.unwrap_or(enough),
        steps_per_epoch,
        validation: validation.as_ref(),
        seed,
    };
    let bar = console.progress(training.most_epochs * steps_per_epoch, "steps");
    let best = train_classifier(
        network,
        training,
        |epoch| loader.epoch(epoch),
        |progress| match progress {
            TrainingProgress::Step { .. } => bar.inc(1),
            TrainingProgress::Epoch {
                epoch,
                mean_loss,
                accuracy,
            } => {
                console.line(epoch_line(epoch, training.most_epochs, mean_loss, accuracy));
                bar.told();
            }
        },
    )?;
    bar.finish_and_clear();
    if best < training.most_epochs {
        console.line(format!(
            "Epoch {best} had the best accuracy; its weights are saved"
        ));
    }
    Ok(best)
}

fn epoch_line(epoch: u64, most: u64, mean_loss: f64, accuracy: Option<f64>) -> String {
    let line = format!("epoch {epoch}/{most}  mean loss {mean_loss:.4}");
    match accuracy {
        Some(accuracy) => format!(
            "{line}  {:.2} % of validation images classified correctly",
            100.0 * accuracy
        ),
        None => line,
    }
}

/// The network's accuracy on images that it was not trained on.
fn held_out_accuracy(
    network: &FeatureNetwork,
    splits: &DataSplits,
    console: &Console,
) -> Result<Option<Accuracy>> {
    let held_out = splits.held_out.as_ref();
    let Some(held_out) = held_out.filter(|data| data.labels().is_some() && data.len() >= 2) else {
        let why = match &splits.division {
            Division::Nothing { reason } => reason,
            _ => "the held-out images have no labels, or there is only one",
        };
        console.line(format!("Accuracy not measured: {why}"));
        return Ok(None);
    };
    let accuracy = network.accuracy(&image_set("held-out images", held_out)?)?;
    console.line(format!(
        "{:.2} % of {} held-out images classified correctly",
        100.0 * accuracy.share,
        accuracy.images
    ));
    Ok(Some(accuracy))
}
