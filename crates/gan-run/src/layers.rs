//! A configuration in layers: defaults ← recipe ← file ← what the caller sets.

use crate::configuration::read_text;
use crate::{Configuration, Recipe, RunError};
use std::fmt::Display;
use std::path::Path;
use toml::{Table, Value};

/// The defaults ← a recipe ← a file.
pub(crate) fn layered<C: Configuration>(
    recipe: Option<&str>,
    file: Option<&Path>,
) -> Result<C, RunError> {
    let Some(path) = file else {
        return match recipe {
            Some(name) => Recipe::named(name)?.config(),
            None => Ok(C::default()),
        };
    };
    let text = read_text(path)?;
    let alone = || C::parse(&text, path);
    let Ok(mut table) = text.parse::<Table>() else {
        return alone();
    };
    let Some(name) = recipe.or(named_recipe(&table)).map(str::to_string) else {
        return alone();
    };
    let recipe: C = Recipe::named(&name)?.config()?;
    table.insert("recipe".to_string(), Value::String(name));
    // If the two together cannot be read, the message about the file alone shows the line. It cannot be
    // read first: it may set options of the recipe's architecture or method.
    recipe.overridden(table).or_else(|error| {
        alone()?;
        Err(RunError::refused(path, error))
    })
}

/// The recipe that a file names.
pub(crate) fn named_recipe(table: &Table) -> Option<&str> {
    table.get("recipe").and_then(Value::as_str)
}

pub(crate) fn refused(error: impl Display) -> RunError {
    RunError::Refused(error.to_string().trim_end().to_string())
}

/// `base` with the values of `over`, table by table.
pub(crate) fn merged(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        match (base.remove(&key), value) {
            (Some(Value::Table(own)), Value::Table(table)) => {
                base.insert(key, Value::Table(merged(own, table)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}

/// Whether a table sets a key of a section.
pub(crate) fn sets(table: &Table, section: &str, key: &str) -> bool {
    let section = table.get(section);
    section.is_some_and(|section| section.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use crate::{Configuration, RunConfig};

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
