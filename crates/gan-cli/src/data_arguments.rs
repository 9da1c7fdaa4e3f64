//! Which data set is meant, and how its images are read.

use crate::commands::{by_name, program, quoted};
use crate::config::DataConfig;
use crate::console::{Console, pack};
use crate::exit::WrongUse;
use anyhow::Result;
use gan_core::{Seed, shown_text};
use gan_data::{Channels, DataSplits, Dataset, Division, Parts, Reading, Toy};
use indicatif::HumanCount;
use std::path::{Path, PathBuf};

#[derive(Clone, clap::Args)]
pub(crate) struct DataArguments {
    /// A folder of IDX files in MNIST's layout, of CIFAR-10, or of images; or a synthetic data set:
    /// stacked-mnist, ring, grid or swissroll (a folder of that name is ./ring) [default: that of the
    /// configuration or the run, else data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// For a folder of images: crop and resize to N by N pixels
    #[arg(long, value_name = "N")]
    image_size: Option<u32>,
    /// For a folder of images: gray, rgb, or auto, which is gray if all images are [default: auto]
    #[arg(long, value_parser = by_name::<Channels>)]
    channels: Option<Channels>,
    /// For a data set without a test split: the share of the images to hold out from training, chosen by
    /// their contents; 0 to 0.5 [default: 0.1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    held_out: Option<f64>,
}

impl DataArguments {
    /// `config` with the arguments that were given.
    pub(crate) fn over(&self, mut config: DataConfig) -> DataConfig {
        if let Some(path) = &self.data {
            config.path.clone_from(path);
            config.found = None;
        }
        if self.held_out.is_some() {
            config.held_out = self.held_out;
        }
        if let Some(image_size) = self.image_size {
            config.image_size = Some(image_size);
        }
        if let Some(channels) = self.channels {
            config.channels = channels;
        }
        config
    }

    /// Whether these arguments change how images are read.
    pub(crate) fn changes_reading(&self) -> bool {
        self.image_size.is_some() || self.channels.is_some() || self.held_out.is_some()
    }

    /// Whether a data set is named, which may differ from the run's.
    pub(crate) fn names_data(&self) -> bool {
        self.data.is_some()
    }
}

/// The command that trains the feature network of a data set.
pub(crate) fn train_classifier_command(config: &DataConfig) -> String {
    let mut command = format!(
        "{} train-classifier --data {}",
        program(),
        quoted(config.folder())
    );
    if let Some(size) = config.image_size {
        command += &format!(" --image-size {size}");
    }
    match config.channels {
        Channels::Auto => {}
        Channels::Gray => command += " --channels gray",
        Channels::Rgb => command += " --channels rgb",
    }
    if let Some(share) = config.held_out {
        command += &format!(" --held-out {share}");
    }
    if config.feature_network().exists() {
        command += " --force";
    }
    command
}

/// Prints what a reader read, changed and skipped.
pub(crate) fn say(reading: &Reading, console: &Console) {
    console.line(&reading.summary);
    if let Some(classes) = &reading.classes {
        console.line(format!("Classes: {classes}"));
    }
    for warning in &reading.warnings {
        tracing::warn!("{warning}");
    }
}

/// The same for training, in a line; only a verbose console gets the names of files and the numbers of
/// classes without names.
pub(crate) fn say_briefly(splits: &DataSplits, console: &Console) {
    let (reading, training) = (&splits.reading, &splits.training);
    if console.is_verbose() {
        return say(reading, console);
    }
    let mut parts = reading.brief.clone();
    let names = training.class_names().and(reading.classes.as_ref());
    if training.labels().is_some() && names.is_none() {
        parts.push(format!("{} classes", training.class_count()));
    }
    let last = parts.len().saturating_sub(1);
    parts[..last].iter_mut().for_each(|part| part.push(';'));
    let parts: Vec<String> = parts.iter().map(|part| shown_text(part)).collect();
    console.lines(pack(parts.iter().map(String::as_str), " ", 2));
    if let Some(names) = names {
        let text = format!("Classes: {}", shown_text(names));
        console.lines(pack(text.split_inclusive(", "), "", 2));
    }
    for warning in &reading.warnings {
        tracing::warn!("{warning}");
    }
}

