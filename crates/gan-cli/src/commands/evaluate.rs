//! `gan-cli evaluate`: images and a data set → scores with controls beside them.

use super::by_name;
use crate::config::DataConfig;
use crate::console::Console;
use crate::data_arguments::{DataArguments, missing_data, say};
use crate::device::device;
use crate::evaluation::{
    ClassHistogram, DataFacts, DataReference, EvaluationFile, LEAST_HELD_OUT, Progress, Request,
    SCORE_SEED, Subject, Wanted, controls, mean_scores, parzen_lines, score_table, write_report,
};
use crate::exit::WrongUse;
use crate::place::{check_file, check_own};
use anyhow::{Context, Result};
use gan_core::Seed;
use gan_data::{DataSplits, Dataset, Division, Parts, Reading};
use gan_metrics::{Draw, Embedding, Equilibrium, Evaluation, ImageSet, Metric, STACKED_CHANNELS};
use std::path::{Path, PathBuf};

/// Images to draw from a generator by default; the number that published scores use.
const COUNT: usize = 10_000;

/// The most classes that one line names.
const LISTED_CLASSES: usize = 40;

/// The same in PacGAN's protocol.
pub(crate) const STACKED_COUNT: usize = 26_000;

#[derive(Clone, clap::Args)]
pub(crate) struct EvaluateArguments {
    /// A run folder, a generator.safetensors, an .npy file or a folder of images
    subject: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// The feature network [default: DATA.classifier.safetensors; without it, random features]
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Number of images to score [default: 10000 of a generator, all of a file or folder]
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
    /// Device of the generator: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(crate) fn run(arguments: &EvaluateArguments, console: &Console) -> Result<()> {
    let wants_discriminator = arguments.metrics().contains(&Metric::Equilibrium);
    let device = device(&arguments.device)?;
    let (json, html) = arguments.outputs(&arguments.subject);
    // The report lies beside it. If only the report cannot be written, the images are scored anyway.
    check_file(&json, true)?;
    check_own(&json, "evaluation_format_version")?;
    if html.is_file() {
        check_own(&html, "<title>Evaluation of ")?;
    }
    let subject = Subject::open(&arguments.subject, wants_discriminator, &device)?;
    if arguments.seeds > 1 && !subject.is_generator() {
        let text = "--seeds needs a generator; images from a file do not depend on a seed";
        return Err(WrongUse(text.to_string()).into());
    }
    let config = arguments
        .data
        .over(subject.data.clone().unwrap_or_default());
    config.check_images("scores")?;
    let stacked = arguments.stacked || config.is_stacked();
    let (config, arguments) = (config.base(), &arguments.clone().with_stacked(stacked));
    let metrics = arguments.metrics();
    let splits = read_data(&config, &subject, console)?;
    let foreign = arguments.check_same_data(&subject, &splits, &config)?;
    let bar = console.parts("scores");
    let progress = Progress(bar.clone());
    progress.expect((1 + metrics.len()) * arguments.seeds as usize);

    progress.begin("images");
    let mut say_first = |reading: &Reading| say(reading, console);
    let training = &splits.training;
    let first = arguments.images(&subject, 0, &config, training, &mut say_first)?;
    let request = Request {
        config: &config,
        features: arguments.features.as_deref(),
        count: first.count(),
        metrics: &metrics,
    };
    let held_out = splits.held_out.as_ref();
    let mut data = DataReference::new(training, held_out, &request, &progress)?;
    data.notes
        .extend(division_note(&data.facts.0, &splits.division));
    data.notes.extend(foreign);
    let metrics = arguments.available(&subject, &mut data)?;

    let mut file = EvaluationFile::new(subject.facts.clone(), data.facts.clone());
    file.count = first.count();
    file.conditions = conditions(&subject, &first, training);
    let shown = score(
        &subject,
        &data,
        arguments.scored(first),
        &metrics,
        &progress,
    )?;
    file.scores_by_seed.push(shown.1.scores.clone());
    for seed in 1..arguments.seeds {
        let images = arguments.images(&subject, seed, &config, training, &mut |_| {})?;
        let (_, found) = score(
            &subject,
            &data,
            arguments.scored(images),
            &metrics,
            &progress,
        )?;
        file.scores_by_seed.push(found.scores);
    }
    if subject.is_generator() {
        file.seeds = (0..arguments.seeds).collect();
    }
    file.scores = mean_scores(&file.scores_by_seed);
    file.controls = controls(&mut data, &metrics, &progress)?;
    file.classes = data.class_shares(&shown.1);
    file.notes = arguments.notes(&data, &shown.1);
    bar.finish_and_clear();
    if file.scores.is_empty() {
        return Err(WrongUse(format!(
            "{}: no score can be computed for these images: {}",
            subject.facts.path.display(),
            file.notes.join(" ")
        ))
        .into());
    }

