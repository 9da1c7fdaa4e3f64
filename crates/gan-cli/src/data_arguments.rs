//! Which data set is meant, and how its images are read.

use crate::commands::by_name;
use crate::config::DataConfig;
use crate::exit::WrongUse;
use anyhow::Result;
use gan_core::Seed;
use gan_data::{Channels, Dataset, Split, Toy};
use std::path::{Path, PathBuf};

#[derive(Clone, clap::Args)]
pub(crate) struct DataArguments {
    /// Folder of IDX files in MNIST's layout, of CIFAR-10, or of PNG and JPEG images; or
    /// stacked-mnist, ring, grid or swissroll [default: that of the configuration or the run, else
    /// data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// For a folder of images: crop and resize to N by N pixels
    #[arg(long, value_name = "N")]
    image_size: Option<u32>,
    /// For a folder of images: gray or rgb [default: rgb]
    #[arg(long, value_parser = by_name::<Channels>)]
    channels: Option<Channels>,
}

impl DataArguments {
    /// `config` with what was given instead.
    pub(crate) fn over(&self, mut config: DataConfig) -> DataConfig {
        if let Some(path) = &self.data {
            config.path.clone_from(path);
        }
        if let Some(image_size) = self.image_size {
            config.image_size = Some(image_size);
        }
        if let Some(channels) = self.channels {
            config.channels = channels;
        }
        config
    }
}

/// What `--data` calls StackedMNIST.
const STACKED: &str = "stacked-mnist";

/// Images of StackedMNIST's training set (Lin et al., 2018, arXiv 1712.04086).
const STACKED_IMAGES: usize = 128_000;

/// Points of a toy data set.
const TOY_POINTS: usize = 50_000;

/// A data set that is made, not read, is the same in every run.
const DATA_SEED: Seed = Seed(0);

impl DataConfig {
    /// Reads one split, or makes it.
    pub(crate) fn open(&self, split: Split) -> Result<Dataset> {
        if let Some(toy) = self.toy() {
            return Ok(toy.dataset(TOY_POINTS, DATA_SEED)?);
        }
        let base = self.base();
        let data = gan_data::open(&base.path, &self.image_folder_options()?, split)?;
        if self.is_stacked() {
            return Ok(gan_data::stacked(&data, STACKED_IMAGES, DATA_SEED)?);
        }
        Ok(data)
    }

    /// Refuses points in the plane, for what asks for images.
    pub(crate) fn check_images(&self, asker: &str) -> Result<()> {
        if self.toy().is_none() {
            return Ok(());
        }
        let text = format!(
            "{}: its points are no images, expected a data set of images for {asker}; a run's \
             samples/ show how its points lie",
            self.path.display()
        );
        Err(WrongUse(text).into())
    }

    /// The distribution of points, if it is one.
    pub(crate) fn toy(&self) -> Option<Toy> {
        self.path.to_str().and_then(Toy::named)
    }

    /// Whether images of a data set are stacked in the channels of one.
    pub(crate) fn is_stacked(&self) -> bool {
        self.path == Path::new(STACKED)
    }

    /// The data set that is stacked, or this one.
    pub(crate) fn base(&self) -> Self {
        let mut base = self.clone();
        if self.is_stacked() {
            base.path = Self::default().path;
        }
        base
    }

    /// The file that holds the data set's feature network, where one was trained: beside the
    /// folder, under its name.
    pub(crate) fn feature_network(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path
            .with_file_name(format!("{name}.classifier.safetensors"))
    }
}
