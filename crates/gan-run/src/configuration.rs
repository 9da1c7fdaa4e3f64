//! What every kind of run's configuration can do: be read, written, and made in layers.

use crate::RunError;
use crate::layers::{layered, merged, refused};
use crate::settings::{self, Defaults};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::Table;

/// A configuration, which is a TOML file, made in layers: defaults ← recipe ← file ← what the caller sets.
pub trait Configuration: Clone + Default + Serialize + DeserializeOwned {
    /// Checks that every value is in its range, as far as possible without the data.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    fn validate(&self) -> Result<(), RunError>;

    /// The defaults of all keys: a table that has a key decides its type for [`with`](Self::with).
    #[doc(hidden)]
    fn default_tables() -> Result<Vec<Table>, RunError>;

    /// Removes from this configuration's own table what has no meaning beside the values of `over`.
    #[doc(hidden)]
    fn make_room(_own: &mut Table, _over: &Table) {}

    /// Refuses what `over` sets without an effect; the names are those of `train.epochs` and `train.steps` in messages.
    #[doc(hidden)]
    fn check_length(&self, _over: &Table, _names: [&str; 2]) -> Result<(), RunError> {
        Ok(())
    }

    /// Where the data set was found, if that still holds under `over`.
    #[doc(hidden)]
    fn keep_found(&self, _over: &Table, _config: &mut Self) {}

    /// The defaults, overridden by a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read, or has an unknown key or a value of another type.
    fn read(path: &Path) -> Result<Self, RunError> {
        Self::parse(&read_text(path)?, path)
    }

    /// The same for the text of the file at `path`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    fn parse(text: &str, path: &Path) -> Result<Self, RunError> {
        // The TOML reader's message shows the line and names what was expected there.
        toml::from_str(text).map_err(|error| RunError::refused(path, error))
    }

    /// The TOML form, every key included.
    ///
    /// # Errors
    /// When a path is not valid text.
    fn to_toml(&self) -> Result<String, RunError> {
        toml::to_string(self).map_err(|error| {
            let text = format!("the configuration cannot be written as TOML: {error}");
            RunError::Refused(text)
        })
    }

    /// The defaults, overridden by a recipe and then by a TOML file, if given. `recipe` takes precedence
    /// over a recipe named in the file.
    ///
    /// # Errors
    /// Those of [`read`](Self::read) and [`overridden`](Self::overridden); when there is no such recipe.
    fn layered(recipe: Option<&str>, file: Option<&Path>) -> Result<Self, RunError> {
        layered(recipe, file)
    }

    /// The same configuration with the values of `table`, such as `train.lr`, in place of its own. The text
    /// `none` unsets an optional value. Options of another architecture or method than the table's are dropped.
    ///
    /// # Errors
    /// When a key is unknown or a value has another type; when `table` sets a length without an effect.
    fn overridden(&self, table: Table) -> Result<Self, RunError> {
        self.check_length(&table, ["train.epochs", "train.steps"])?;
        let mut own: Table = toml::from_str(&self.to_toml()?).map_err(refused)?;
        Self::make_room(&mut own, &table);
        let mut config: Self = merged(own, table.clone()).try_into().map_err(refused)?;
        self.keep_found(&table, &mut config);
        Ok(config)
    }

    /// The same configuration with each key, such as `train.lr`, set to a text: a number, a word, `true`, or
    /// words with commas between for a list. `none` unsets a value.
    ///
    /// # Errors
    /// Those of [`overridden`](Self::overridden); when a whole number is too large for a file.
    fn with<'a>(
        &self,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, RunError> {
        settings::with(self, settings)
    }

    /// The defaults of all keys.
    fn defaults() -> Defaults {
        Defaults::new(Self::default_tables().unwrap_or_default())
    }
}

pub(crate) fn read_text(path: &Path) -> Result<String, RunError> {
    std::fs::read_to_string(path).map_err(RunError::unusable(format!(
        "{}: cannot be read",
        path.display()
    )))
}
