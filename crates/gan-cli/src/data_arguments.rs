//! Which data set is meant, and how its images are read.

use crate::commands::by_name;
use crate::config::DataConfig;
use anyhow::Result;
use gan_data::{Channels, Dataset, Split};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct DataArguments {
    /// Folder of IDX files in MNIST's layout, or of PNG and JPEG images [default: that
    /// of the configuration or the run, else data/mnist]
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

impl DataConfig {
    /// Reads one split.
    pub(crate) fn open(&self, split: Split) -> Result<Dataset> {
        Ok(gan_data::open(
            &self.path,
            &self.image_folder_options()?,
            split,
        )?)
    }

    /// The file that holds the data set's feature network, where one was trained: beside the
    /// folder, under its name.
    pub(crate) fn feature_network(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path
            .with_file_name(format!("{name}.classifier.safetensors"))
    }
}
