//! `gan-cli evaluate`: images or texts and a data set → scores with controls beside them.

mod text;

use super::{Done, by_name, train_classifier_command};
use crate::console::Console;
use crate::flags::DataFlags;
use gan_eval::{EvalError, EvalEvent, Protocol, evaluate};
use gan_metrics::Metric;
use gan_models::KnownNetworks;
use gan_run::{Kind, evaluation_places, open_subject};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct EvaluateArguments {
    /// A run folder, a generator.safetensors, an .npy file or a folder of images; a file of texts
    subject: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// The feature network [default: DATA.classifier.safetensors; without it, random features]
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Number of images or texts to score [default: 10000 of a generator, all of a file or folder of images]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    count: Option<u32>,
    /// Scores to compute: fid, kid, precision-recall, density-coverage, modes, inception,
    /// memorization, sharpness, parzen, equilibrium [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = by_name::<Metric>)]
    metrics: Vec<Metric>,
    /// Count the modes of StackedMNIST images, each of whose three channels is a digit of the data set,
    /// by PacGAN's protocol (26,000 images from a generator)
    #[arg(long, conflicts_with = "metrics")]
    stacked: bool,
    /// Score the images of K seeds, 0 to K-1; report means and standard deviations
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Folder for evaluation.json and report.html [default: the run, or beside the images]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &EvaluateArguments, console: &Console) -> Done {
    match Kind::of_subject(&arguments.subject) {
        Kind::Images => images(arguments, console),
        Kind::Text => text::run(arguments, console),
    }
}

fn images(arguments: &EvaluateArguments, console: &Console) -> Done {
    let mut protocol = Protocol {
        count: arguments.count.map(|count| count as usize),
        metrics: arguments.metrics.clone(),
        seeds: arguments.seeds,
        stacked: arguments.stacked,
        features: arguments.features.clone(),
    };
    let (json, html) = evaluation_places(&arguments.subject, arguments.out.as_deref())?;
    let wants_discriminator = protocol.needs_discriminator();
    let (path, networks) = (&arguments.subject, &KnownNetworks);
    let (subject, trained_on) = open_subject(path, wants_discriminator, networks)?;
    protocol.check(&subject)?;
    let config = arguments
        .data
        .over_data(trained_on.clone().unwrap_or_default())?;
    protocol.stacked |= config.is_stacked();
    let base = config.base();
    if trained_on.is_some() {
        base.check_found(&subject.facts.path)?;
    }
    let data = config.evaluation_data(train_classifier_command(&base))?;
    let data = data.that_may_differ(arguments.data.data().is_some());
    console.data(&data.splits.reading);

    let bar = console.parts("scores");
    let scored = evaluate(&subject, &data, &protocol, &mut |event| match event {
        EvalEvent::Read(reading) => console.data(reading),
        event => bar.follow(event),
    });
    bar.finish_and_clear();
    let scored = scored?;
    let written = scored.file.write(&json);
    console.evaluation(&scored.file);
    written?;
    if let Some(folder) = scored.cache_folder() {
        console.line(format!(
            "Features and controls are saved for the next evaluation of this data, in {}",
            folder.display()
        ));
    }
    console.result(json.display().to_string());
    scored
        .write_report(&html)
        .map_err(|error| EvalError::without_report(&json, error))?;
    console.result(html.display().to_string());
    Ok(())
}
