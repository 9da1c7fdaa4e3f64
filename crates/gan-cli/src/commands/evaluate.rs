//! `gan-cli evaluate`: images and a data set → scores with controls beside them.

use super::by_name;
use crate::config::DataConfig;
use crate::console::Console;
use crate::data_arguments::DataArguments;
use crate::device::device;
use crate::evaluation::{
    ClassShares, DataReference, EvaluationFile, Progress, SCORE_SEED, Subject, controls,
    mean_scores, parzen_lines, score_table, write_report,
};
use crate::exit::WrongUse;
use anyhow::Result;
use gan_core::{ImageShape, Seed};
use gan_data::Split;
use gan_metrics::{Embedding, Equilibrium, Evaluation, ImageSet, Metric, STACKED_CHANNELS};
use std::path::{Path, PathBuf};

/// Images of a generator, unless another number is given: what published scores use.
const COUNT: usize = 10_000;

/// The same of PacGAN's protocol.
pub(crate) const STACKED_COUNT: usize = 26_000;

#[derive(Clone, clap::Args)]
pub(crate) struct EvaluateArguments {
    /// A run folder, a generator.safetensors, an npy batch or a folder of images
    subject: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// The feature network [default: DATA.classifier.safetensors; without it, random features]
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Images to score [default: 10000 of a generator, all of a file or folder]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    count: Option<u32>,
    /// Which families of scores: fid, kid, precision-recall, density-coverage, modes, inception,
    /// memorization, sharpness, parzen, equilibrium [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = by_name::<Metric>)]
    metrics: Vec<Metric>,
    /// Count the modes of StackedMNIST images, whose three channels are digits of the data set each,
    /// by PacGAN's protocol (26,000 images of a generator)
    #[arg(long, conflicts_with = "metrics")]
    stacked: bool,
    /// Score the images of K seeds, 0 to K-1, and report means and deviations
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Folder for evaluation.json and report.html [default: the run, or beside the images]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// cpu, cuda or cuda:N, to generate on
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &EvaluateArguments, console: &Console) -> Result<()> {
    let subject = Subject::open(&arguments.subject, &device(&arguments.device)?)?;
    if arguments.seeds > 1 && !subject.is_generator() {
        let text = "--seeds needs a generator; images from a file are what they are";
        return Err(WrongUse(text.to_string()).into());
    }
    let config = arguments
        .data
        .over(subject.data.clone().unwrap_or_else(DataConfig::default));
    let stacked = arguments.stacked || config.is_stacked();
    let (config, arguments) = (config.base(), &arguments.clone().with_stacked(stacked));
    let metrics = arguments.metrics();
    let bar = console.parts();
    let progress = Progress(bar.clone());
    progress.expect((1 + metrics.len()) * arguments.seeds as usize);

    progress.begin("images");
    let shape = config.open(Split::Train)?.shape();
    let first = arguments.images(&subject, 0, shape)?;
    let features = arguments.features.as_deref();
    let mut data = DataReference::open(&config, features, first.count(), &metrics, &progress)?;
    arguments.check_available(&subject, &data)?;

    let mut file = EvaluationFile::new(subject.facts.clone(), data.facts.clone());
    file.count = first.count();
    let shown = score(
        &subject,
        &data,
        arguments.scored(first),
        &metrics,
        &progress,
    )?;
    file.scores_by_seed.push(shown.1.scores.clone());
    for seed in 1..arguments.seeds {
        let images = arguments.scored(arguments.images(&subject, seed, shape)?);
        let (_, found) = score(&subject, &data, images, &metrics, &progress)?;
        file.scores_by_seed.push(found.scores);
    }
    if subject.is_generator() {
        file.seeds = (0..arguments.seeds).collect();
    }
    file.scores = mean_scores(&file.scores_by_seed);
    file.controls = controls(&mut data, &metrics, &progress)?;
    file.classes = data.class_shares(&shown.1);
    file.notes = arguments.notes(&subject, &data);
    bar.finish_and_clear();

    let (json, html) = arguments.outputs(&subject.facts.path);
    write_report(&html, &file, &data, &shown.0, &shown.1)?;
    file.write(&json)?;
    print(&file, console);
    console.result(format!("{}\n{}", json.display(), html.display()));
    Ok(())
}

/// What a perfect generator would get.
fn stacked_floor(count: usize, classes: usize) -> String {
    let modes = classes.pow(STACKED_CHANNELS as u32);
    format!(
        "{count} images spread evenly over {modes} modes have a KL of about (modes - 1) / (2 images) \
         = {:.4} by their number alone; stacks of training images, whose classes are not quite \
         equally frequent, stand under `training images`.",
        (modes as f64 - 1.0) / (2.0 * count as f64)
    )
}

