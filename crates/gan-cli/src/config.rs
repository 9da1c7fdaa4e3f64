//! The configuration of a run: defaults ← file ← flags, built once and checked.

use crate::exit::WrongUse;
use crate::recipes::Recipe;
use anyhow::{Context, Result};
use gan_data::{Channels, ReadOptions};
use gan_models::ModelConfig;
use gan_sample::PixelRange;
use gan_train::TrainConfig;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that decides what a run computes. Its TOML form is what `--config` reads and what
/// a run folder's `config.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunConfig {
    /// The recipe that the configuration started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recipe: Option<String>,
    /// `cpu`, `cuda` or `cuda:N`.
    pub(crate) device: String,
    pub(crate) data: DataConfig,
    pub(crate) model: ModelConfig,
    pub(crate) train: TrainConfig,
    pub(crate) output: OutputConfig,
}

/// Which images to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataConfig {
    /// A folder of IDX files in MNIST's layout, of CIFAR-10, or of images; or the name of a synthetic
    /// data set: stacked-mnist, ring, grid, swissroll.
    pub(crate) path: PathBuf,
    /// Whether each training image is mirrored left to right with probability 1/2.
    pub(crate) mirror: bool,
    /// For a folder of images: the height and width to crop and resize to, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_size: Option<u32>,
    /// For a folder of images: gray, RGB, or auto, which is gray if all images are.
    pub(crate) channels: Channels,
    /// The share of the images that is held out if the data set has no test split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held_out: Option<f64>,
    /// Where the data set was found, if not at `path`.
    #[serde(skip)]
    pub(crate) found: Option<PathBuf>,
}

/// What to write while training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OutputConfig {
    /// Steps between sample grids; at least 1.
    pub(crate) sample_every: u64,
    /// Steps between log lines; at least 1.
    pub(crate) log_every: u64,
    /// Steps between scores; at least 1. None: no scores during training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evaluate_every: Option<u64>,
    /// Steps between checkpoints; at least 1. None: a minute of work, or 1000 if the run may roll back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint_every: Option<u64>,
    /// How many checkpoints are kept, besides the best; at least 1.
    pub(crate) keep_checkpoints: usize,
    /// Whether each sample grid of images has beside it a grid of the current batch, in training mode as
    /// in the tutorial.
    pub(crate) batch_grid: bool,
    /// How grids map numbers to brightness.
    pub(crate) pixel_range: PixelRange,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            recipe: None,
            device: "cpu".to_string(),
            data: DataConfig::default(),
            model: ModelConfig::default(),
            train: TrainConfig::default(),
            output: OutputConfig::default(),
        }
    }
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

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            sample_every: 2000,
            log_every: 100,
            evaluate_every: None,
            checkpoint_every: None,
            keep_checkpoints: 2,
            batch_grid: true,
            pixel_range: PixelRange::default(),
        }
    }
}

impl RunConfig {
    /// The defaults, overridden by a TOML file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_text(path)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        // The TOML reader's message shows the line and names what was expected there.
        toml::from_str(text)
            .map_err(|error| WrongUse(format!("{}: {error}", path.display())).into())
    }

    /// The defaults, overridden by a recipe and then by a TOML file, if given. `recipe` takes precedence
    /// over a recipe named in the file.
    pub(crate) fn layered(recipe: Option<&str>, file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else {
            return match recipe {
                Some(name) => Recipe::named(name)?.extended(toml::Table::new()),
                None => Ok(Self::default()),
            };
        };
        // Read by itself first, so that messages show the line.
        let text = read_text(path)?;
        let alone = Self::parse(&text, path)?;
        match recipe.or(alone.recipe.as_deref()) {
            None => Ok(alone),
            Some(name) => {
                let mut table: toml::Table = toml::from_str(&text)?;
                let recipe = Recipe::named(name)?;
                check_epochs(&table, &recipe, path)?;
                table.insert("recipe".to_string(), toml::Value::String(name.to_string()));
                recipe.extended(table)
            }
        }
    }

    /// The TOML form, every key included.
    pub(crate) fn to_toml(&self) -> Result<String> {
        toml::to_string(self).context(WrongUse(
            "the configuration cannot be written as TOML".to_string(),
        ))
    }

    /// Checks that every value is in its range, as far as possible without the data.
    pub(crate) fn validate(&self) -> Result<()> {
        self.model.validate()?;
        self.train.validate()?;
        self.data.read_options()?;
        self.check_points()?;
        for (key, value) in [
            ("sample_every", self.output.sample_every),
            ("log_every", self.output.log_every),
            ("evaluate_every", self.output.evaluate_every.unwrap_or(1)),
            (
                "checkpoint_every",
                self.output.checkpoint_every.unwrap_or(1),
            ),
            ("keep_checkpoints", self.output.keep_checkpoints as u64),
        ] {
            if value == 0 {
                let expected = "a whole number of at least 1";
                return Err(WrongUse(format!("output.{key} is 0, expected {expected}")).into());
            }
        }
        Ok(())
    }

    /// Points in the plane have no sides and no brightness.
    fn check_points(&self) -> Result<()> {
        let changed = match (self.data.mirror, self.train.augmentations.is_empty()) {
            (true, _) => "data.mirror",
            (_, false) => "train.augmentations",
            _ => return Ok(()),
        };
        self.data.check_images(changed)
    }
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .with_context(|| WrongUse(format!("{}: cannot be read", path.display())))
}

