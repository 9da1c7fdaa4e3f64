//! A configuration in layers: defaults ← recipe ← file ← what the caller sets.

use crate::config::read_text;
use crate::{Recipe, RunConfig, RunError};
use gan_models::ModelConfig;
use std::fmt::Display;
use std::path::Path;
use toml::{Table, Value};

impl RunConfig {
    /// The defaults, overridden by a recipe and then by a TOML file, if given. `recipe` takes precedence
    /// over a recipe named in the file.
    ///
    /// # Errors
    /// Those of [`read`](Self::read) and [`overridden`](Self::overridden); when there is no such recipe.
    pub fn layered(recipe: Option<&str>, file: Option<&Path>) -> Result<Self, RunError> {
        let Some(path) = file else {
            return match recipe {
                Some(name) => Recipe::named(name)?.config(),
                None => Ok(Self::default()),
            };
        };
        let text = read_text(path)?;
        let alone = || Self::parse(&text, path);
        let Ok(mut table) = text.parse::<Table>() else {
            return alone();
        };
        let named = table.get("recipe").and_then(Value::as_str);
        let Some(name) = recipe.or(named).map(str::to_string) else {
            return alone();
        };
        let recipe = Recipe::named(&name)?.config()?;
        table.insert("recipe".to_string(), Value::String(name));
        // If the two together cannot be read, the message about the file alone shows the line. It cannot be
        // read first: it may set options of the recipe's architecture.
        recipe.overridden(table).or_else(|error| {
            alone()?;
            Err(RunError::refused(path, error))
        })
    }

    /// The same configuration with the values of `table`, such as `train.lr`, in place of its own. The text
    /// `none` unsets an optional value. Options of another architecture than the table's are dropped.
    ///
    /// # Errors
    /// When a key is unknown or a value has another type; when `table` sets epochs, but the length of the
    /// run is set in steps.
    pub fn overridden(&self, table: Table) -> Result<Self, RunError> {
        let found = self
            .data
            .found
            .clone()
            .filter(|_| !sets(&table, "data", "path"));
        check_epochs(self, &table, ["train.epochs", "train.steps"])?;
        let own: Table = toml::from_str(&self.to_toml()?).map_err(refused)?;
        let mut config: Self = merged(own, table).try_into().map_err(refused)?;
        config.data.found = found;
        Ok(config)
    }
}

fn refused(error: impl Display) -> RunError {
    RunError::Refused(error.to_string().trim_end().to_string())
}

/// `base` with the values of `over`, table by table.
fn merged(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        match (base.remove(&key), value) {
            (Some(Value::Table(mut own)), Value::Table(table)) => {
                if key == "model" {
                    drop_options_of_another_architecture(&mut own, &table);
                }
                base.insert(key, Value::Table(merged(own, table)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}

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

fn sets(table: &Table, section: &str, key: &str) -> bool {
    let section = table.get(section);
    section.is_some_and(|section| section.get(key).is_some())
}

/// Refuses epochs alone where the length of the run is set in steps; the names are those of the two keys in
/// messages.
pub(crate) fn check_epochs(
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_file_over_a_recipe_sets_options_of_the_recipes_architecture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            RunConfig::layered(None, Some(&path))
        };
        let config = read("recipe = 'best'\n[model]\nwidth = 8\nclasses = 'none'\n").unwrap();
        let mut expected = RunConfig::layered(Some("best"), None).unwrap();
        expected.model.set_width(8).unwrap();
        expected.model.classes = None;
        assert_eq!(config, expected);
        for (text, part) in [
            (
                "[model]\nwidth = 8\n",
                "architecture mlp has no such option",
            ),
            ("recipe = 'best'\n[model]\nheight = 8\n", "line 3"),
            (
                "recipe = 'best'\n[model]\ngenerator_widths = [8]\n",
                "generator_widths is set",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn another_architecture_drops_the_options_that_it_does_not_have() {
        let best = RunConfig::layered(Some("best"), None).unwrap();
        let over = |text: &str| best.overridden(toml::from_str(text).unwrap());
        let mlp = over("[model]\narchitecture = 'mlp'\n").unwrap();
        assert_eq!(mlp.model.architecture, gan_models::Architecture::default());
        over("[model]\narchitecture = 'mlp'\nwidth = 8\n").unwrap_err();
    }
}