    let written = file.write(&json);
    print(&file, console);
    written?;
    if let Some(folder) = data.cache.folder() {
        console.line(format!(
            "Features and controls are saved for the next evaluation of this data, in {}",
            folder.display()
        ));
    }
    console.result(json.display().to_string());
    write_report(&html, &file, &data, &shown.0, &shown.1)
        .with_context(|| format!("the scores are in {}, without a report", json.display()))?;
    console.result(html.display().to_string());
    Ok(())
}

/// Reads the data set that images are scored against, and reports what was read.
fn read_data(config: &DataConfig, subject: &Subject, console: &Console) -> Result<DataSplits> {
    if subject.data.is_some() && !config.folder().exists() {
        return Err(missing_data(&subject.facts.path, config).into());
    }
    let splits = config.open(Parts::All)?;
    say(&splits.reading, console);
    Ok(splits)
}

/// What to know about a data set without held-out images, or with few.
fn division_note(facts: &DataFacts, division: &Division) -> Option<String> {
    let held_out = facts.held_out_images;
    match (division, held_out) {
        (_, LEAST_HELD_OUT..) => None,
        (_, 1..) => Some(format!(
            "{held_out} images are held out, fewer than {LEAST_HELD_OUT}: too few for distances between \
             distributions. FID, KID, precision, recall, density and coverage are against training \
             images, with the held-out images as their control. Memorization, Parzen window and the \
             discriminator's gap are against the held-out images.",
        )),
        (division, 0) => {
            let reason = match division {
                Division::Nothing { reason } => reason,
                _ => "the test split has a single image",
            };
            Some(format!(
                "No images are held out ({reason}). Scores are against training images, and cannot \
                 tell learning from copying."
            ))
        }
    }
}

/// The classes requested from a generator: each with its name and its share of the images.
fn conditions(
    subject: &Subject,
    images: &ImageSet,
    training: &Dataset,
) -> Option<Vec<(String, f64)>> {
    let (classes, labels) = (subject.conditions()?, images.labels()?);
    let mut counts = vec![0_usize; classes];
    for label in labels {
        counts[*label as usize] += 1;
    }
    let share = |count: usize| count as f64 / labels.len() as f64;
    let named = counts.into_iter().enumerate();
    Some(
        named
            .map(|(class, n)| (training.class_name(class), share(n)))
            .collect(),
    )
}

/// The score of a perfect generator.
fn stacked_floor(count: usize, classes: usize) -> String {
    let modes = classes.pow(STACKED_CHANNELS as u32);
    format!(
        "{count} images spread evenly over {modes} modes have a KL of about (modes - 1) / (2 images) \
         = {:.4} by chance alone. Stacks of training images, whose classes are not quite \
         equally frequent, are under `training images`.",
        (modes as f64 - 1.0) / (2.0 * count as f64)
    )
}

/// The families of scores of some images; the equilibrium scores need the subject's discriminator.
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
        progress.begin(&metric.to_string());
        evaluation.extend(if *metric == Metric::Equilibrium {
            equilibrium(subject, data, &generated.images)?
        } else {
            Evaluation::new(&data.reference, &generated, &[*metric], SCORE_SEED)
        });
        progress.done();
    }
    Ok((generated, evaluation))
}

/// The discriminator's outputs for images that it was trained on, for others and for generated ones.
fn equilibrium(
    subject: &Subject,
    data: &DataReference,
    generated: &ImageSet,
) -> Result<Evaluation> {
    let (Ok(discriminator), Some(held_out)) = (subject.discriminator(), &data.held_out) else {
        return Ok(Evaluation::default());
    };
    let training = &data.training_images;
    let training = training.draw(Draw::Discriminator, data.count, SCORE_SEED)?;
    let held_out = held_out.draw(Draw::Real, data.count, SCORE_SEED)?;
    let found = Equilibrium::new(discriminator, &held_out, &training, generated)?;
    Ok(Evaluation::of_equilibrium(&found))
}

fn print(file: &EvaluationFile, console: &Console) {
    console.line(format!("Features: {}", file.features.in_words()));
    console.line(format!(
        "Real images: {} {}",
        file.data.real_images, file.data.against
    ));
    for line in score_table(file) {
        console.result(line);
    }
    if file
        .scores
        .iter()
        .any(|score| score.kind.metric() == Metric::Parzen)
    {
        console.lines(parzen_lines().join("\n"));
    }
    if let Some(classes) = &file.classes {
        console.line(class_line(classes));
    }
    for note in &file.notes {
        console.line(note);
    }
}

