//! Recipes: named configurations, each a TOML file in the binary.

use crate::{Configuration, Kind, RunError};
use serde::Deserialize;
use std::fmt::Display;
use toml::{Table, Value};

/// The files, in the order in which they are listed.
const FILES: [(&str, &str); 17] = [
    ("tutorial", include_str!("../recipes/tutorial.toml")),
    ("paper-2014", include_str!("../recipes/paper-2014.toml")),
    ("best", include_str!("../recipes/best.toml")),
    ("fast", include_str!("../recipes/fast.toml")),
    ("dcgan", include_str!("../recipes/dcgan.toml")),
    ("cgan", include_str!("../recipes/cgan.toml")),
    ("lsgan", include_str!("../recipes/lsgan.toml")),
    ("wgan-gp", include_str!("../recipes/wgan-gp.toml")),
    ("hinge-sn", include_str!("../recipes/hinge-sn.toml")),
    ("r3gan-small", include_str!("../recipes/r3gan-small.toml")),
    ("best-stacked", include_str!("../recipes/best-stacked.toml")),
    ("ring", include_str!("../recipes/ring.toml")),
    ("names", include_str!("../recipes/names.toml")),
    ("mle", include_str!("../recipes/mle.toml")),
    ("seqgan", include_str!("../recipes/seqgan.toml")),
    ("relgan", include_str!("../recipes/relgan.toml")),
    ("leakgan", include_str!("../recipes/leakgan.toml")),
];

/// A configuration that a run can start from.
pub struct Recipe {
    /// Its name.
    pub name: &'static str,
    /// The whole file.
    text: &'static str,
    /// What it says about itself.
    pub about: About,
    /// What it sets.
    config: Table,
}

/// The file's table `[recipe]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What it is, in one line.
    pub about: String,
    /// Its training time on two cores.
    pub time: String,
    /// Its scores.
    pub scores: String,
    /// Flags of a shorter run whose scores are checked, for `xtask`.
    #[serde(default, rename = "check")]
    _check: String,
    /// The least and greatest values allowed for each score of `evaluate`.
    #[serde(default, rename = "expected")]
    _expected: Table,
}

impl Recipe {
    /// All of them, in the order in which they are listed.
    ///
    /// # Errors
    /// When a recipe's file is wrong, which the tests exclude.
    pub fn all() -> Result<Vec<Self>, RunError> {
        let parse = |(name, text): (&'static str, &'static str)| Self::parse(name, text);
        FILES.into_iter().map(parse).collect()
    }

    /// The recipe of this name.
    ///
    /// # Errors
    /// Lists the names, when there is no such recipe.
    pub fn named(name: &str) -> Result<Self, RunError> {
        match FILES.into_iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Self::parse(name, text),
            None => {
                let known = FILES.map(|(name, _)| name).join(", ");
                let text = format!("there is no recipe `{name}`, expected one of {known}");
                Err(RunError::Refused(text))
            }
        }
    }

    /// What it trains.
    pub fn kind(&self) -> Kind {
        Kind::of_table(&self.config)
    }

    fn parse(name: &'static str, text: &'static str) -> Result<Self, RunError> {
        let wrong = |error: toml::de::Error| wrong(name, error);
        let mut config: Table = toml::from_str(text).map_err(wrong)?;
        let about = config
            .insert("recipe".to_string(), Value::String(name.to_string()))
            .unwrap_or(Value::Table(Table::new()));
        Ok(Self {
            name,
            text,
            about: about.try_into().map_err(wrong)?,
            config,
        })
    }

    /// A configuration file with the same effect as the recipe: the recipe's own file, with the table
    /// `[recipe]` as comments.
    pub fn as_config(&self) -> String {
        let About {
            about,
            time,
            scores,
            ..
        } = &self.about;
        let name = self.name;
        let mut text = format!("# {name}: {about}.\n# {time}; {scores}.\n");
        let mut is_about = false;
        let (mut comments, mut tables) = (String::new(), String::new());
        for line in self.text.lines() {
            if line.starts_with('[') {
                is_about = line.starts_with("[recipe]") || line.starts_with("[recipe.");
            }
            if is_about {
                continue;
            }
            let part = if tables.is_empty() && !line.starts_with('[') {
                &mut comments
            } else {
                &mut tables
            };
            *part += line;
            part.push('\n');
        }
        if !comments.trim().is_empty() {
            text += &format!("#\n{}\n", comments.trim());
        }
        text += &format!("\nrecipe = \"{name}\"\n");
        if !tables.is_empty() {
            text += &format!("\n{}\n", tables.trim());
        }
        text
    }

    /// The defaults with what the recipe sets.
    ///
    /// # Errors
    /// When the recipe's file is wrong, which the tests exclude.
    pub fn config<C: Configuration>(&self) -> Result<C, RunError> {
        let config = self.config.clone();
        config.try_into().map_err(|error| wrong(self.name, error))
    }
}

