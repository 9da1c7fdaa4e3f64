//! The configuration of a run, as files hold it.

use crate::describe::name;
use crate::layers::{refused, sets};
use crate::{Configuration, DataConfig, RunError};
use gan_core::{Range, check_ranges};
use gan_models::{ArchitectureKind, ModelConfig};
use gan_sample::PixelRange;
use gan_train::{Precision, TrainConfig};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Everything that decides what a run computes. Its TOML form is what [`layered`](Configuration::layered)
/// reads and what a run folder's `config.toml` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The recipe that the configuration started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// `cpu`, `cuda` or `cuda:N`.
    pub device: String,
    /// Which images to learn from.
    pub data: DataConfig,
    /// Which networks to build.
    pub model: ModelConfig,
    /// How to train them.
    pub train: TrainConfig,
    /// What to write.
    pub output: OutputConfig,
}

/// What to write while training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// Steps between sample grids; at least 1.
    pub sample_every: u64,
    /// Steps between log lines; at least 1.
    pub log_every: u64,
    /// Steps between scores; at least 1. None: no scores during training.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub evaluate_every: Option<u64>,
    /// By which of these scores the best checkpoint is chosen.
    #[serde(skip_serializing_if = "BestBy::is_default")]
    pub best_by: BestBy,
    /// Steps between checkpoints; at least 1. None: a minute of work, or 1000 if the run may roll back.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub checkpoint_every: Option<u64>,
    /// How many checkpoints are kept, besides the best; at least 1.
    pub keep_checkpoints: usize,
    /// Whether each sample grid of images has beside it a grid of the current batch, in training mode as
    /// in the tutorial.
    pub batch_grid: bool,
    /// How grids map numbers to brightness.
    pub pixel_range: PixelRange,
}

/// The score that chooses the best checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BestBy {
    /// FID; KID, if there are too few images.
    #[default]
    Fid,
    /// The Parzen window's log-likelihood of the images that `data.held_out` keeps apart.
    Parzen,
}

impl BestBy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
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

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            sample_every: 2000,
            log_every: 100,
            evaluate_every: None,
            best_by: BestBy::default(),
            checkpoint_every: None,
            keep_checkpoints: 2,
            batch_grid: true,
            pixel_range: PixelRange::default(),
        }
    }
}

impl Configuration for RunConfig {
    fn validate(&self) -> Result<(), RunError> {
        self.model.validate()?;
        self.train.validate()?;
        self.data.read_options()?;
        self.check_points()?;
        self.check_precision()?;
        let output = &self.output;
        let at_least_one = Range::AtLeastOne;
        check_ranges(&[
            (
                "output.sample_every",
                output.sample_every.into(),
                at_least_one,
            ),
            ("output.log_every", output.log_every.into(), at_least_one),
            (
                "output.evaluate_every",
                output.evaluate_every.into(),
                at_least_one,
            ),
            (
                "output.checkpoint_every",
                output.checkpoint_every.into(),
                at_least_one,
            ),
            (
                "output.keep_checkpoints",
                output.keep_checkpoints.into(),
                at_least_one,
            ),
        ])?;
        Ok(())
    }

    fn default_tables() -> Result<Vec<Table>, RunError> {
        let own = Table::try_from(Self::default()).map_err(refused)?;
        let mut dcgan = Self::default();
        dcgan.model.set_architecture(ArchitectureKind::Dcgan);
        Ok(vec![own, Table::try_from(dcgan).map_err(refused)?])
    }

    fn make_room(own: &mut Table, over: &Table) {
        if let (Some(Value::Table(own)), Some(Value::Table(over))) =
            (own.get_mut("model"), over.get("model"))
        {
            drop_options_of_another_architecture(own, over);
        }
        if let (Some(Value::Table(own)), Some(Value::Table(over))) =
            (own.get_mut("train"), over.get("train"))
        {
            for (decisive, options) in DECISIVE_IN_TRAIN {
                if over.contains_key(decisive) && over.get(decisive) != own.get(decisive) {
                    options.iter().for_each(|key| _ = own.remove(*key));
                }
            }
        }
    }

    fn check_length(&self, over: &Table, names: [&str; 2]) -> Result<(), RunError> {
        check_epochs(self, over, names)
    }

    fn keep_found(&self, over: &Table, config: &mut Self) {
        let found = self.data.found.clone();
        config.data.found = found.filter(|_| !sets(over, "data", "path"));
    }
}

/// Keys of `[train]`, with those that belong to one value of them.
const DECISIVE_IN_TRAIN: [(&str, &[&str]); 2] = [
    (
        "optimizer",
        &["momentum", "final_momentum", "momentum_steps"],
    ),
    ("lr_schedule", &["lr_decay", "lr_floor"]),
];

/// Options of an architecture have no meaning for another.
fn drop_options_of_another_architecture(own: &mut Table, over: &Table) {
    let kind = over.get("architecture").cloned();
    if let Some(Ok(kind)) = kind.map(Value::try_into) {
        let kept = ModelConfig::keys_of(kind);
        let all = ModelConfig::ARCHITECTURE_KEYS.into_iter();
        for key in all.filter(|key| !kept.contains(key)) {
            own.remove(key);
        }
    }
}

/// Refuses epochs alone where the length of the run is set in steps.
fn check_epochs(
    base: &RunConfig,
    table: &Table,
    [epochs, steps]: [&str; 2],
) -> Result<(), RunError> {
    match base.train.steps {
        Some(length) if sets(table, "train", "epochs") && !sets(table, "train", "steps") => {
            Err(RunError::Refused(format!(
                "{epochs} is set, but train.steps = {length}, as the recipe or configuration has it, sets the \
                 length of the run; set {steps} instead"
            )))
        }
        _ => Ok(()),
    }
}

impl RunConfig {
    /// Points in the plane have no sides and no brightness.
    /// The CPU's products are f32's.
    fn check_precision(&self) -> Result<(), RunError> {
        let precision = self.train.precision;
        if precision == Precision::F32 || self.device != "cpu" {
            return Ok(());
        }
        Err(RunError::Refused(format!(
            "`train.precision` is {}, expected f32: the others are for `device = cuda`",
            name(&precision)
        )))
    }

    fn check_points(&self) -> Result<(), RunError> {
        let changed = match (self.data.mirror, self.train.augmentations.is_empty()) {
            (true, _) => "data.mirror",
            (_, false) => "train.augmentations",
            _ => return Ok(()),
        };
        self.data.check_images(changed)
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
    fn points_are_neither_mirrored_nor_augmented() {
        for (change, key) in [
            ("[data]\nmirror = true", "data.mirror"),
            ("[train]\naugmentations = ['cutout']", "train.augmentations"),
        ] {
            let mut config: RunConfig = toml::from_str(change).unwrap();
            config.validate().unwrap();
            config.data.path = std::path::PathBuf::from("ring");
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