/// Refuses epochs alone in a file over a recipe that sets the length of the run in steps.
fn check_epochs(file: &toml::Table, recipe: &Recipe, path: &Path) -> Result<()> {
    let sets = |key: &str| {
        file.get("train")
            .is_some_and(|train| train.get(key).is_some())
    };
    match recipe.extended(toml::Table::new())?.train.steps {
        Some(steps) if sets("epochs") && !sets("steps") => Err(WrongUse(format!(
            "{}: sets train.epochs, but recipe {} sets the length of the run by train.steps = {steps}; set \
             that instead",
            path.display(),
            recipe.name,
        ))
        .into()),
        _ => Ok(()),
    }
}

impl DataConfig {
    /// How the data set is read.
    pub(crate) fn read_options(&self) -> Result<ReadOptions> {
        Ok(ReadOptions::new(
            self.channels,
            self.image_size,
            self.held_out,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toml_form_is_read_back_as_it_was() {
        let mut config = RunConfig::default();
        config.train.steps = Some(7);
        config.data.image_size = Some(32);
        let text = config.to_toml().unwrap();
        assert_eq!(toml::from_str::<RunConfig>(&text).unwrap(), config);
    }

    #[test]
    fn a_file_sets_what_it_names_and_leaves_the_rest() {
        let config: RunConfig = toml::from_str("[train]\nepochs = 3\n").unwrap();
        let mut expected = RunConfig::default();
        expected.train.epochs = 3;
        assert_eq!(config, expected);
    }

    #[test]
    fn epochs_over_a_recipe_of_steps_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        for (text, is_refused) in [
            ("recipe = 'best'\n[train]\nepochs = 3\n", true),
            ("recipe = 'best'\n[train]\nepochs = 3\nsteps = 70\n", false),
            ("recipe = 'tutorial'\n[train]\nepochs = 3\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = RunConfig::layered(None, Some(&path));
            assert_eq!(read.is_err(), is_refused, "{text}");
        }
    }

    #[test]
    fn points_are_neither_mirrored_nor_augmented() {
        for (change, key) in [
            ("[data]\nmirror = true", "data.mirror"),
            ("[train]\naugmentations = ['cutout']", "train.augmentations"),
        ] {
            let mut config: RunConfig = toml::from_str(change).unwrap();
            config.validate().unwrap();
            config.data.path = PathBuf::from("ring");
            let error = config.validate().unwrap_err().to_string();
            assert!(
                error.contains("ring: a data set of points, expected one of images"),
                "{error}"
            );
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_by_name_at_every_level() {
        for (text, key) in [
            ("devise = 'cpu'", "devise"),
            ("[data]\nroot = 'x'", "root"),
            ("[model]\nlayers = 3", "layers"),
            ("[train]\nlearning_rate = 1", "learning_rate"),
            ("[output]\nevery = 1", "every"),
        ] {
            let error = toml::from_str::<RunConfig>(text).unwrap_err().to_string();
            assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
        }
    }
}
