//! Where training images come from.

use crate::{RunError, RunFolder};
use gan_core::{Seed, grouped};
use gan_data::{
    Channels, DataSplits, Dataset, Division, Parts, ReadOptions, Reading, Toy, hub_name,
};
use gan_eval::{EvaluationData, feature_network_beside};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Which images to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A folder of IDX files in MNIST's layout, of CIFAR-10, or of images; the name of a synthetic data
    /// set: stacked-mnist, ring, grid, swissroll; or that of one of the Hugging Face hub: hub:mnist,
    /// hub:fashion-mnist, hub:cifar10.
    pub path: PathBuf,
    /// Whether each training image is mirrored left to right with probability 1/2.
    pub mirror: bool,
    /// For a folder of images: the height and width to crop and resize to, in pixels.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub image_size: Option<u32>,
    /// For a folder of images: gray, RGB, or auto, which is gray if all images are.
    pub channels: Channels,
    /// The share of the images that is held out if the data set has no test split, and else of the training images that
    /// are kept apart to choose by.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub held_out: Option<f64>,
    /// Where the data set was found, if not at `path`.
    #[serde(skip)]
    pub found: Option<PathBuf>,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/mnist"),
            mirror: false,
            image_size: None,
            channels: Channels::default(),
            held_out: None,
            found: None,
        }
    }
}

/// What a configuration calls StackedMNIST.
const STACKED: &str = "stacked-mnist";

/// Images of StackedMNIST's training set (Lin et al., 2018, arXiv 1712.04086).
const STACKED_IMAGES: usize = 128_000;

/// Points of a toy data set.
const TOY_POINTS: usize = 50_000;

/// Seed of synthetic data sets, which are the same in every run.
const DATA_SEED: Seed = Seed(0);

impl DataConfig {
    /// Reads the data set, or generates a synthetic one.
    pub fn open(&self, parts: Parts) -> Result<DataSplits, RunError> {
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
    fn refuse_reading(&self) -> Result<(), RunError> {
        let option = match (self.image_size, self.held_out) {
            (Some(_), _) => "data.image_size",
            (_, Some(_)) => "data.held_out",
            _ => return Ok(()),
        };
        let text = format!(
            "`{option}`: {} is a synthetic data set, expected one that is read from files; leave the option \
             out, or give the folder as ./{}",
            self.path.display(),
            self.path.display()
        );
        Err(RunError::Refused(text))
    }

    /// The folder to read.
    pub fn folder(&self) -> &Path {
        self.found.as_deref().unwrap_or(&self.path)
    }

    /// Refuses points in the plane where images are needed.
    pub fn check_images(&self, asker: &str) -> Result<(), RunError> {
        if self.toy().is_none() {
            return Ok(());
        }
        Err(RunError::Points {
            path: self.path.clone(),
            asker: asker.to_string(),
        })
    }

    /// The distribution of points, if it is one.
    pub fn toy(&self) -> Option<Toy> {
        self.path.to_str().and_then(Toy::named)
    }

    /// Whether it is read from files, not synthetic.
    pub fn is_read(&self) -> bool {
        self.toy().is_none() && !self.is_stacked()
    }

    /// Whether it is read from a folder, not from the Hugging Face hub.
    pub fn is_folder(&self) -> bool {
        self.is_read() && hub_name(&self.path).is_none()
    }

    /// The folder that gives runs and the feature network their names. For `hub:NAME` it is data/NAME, where
    /// the same images lie when they are fetched to a folder.
    pub(crate) fn named_folder(&self) -> PathBuf {
        match hub_name(&self.path) {
            Some(name) => Path::new("data").join(name),
            None => self.folder().to_path_buf(),
        }
    }

    /// Whether an image is a stack of several images of a data set, one per channel.
    pub fn is_stacked(&self) -> bool {
        self.path == Path::new(STACKED)
    }

    /// The data set that the stacks are made of, or this one.
    pub fn base(&self) -> Self {
        let mut base = self.clone();
        if self.is_stacked() {
            base.path = Self::default().path;
        }
        base
    }

    /// The file of the data set's feature network, if one was trained: beside the folder, under its
    /// name.
    pub fn feature_network(&self) -> PathBuf {
        feature_network_beside(&self.named_folder())
    }

    /// Finds the data set of a run if its path does not exist here: a relative path is tried from the
    /// folders above the run, because the run was probably trained in one of them.
    pub(crate) fn locate(&mut self, run: &Path) {
        let base = self.base();
        if !base.is_folder() {
            return;
        }
        self.found = found_above(run, &base.path);
    }

    /// Refuses a run's data set that is not where it was.
    ///
    /// # Errors
    /// Says where it was looked for.
    pub fn check_found(&self, run: &Path) -> Result<(), RunError> {
        if !self.is_folder() || self.folder().exists() {
            return Ok(());
        }
        Err(not_found(run, &self.path))
    }

    /// How the data set is read.
    ///
    /// # Errors
    /// When an option is out of its range.
    pub fn read_options(&self) -> Result<ReadOptions, RunError> {
        let (channels, size) = (self.channels, self.image_size);
        Ok(ReadOptions::new(channels, size, self.held_out)?)
    }

    /// The whole data set, as images are scored against it. how_to_train: what to do to train its feature
    /// network, for messages.
    ///
    /// # Errors
    /// When it cannot be read, or holds points.
    pub fn evaluation_data(&self, how_to_train: String) -> Result<EvaluationData, RunError> {
        self.check_images("scores")?;
        let base = self.base();
        Ok(EvaluationData {
            splits: base.open(Parts::All)?,
            path: base.folder().to_path_buf(),
            feature_network: base.feature_network(),
            image_size: base.image_size,
            may_differ: false,
            how_to_train,
        })
    }
}

/// Where the relative path of a run's data leads from a folder above the run, if it does not exist here.
pub(crate) fn found_above(run: &Path, data: &Path) -> Option<PathBuf> {
    if data.is_absolute() || data.exists() {
        return None;
    }
    let run = run.canonicalize().unwrap_or_else(|_| run.to_path_buf());
    let above = run.ancestors().skip(1);
    let candidates = above.map(|folder| folder.join(data));
    // A run may have the name of its data.
    let holds_run = |path: &PathBuf| RunFolder::open(path).config().exists();
    candidates
        .filter(|path| path.exists())
        .find(|path| !holds_run(path))
}

/// The error that a run's data are not where they were.
pub(crate) fn not_found(run: &Path, data: &Path) -> RunError {
    RunError::refused(
        run,
        format!(
            "its data set {} was found neither here nor in a folder above the run. The path is relative \
             to the folder in which the run was trained: run the command there, or give `data.path`",
            data.display()
        ),
    )
}

/// A synthetic data set. Nothing is held out, since more can always be generated.
fn made(training: Dataset, what: &str) -> DataSplits {
    let (count, origin) = (training.len(), training.origin());
    let count = grouped(count as u64);
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
        validation: None,
        division: Division::Nothing {
            reason: "the data are synthetic".to_string(),
        },
    }
}