/// The error that a file in the program is wrong.
fn wrong(name: &str, error: impl Display) -> RunError {
    RunError::Refused(format!("recipe {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunConfig, TextRunConfig};
    use std::path::Path;

    fn checked<C: Configuration>(config: C) -> C {
        config.validate().unwrap();
        config
    }

    #[test]
    fn every_recipe_is_a_valid_configuration() {
        for recipe in Recipe::all().unwrap() {
            let named = match recipe.kind() {
                Kind::Images => checked(recipe.config::<RunConfig>().unwrap()).recipe,
                Kind::Text => checked(recipe.config::<TextRunConfig>().unwrap()).recipe,
            };
            assert_eq!(named.as_deref(), Some(recipe.name));
            assert!(recipe.about.about.len() > 20, "{}", recipe.name);
        }
    }

    fn check_same<C: Configuration + PartialEq + std::fmt::Debug>(name: &str, path: &Path) {
        let expected = C::layered(Some(name), None).unwrap();
        assert_eq!(C::layered(None, Some(path)).unwrap(), expected, "{name}");
    }

    #[test]
    fn a_printed_recipe_is_a_configuration_that_means_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for recipe in Recipe::all().unwrap() {
            let path = folder.path().join(recipe.name);
            std::fs::write(&path, recipe.as_config()).unwrap();
            match recipe.kind() {
                Kind::Images => check_same::<RunConfig>(recipe.name, &path),
                Kind::Text => check_same::<TextRunConfig>(recipe.name, &path),
            }
            let text = recipe.as_config();
            for part in [
                &recipe.about.about,
                &recipe.about.time,
                &recipe.about.scores,
            ] {
                assert!(text.contains(part), "{part} is missing in {text}");
            }
            // What the recipe sets is in the file itself, not only in the configuration that it overrides.
            let mut alone: Table = toml::from_str(&text).unwrap();
            let name = Value::String(recipe.name.to_string());
            assert_eq!(alone.remove("recipe"), Some(name));
            let mut config = recipe.config.clone();
            config.remove("recipe");
            assert_eq!(alone, config);
        }
    }

    #[test]
    fn the_tutorial_is_the_default() {
        let tutorial = Recipe::named("tutorial").unwrap();
        let mut config = tutorial.config::<RunConfig>().unwrap();
        config.recipe = None;
        assert_eq!(config, RunConfig::default());
    }

    #[test]
    fn a_file_extends_a_recipe_key_by_key() {
        let file = toml::from_str("[train]\nsteps = 7\n[model]\nwidth = 8\n").unwrap();
        let best = Recipe::named("best").unwrap();
        let config = best
            .config::<RunConfig>()
            .unwrap()
            .overridden(file)
            .unwrap();
        let mut expected = best.config::<RunConfig>().unwrap();
        expected.train.steps = Some(7);
        expected.model.set_width(8).unwrap();
        assert_eq!(config, expected);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Recipe::named("tutorail").err().unwrap().to_string();
        assert!(
            error.contains("tutorail") && error.contains("tutorial, paper-2014"),
            "{error}"
        );
    }
}