/// The families of scores of some images; the equilibrium's needs the subject's discriminator.
fn score(
    subject: &Subject,
    data: &DataReference,
    images: ImageSet,
    metrics: &[Metric],
    progress: &Progress,
) -> Result<(Embedding, Evaluation)> {
    progress.begin("features of generated images");
    let generated = Embedding::new(&data.network, images)?;
    progress.done();
    let mut evaluation = Evaluation::default();
    for metric in metrics {
        progress.begin(&format!("{metric:?}"));
        evaluation.extend(match subject.discriminator() {
            Some(discriminator) if *metric == Metric::Equilibrium => {
                let held_out = &data.reference.real.images;
                let training = data.first_training_images()?;
                let images = &generated.images;
                let found = Equilibrium::new(discriminator, held_out, &training, images)?;
                Evaluation::of_equilibrium(&found)
            }
            _ => {
                let (reference, metric) = (&data.reference, &[*metric]);
                Evaluation::new(reference, &generated, metric, SCORE_SEED)?
            }
        });
        progress.done();
    }
    Ok((generated, evaluation))
}

fn print(file: &EvaluationFile, console: &Console) {
    for line in score_table(file) {
        console.result(line);
    }
    if file
        .scores
        .iter()
        .any(|score| score.kind.metric() == Metric::Parzen)
    {
        for line in parzen_lines() {
            console.line(line);
        }
    }
    if let Some(classes) = &file.classes {
        console.line(class_line(classes));
    }
    for note in &file.notes {
        console.line(note);
    }
}

/// The class histogram on one line.
fn class_line(classes: &ClassShares) -> String {
    let shares = classes
        .generated
        .iter()
        .zip(&classes.data)
        .zip(&classes.names);
    let shares = shares.map(|((generated, data), name)| {
        format!("{name} {:.1} ({:.1})", 100.0 * generated, 100.0 * data)
    });
    let shares: Vec<String> = shares.collect();
    format!("Classes, % of images (of the data): {}", shares.join(", "))
}

impl EvaluateArguments {
    fn with_stacked(self, stacked: bool) -> Self {
        Self { stacked, ..self }
    }

    /// The subject's images under a seed, of the data set's `shape` or stacks of it.
    fn images(&self, subject: &Subject, seed: u64, mut shape: ImageShape) -> Result<ImageSet> {
        let mut default_count = COUNT;
        if self.stacked {
            shape.channels *= STACKED_CHANNELS;
            default_count = STACKED_COUNT;
        }
        let count = self.count.map(|count| count as usize);
        subject.images(count, default_count, Seed(seed), shape)
    }

    /// What the network looks at: the images, or the digits that are stacked in them.
    fn scored(&self, images: ImageSet) -> ImageSet {
        if self.stacked {
            images.split_channels()
        } else {
            images
        }
    }

    /// What a reader should know beside the scores.
    fn notes(&self, subject: &Subject, data: &DataReference) -> Vec<String> {
        let mut notes = data.notes.clone();
        if self.metrics().contains(&Metric::Equilibrium) && subject.discriminator().is_none() {
            notes.push("No scores of Equilibrium: it needs a run's discriminator.".to_string());
        }
        if self.stacked {
            notes.push(stacked_floor(data.count, data.class_names.len()));
        }
        notes
    }

    fn metrics(&self) -> Vec<Metric> {
        if self.stacked {
            return vec![Metric::Stacked];
        }
        let chosen = |metric: &Metric| self.metrics.is_empty() || self.metrics.contains(metric);
        Metric::ALL.into_iter().filter(chosen).collect()
    }

    /// What was asked for by name must be there; of the families that were not, a note will say why.
    fn check_available(&self, subject: &Subject, data: &DataReference) -> Result<()> {
        let protocol = "is a protocol of its own; give --stacked";
        let judge = "needs a run's discriminator; give a run folder";
        for metric in &self.metrics {
            let reason = match metric {
                Metric::Stacked => Some(protocol),
                Metric::Equilibrium if subject.discriminator().is_none() => Some(judge),
                _ => data.reference.unavailable(*metric),
            };
            if let Some(reason) = reason {
                let text = format!("--metrics {metric:?}: {reason}, or leave it out");
                return Err(WrongUse(text).into());
            }
        }
        Ok(())
    }

    /// Where the numbers and the page go: into a run, and beside anything else.
    fn outputs(&self, subject: &Path) -> (PathBuf, PathBuf) {
        let is_run = subject.join("config.toml").exists();
        match &self.out {
            Some(folder) => (folder.join("evaluation.json"), folder.join("report.html")),
            None if is_run => (subject.join("evaluation.json"), subject.join("report.html")),
            None => {
                let name = subject.file_name().unwrap_or_default().to_string_lossy();
                let beside = |end: &str| subject.with_file_name(format!("{name}.{end}"));
                (beside("evaluation.json"), beside("report.html"))
            }
        }
    }
}