/// The class histogram on one line.
fn class_line(classes: &ClassHistogram) -> String {
    let shares = classes
        .generated
        .iter()
        .zip(&classes.data)
        .zip(&classes.names);
    let shares = shares.map(|((generated, data), name)| {
        format!("{name} {:.1} ({:.1})", 100.0 * generated, 100.0 * data)
    });
    let shares: Vec<String> = shares.collect();
    let more = match shares.len().saturating_sub(LISTED_CLASSES) {
        0 => String::new(),
        more => format!(", … and {more} more"),
    };
    let listed = shares.into_iter().take(LISTED_CLASSES).collect::<Vec<_>>();
    format!(
        "Classes, % of images (of the data): {}{more}",
        listed.join(", ")
    )
}

impl EvaluateArguments {
    fn with_stacked(self, stacked: bool) -> Self {
        Self { stacked, ..self }
    }

    /// The subject's images under a seed, of the shape of the data set's or of stacks of them.
    fn images(
        &self,
        subject: &Subject,
        seed: u64,
        config: &DataConfig,
        training: &Dataset,
        say: &mut dyn FnMut(&Reading),
    ) -> Result<ImageSet> {
        let mut shape = training.shape();
        let mut default_count = COUNT;
        if self.stacked {
            shape.channels *= STACKED_CHANNELS;
            default_count = STACKED_COUNT;
        }
        let wanted = Wanted {
            count: self.count.map(|count| count as usize),
            default_count,
            seed: Seed(seed),
            shape,
            image_size: config.image_size,
            training,
        };
        subject.images(&wanted, say)
    }

    /// Refuses a data set that the generator was not trained on. If it was requested, reports the
    /// difference instead.
    fn check_same_data(
        &self,
        subject: &Subject,
        splits: &DataSplits,
        config: &DataConfig,
    ) -> Result<Option<String>> {
        if self.stacked {
            // A generator of stacks was trained on stacks of these images.
            return Ok(None);
        }
        let training = splits.training.sha256();
        let held_out = splits.held_out.as_ref();
        let held_out = held_out.map_or("nothing".to_string(), Dataset::sha256);
        let (subject_path, folder) = (subject.facts.path.display(), config.folder().display());
        let text = match (&subject.trained_on, &subject.held_out) {
            (Some(known), _) if *known != training => format!(
                "{subject_path}: was trained on images with SHA-256 {known}; those in {folder} have \
                 {training}"
            ),
            (_, Some(known)) if *known != held_out => format!(
                "{subject_path}: images with SHA-256 {known} were held out; of {folder} now {held_out}"
            ),
            _ => return Ok(None),
        };
        if self.data.names_data() {
            return Ok(Some(format!("{text}. The scores are against other data.")));
        }
        let advice = if self.data.changes_reading() {
            "leave out --image-size, --channels and --held-out, which the run sets, or give \
             --data to score against other images"
        } else {
            "restore them, or give --data to score against other images. (A run of version 0.1.0 held \
             nothing out: --held-out 0.)"
        };
        Err(WrongUse(format!("{text}; {advice}")).into())
    }

    /// The network's input: the images, or the digits that are stacked in them.
    fn scored(&self, images: ImageSet) -> ImageSet {
        if self.stacked {
            images.split_channels()
        } else {
            images
        }
    }

    /// What a reader should know besides the scores.
    fn notes(&self, data: &DataReference, evaluation: &Evaluation) -> Vec<String> {
        let mut notes = data.notes.clone();
        notes.extend(evaluation.notes.iter().cloned());
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

    /// The families that can be computed; a note says why others cannot. At least one of those
    /// requested must be computable.
    fn available(&self, subject: &Subject, data: &mut DataReference) -> Result<Vec<Metric>> {
        let mut available = Vec::new();
        let mut reasons = Vec::new();
        for metric in self.metrics() {
            let reason = match (metric, subject.discriminator(), &data.held_out) {
                (Metric::Stacked, ..) if !self.stacked => Some(
                    "is a protocol of its own; give --stacked instead of --metrics".to_string(),
                ),
                (Metric::Equilibrium, Err(reason), _) => Some(reason.to_string()),
                (Metric::Equilibrium, Ok(_), None) => {
                    Some("needs images held out from training".to_string())
                }
                (Metric::Equilibrium, Ok(_), Some(held_out)) => {
                    let unlabelled = subject.conditions().is_some() && held_out.labels().is_none();
                    unlabelled.then(|| "needs the labels of held-out images".to_string())
                }
                _ => data.reference.unavailable(metric, data.count),
            };
            match reason {
                None => available.push(metric),
                Some(reason) => reasons.push(format!("No {metric}: it {reason}.")),
            }
        }
        if available.is_empty() {
            let text = format!("none of the scores can be computed. {}", reasons.join(" "));
            return Err(WrongUse(format!("{}: {text}", subject.facts.path.display())).into());
        }
        data.notes.extend(reasons);
        Ok(available)
    }

    /// Where the scores and the report go: into a run, and beside anything else.
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
