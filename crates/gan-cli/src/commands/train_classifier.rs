//! `gan-cli train-classifier`: labelled images → the feature network of a data set.

use super::Done;
use crate::console::{Bar, Console};
use crate::flags::ImageFlags;
use gan_core::Seed;
use gan_data::Parts;
use gan_eval::{ClassifierEvent, ClassifierOptions, train_classifier};
use gan_run::{DataConfig, check_feature_network};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct TrainClassifierArguments {
    #[command(flatten)]
    data: ImageFlags,
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

pub(crate) fn run(arguments: &TrainClassifierArguments, console: &Console) -> Done {
    let config = arguments.data.over_data(DataConfig::default())?;
    let beside = || config.feature_network();
    let out = arguments.out.clone().unwrap_or_else(beside);
    config.check_images("a classifier")?;
    check_feature_network(&out, arguments.force)?;
    let splits = config.open(Parts::All)?;
    console.data(&splits.reading);
    let options = ClassifierOptions {
        most_epochs: arguments.epochs,
        seed: Seed(arguments.seed),
    };
    let mut bar: Option<Bar> = None;
    let network = train_classifier(&splits, options, &mut |event| {
        if let Some(line) = event.in_words() {
            console.line(line);
        }
        show(event, &mut bar, console);
    })?;
    network.save(&out)?;
    let sha256 = network.sha256()?;
    console.result(format!("{}  sha256 {sha256}", out.display()));
    Ok(())
}

/// Moves the bar over the steps, and then the one over the last parts.
fn show(event: ClassifierEvent<'_>, bar: &mut Option<Bar>, console: &Console) {
    match (event, &*bar) {
        (ClassifierEvent::Begins { steps, .. }, _) => *bar = Some(console.progress(steps, "steps")),
        (ClassifierEvent::Step, Some(bar)) => bar.inc(1),
        (ClassifierEvent::Epoch { .. }, Some(bar)) => bar.told(),
        (ClassifierEvent::Trained { .. }, Some(steps)) => {
            steps.finish_and_clear();
            let parts = console.parts("last parts");
            parts.inc_length(2);
            *bar = Some(parts);
        }
        (ClassifierEvent::Part(part), Some(bar)) => bar.set_message(part),
        (ClassifierEvent::PartDone, Some(bar)) => bar.inc(1),
        (ClassifierEvent::Accuracy(_), Some(bar)) => bar.finish_and_clear(),
        _ => {}
    }
}