/// What to do if a run's data set is not found.
pub(crate) fn missing_data(run: &Path, config: &DataConfig) -> WrongUse {
    WrongUse(format!(
        "{}: its data set {} was found neither here nor in a folder above the run. The path is relative to \
         the folder in which the run was trained: run the command there, or give --data",
        run.display(),
        config.path.display()
    ))
}

/// What `--data` calls StackedMNIST.
const STACKED: &str = "stacked-mnist";

/// Images of StackedMNIST's training set (Lin et al., 2018, arXiv 1712.04086).
const STACKED_IMAGES: usize = 128_000;

/// Points of a toy data set.
const TOY_POINTS: usize = 50_000;

/// Seed of synthetic data sets, which are the same in every run.
const DATA_SEED: Seed = Seed(0);

impl DataConfig {
    /// Reads the data set, or generates a synthetic one.
    pub(crate) fn open(&self, parts: Parts) -> Result<DataSplits> {
        if let Some(toy) = self.toy() {
            self.refuse_reading()?;
            return Ok(made(toy.dataset(TOY_POINTS, DATA_SEED)?, "points"));
        }
        let base = self.base();
        let splits = gan_data::open(base.folder(), &self.read_options()?, parts)?;
        if self.is_stacked() {
            let stacks = gan_data::stacked(&splits.training, STACKED_IMAGES, DATA_SEED)?;
            return Ok(made(stacks, "images"));
        }
        Ok(splits)
    }

    /// Refuses options for reading files if the data are synthetic points.
    fn refuse_reading(&self) -> Result<()> {
        let option = match (self.image_size, self.held_out) {
            (Some(_), _) => "--image-size",
            (_, Some(_)) => "--held-out",
            _ => return Ok(()),
        };
        let text = format!(
            "{option}: {} is a synthetic data set, expected one that is read from files; leave the option \
             out, or give the folder as ./{}",
            self.path.display(),
            self.path.display()
        );
        Err(WrongUse(text).into())
    }

    /// The folder to read.
    pub(crate) fn folder(&self) -> &Path {
        self.found.as_deref().unwrap_or(&self.path)
    }

    /// Refuses points in the plane where images are needed.
    pub(crate) fn check_images(&self, asker: &str) -> Result<()> {
        if self.toy().is_none() {
            return Ok(());
        }
        let text = format!(
            "{}: a data set of points, expected one of images for {asker}; a run's \
             samples/ show how its points lie",
            self.path.display()
        );
        Err(WrongUse(text).into())
    }

    /// The distribution of points, if it is one.
    pub(crate) fn toy(&self) -> Option<Toy> {
        self.path.to_str().and_then(Toy::named)
    }

    /// Whether it is read from files, not synthetic.
    pub(crate) fn is_read(&self) -> bool {
        self.toy().is_none() && !self.is_stacked()
    }

    /// Whether an image is a stack of several images of a data set, one per channel.
    pub(crate) fn is_stacked(&self) -> bool {
        self.path == Path::new(STACKED)
    }

    /// The data set that the stacks are made of, or this one.
    pub(crate) fn base(&self) -> Self {
        let mut base = self.clone();
        if self.is_stacked() {
            base.path = Self::default().path;
        }
        base
    }

    /// The file of the data set's feature network, if one was trained: beside the folder, under its
    /// name.
    pub(crate) fn feature_network(&self) -> PathBuf {
        let folder = self.folder();
        // `.` and `..` have no name of their own.
        let whole = match folder.file_name() {
            Some(_) => folder.to_path_buf(),
            None => folder.canonicalize().unwrap_or(folder.to_path_buf()),
        };
        let name = whole.file_name().unwrap_or_default().to_string_lossy();
        whole.with_file_name(format!("{name}.classifier.safetensors"))
    }
}

/// A synthetic data set. Nothing is held out, since more can always be generated.
fn made(training: Dataset, what: &str) -> DataSplits {
    let (count, origin) = (training.len(), training.origin());
    let count = HumanCount(count as u64);
    let summary = format!("{origin}: {count} synthetic {what} {}", training.shape());
    DataSplits {
        reading: Reading {
            brief: vec![summary.clone()],
            summary,
            classes: None,
            warnings: Vec::new(),
        },
        training,
        held_out: None,
        division: Division::Nothing {
            reason: "the data are synthetic".to_string(),
        },
    }
}
