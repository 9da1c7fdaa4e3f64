//! The configuration of a run of text, as files hold it.

use super::TextDataConfig;
use crate::layers::{refused, sets};
use crate::{Configuration, RunError};
use gan_core::{Range, check_ranges};
use gan_text::{
    AdversaryConfig, GeneratorConfig, LeakganConfig, RelganConfig, ScratchConfig, SeqganConfig,
    TextTrainConfig,
};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Everything that decides what a run of text computes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextRunConfig {
    /// Tells it from the configuration of a run of images, which has no such key.
    kind: TextKind,
    /// The recipe that the configuration started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// Which texts to learn from.
    pub data: TextDataConfig,
    /// The generator's sizes.
    pub model: GeneratorConfig,
    /// How to train it.
    pub train: TextTrainConfig,
    /// What follows maximum likelihood.
    pub adversary: AdversaryConfig,
    /// What to write.
    pub output: TextOutputConfig,
}

/// The only kind of run that has this configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TextKind {
    #[default]
    Text,
}

/// What to write while training. A part is a step of the generator or a round of the discriminator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextOutputConfig {
    /// Steps between samples of twenty texts; at least 1.
    pub sample_every: u64,
    /// Steps between log lines; at least 1. A discriminator's round always has a line.
    pub log_every: u64,
    /// Steps between scores, by which the best checkpoint is chosen; at least 1.
    pub evaluate_every: u64,
    /// Parts between checkpoints; at least 1. None: a minute of work.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub checkpoint_every: Option<u64>,
    /// How many checkpoints are kept, besides the best; at least 1.
    pub keep_checkpoints: usize,
}

impl Default for TextOutputConfig {
    fn default() -> Self {
        Self {
            sample_every: 1000,
            log_every: 100,
            evaluate_every: 500,
            checkpoint_every: None,
            keep_checkpoints: 2,
        }
    }
}

impl TextRunConfig {
    /// The recipe of a run that names none.
    pub const RECIPE: &str = "mle";
}

impl Configuration for TextRunConfig {
    fn validate(&self) -> Result<(), RunError> {
        self.model.validate()?;
        self.train.validate()?;
        self.adversary.validate()?;
        self.data.check()?;
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
        if self.train.epochs == 0 && self.adversary.steps() == 0 {
            let text = "train.epochs is 0, expected at least 1, as there is no `adversary.method`";
            return Err(RunError::Refused(text.to_string()));
        }
        Ok(())
    }

    fn default_tables() -> Result<Vec<Table>, RunError> {
        let methods = [
            AdversaryConfig::default(),
            AdversaryConfig::Seqgan(SeqganConfig::default()),
            AdversaryConfig::Relgan(RelganConfig::default()),
            AdversaryConfig::Leakgan(LeakganConfig::default()),
            AdversaryConfig::Scratch(ScratchConfig::default()),
        ];
        let table = |adversary| {
            let config = Self {
                adversary,
                ..Self::default()
            };
            Table::try_from(config).map_err(refused)
        };
        // A run without a recipe has this one.
        let first = Table::try_from(Self::layered(Some(Self::RECIPE), None)?).map_err(refused);
        std::iter::once(first)
            .chain(methods.into_iter().map(table))
            .collect()
    }

    /// Keys of a method have no meaning for another.
    fn make_room(own: &mut Table, over: &Table) {
        let method = |table: &Table| table.get("adversary")?.get("method").cloned();
        if let Some(now) = method(over)
            && method(own) != Some(now)
        {
            own.insert("adversary".to_string(), Value::Table(Table::new()));
        }
    }

    fn keep_found(&self, over: &Table, config: &mut Self) {
        let found = self.data.found.clone();
        config.data.found = found.filter(|_| !sets(over, "data", "path"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toml_form_is_read_back_as_it_was_and_says_what_it_is_of() {
        let mut config = TextRunConfig {
            adversary: AdversaryConfig::Seqgan(SeqganConfig::default()),
            ..TextRunConfig::default()
        };
        config.data.path = "oracle".into();
        let text = config.to_toml().unwrap();
        assert!(text.starts_with("kind = \"text\"\n"), "{text}");
        assert_eq!(toml::from_str::<TextRunConfig>(&text).unwrap(), config);
    }

    #[test]
    fn unknown_keys_are_refused_by_name_at_every_level() {
        for (text, key) in [
            ("devise = 'cpu'", "devise"),
            ("[data]\nroot = 'x'", "root"),
            ("[model]\nlayers = 3", "layers"),
            ("[train]\nlearning_rate = 1", "learning_rate"),
            ("[adversary]\nmethod = 'seqgan'\nrollout = 1", "rollout"),
            ("[output]\nevery = 1", "every"),
        ] {
            let error = toml::from_str::<TextRunConfig>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
        }
    }

    #[test]
    fn keys_of_another_method_are_dropped_and_texts_are_set_by_key() {
        let config = TextRunConfig::default()
            .with([
                ("adversary.method", "seqgan"),
                ("adversary.rollouts", "3"),
                ("adversary.widths", "1,2"),
                ("adversary.filters", "8,8"),
                ("adversary.reward", "constant"),
                ("data.tokens", "jamo"),
                ("data.held_out", "0.2"),
                ("train.steps", "7"),
            ])
            .unwrap();
        config.validate().unwrap();
        let AdversaryConfig::Seqgan(seqgan) = &config.adversary else {
            panic!("{config:?}");
        };
        assert_eq!((seqgan.rollouts, &seqgan.widths[..]), (3, &[1, 2][..]));
        let none = config.with([("adversary.method", "none")]).unwrap();
        assert_eq!(none.adversary, AdversaryConfig::default());
        let error = none.with([("adversary.rollouts", "3")]).unwrap_err();
        assert!(error.to_string().contains("rollouts"), "{error}");
    }
}
