//! Single values of a configuration by their keys, as texts.

use crate::{Configuration, RunError};
use toml::{Table, Value};

/// Keys that decide which others there are.
const DECISIVE: [&str; 2] = ["model.architecture", "adversary.method"];

/// What unsets a value, and stands for one that is not set.
const NONE: &str = "none";

/// A configuration with each key set to a text.
pub(crate) fn with<'a, C: Configuration>(
    config: &C,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<C, RunError> {
    let defaults = C::default_tables()?;
    let mut table = Table::new();
    let mut epochs = String::new();
    let mut given = Vec::new();
    for (key, text) in settings {
        if key == "train.epochs" {
            epochs = format!("`{key} = {text}`");
        }
        let value = value(key, text, find(&defaults, key))?;
        insert(&mut table, key, value.clone());
        given.push((key, text, value));
    }
    config.check_length(&table, [&epochs, "`train.steps`"])?;
    let overridden = config.overridden(table);
    overridden.map_err(|error| by_key(config, &given).unwrap_or(error))
}

/// The error of the first setting that cannot be alone, by the key that the caller set.
fn by_key<C: Configuration>(config: &C, given: &[(&str, &str, Value)]) -> Option<RunError> {
    let decisive = given.iter().find(|(key, ..)| DECISIVE.contains(key));
    given.iter().find_map(|(key, text, value)| {
        let mut alone = Table::new();
        for (key, _, value) in decisive.into_iter().chain([&(*key, *text, value.clone())]) {
            insert(&mut alone, key, value.clone());
        }
        let error = config.overridden(alone).err()?.to_string();
        let first = error.lines().next().unwrap_or_default();
        Some(RunError::Refused(match first.rsplit_once("expected ") {
            _ if first.starts_with(key) => format!("`{key}`{}", &first[key.len()..]),
            _ if first.contains("unknown field `") => foreign(config, decisive, key, text, first),
            Some((_, expected)) => {
                format!("`{key}` is {text}, expected {}", in_words(expected))
            }
            None => format!("`{key}` is {text}, expected {first}"),
        }))
    })
}

/// The message that a key belongs to another architecture or method.
fn foreign<C: Configuration>(
    config: &C,
    given: Option<&(&str, &str, Value)>,
    key: &str,
    text: &str,
    error: &str,
) -> String {
    let (section, _) = key.split_once('.').unwrap_or_default();
    let decisive = DECISIVE.iter().find(|key| key.starts_with(section));
    let own = Table::try_from(config).unwrap_or_default();
    let owner = decisive.and_then(|decisive| {
        let (_, what) = decisive.split_once('.')?;
        let value = match given {
            Some((key, text, _)) if key == decisive => *text,
            _ => find(std::slice::from_ref(&own), decisive)?.as_str()?,
        };
        Some(format!("{what} {value}"))
    });
    let owner = owner.unwrap_or_else(|| "this configuration".to_string());
    let expected = match error.rsplit_once("expected ") {
        Some((_, keys)) => format!("expected {keys}"),
        None => "expected none".to_string(),
    };
    format!("`{key}` is {text}, but {owner} has no such key, {expected}")
}

/// The defaults of all keys of a configuration, as texts.
pub struct Defaults(Vec<Table>);

impl Defaults {
    pub(crate) fn new(tables: Vec<Table>) -> Self {
        Self(tables)
    }

    /// The default of a key; `none` if it is not set. An option of an architecture or a method has the default that it
    /// has there.
    pub fn of(&self, key: &str) -> String {
        match find(&self.0, key) {
            Some(Value::Array(list)) if list.is_empty() => NONE.to_string(),
            Some(Value::Array(list)) => {
                let items: Vec<String> = list.iter().map(Value::to_string).collect();
                items.join(",")
            }
            Some(Value::Float(number)) => number.to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => NONE.to_string(),
        }
    }
}

/// What a reader of files expects, for people.
fn in_words(expected: &str) -> &str {
    match expected {
        "f64" => "a number",
        "u32" | "u64" | "usize" => "a whole number of at least 0",
        "a boolean" => "true or false",
        other => other,
    }
}

fn find<'a>(tables: &'a [Table], key: &str) -> Option<&'a Value> {
    let in_table = |table: &'a Table| match key.split_once('.') {
        Some((section, key)) => table.get(section)?.get(key),
        None => table.get(key),
    };
    tables.iter().find_map(in_table)
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((section, key)) = key.split_once('.') else {
        table.insert(key.to_string(), value);
        return;
    };
    let section = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_string(), value);
    }
}

/// A value as a file would have it; words such as `none` and `auto` are text.
fn value(key: &str, text: &str, default: Option<&Value>) -> Result<Value, RunError> {
    match default {
        Some(Value::Array(list)) => {
            let items = text.split(',').filter(|_| text != NONE);
            let is_whole = list.first().is_some_and(Value::is_integer);
            let item = |text: &str| match text.trim().parse::<i64>() {
                Ok(number) if is_whole => Value::Integer(number),
                _ => Value::from(text),
            };
            return Ok(Value::Array(items.map(item).collect()));
        }
        Some(Value::String(_)) => return Ok(Value::from(text)),
        _ => {}
    }
    // TOML's integers have a sign; a larger one would become a fraction.
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match (text.parse(), text.parse(), text.parse()) {
        (Ok(whole), ..) => Value::Integer(whole),
        _ if is_whole => {
            let text = format!("{key} is {text}, expected a whole number below 2^63");
            return Err(RunError::Refused(text));
        }
        (_, Ok(number), _) => Value::Float(number),
        (_, _, Ok(is)) => Value::Boolean(is),
        _ => Value::from(text),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Configuration, RunConfig};

    #[test]
    fn texts_are_set_by_key_and_none_unsets() {
        let config = RunConfig::default()
            .with([
                ("train.lr", "1e-3"),
                ("train.steps", "7"),
                ("data.mirror", "true"),
                ("train.augmentations", "cutout,brightness"),
                ("model.classes", "auto"),
                ("device", "cuda:1"),
                ("data.path", "2014"),
            ])
            .unwrap();
        assert_eq!(config.data.path, std::path::Path::new("2014"));
        assert_eq!((config.train.lr, config.train.steps), (1e-3, Some(7)));
        assert!(config.data.mirror && config.model.classes.is_some());
        assert_eq!(config.train.augmentations.len(), 2);
        assert_eq!(config.device, "cuda:1");
        let unset = [
            ("train.steps", "none"),
            ("model.classes", "none"),
            ("train.augmentations", "none"),
        ];
        let config = config.with(unset).unwrap();
        assert_eq!((config.train.steps, config.model.classes), (None, None));
        assert!(config.train.augmentations.is_empty());
    }

    #[test]
    fn what_cannot_be_a_value_of_a_key_is_refused_by_the_key() {
        for (key, text) in [
            ("train.lr", "fast"),
            ("train.seed", "9223372036854775808"),
            ("train.epochs", "-1"),
            ("train.loss", "hing"),
            ("model.width", "8"),
            ("model.classes", "many"),
            ("train.augmentations", "cutout,none"),
        ] {
            let error = RunConfig::default().with([(key, text)]).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
        let error = RunConfig::default().with([("train.lr", "fast")]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "`train.lr` is fast, expected a number"
        );
    }

    #[test]
    fn defaults_are_those_of_the_code() {
        for (key, default) in [
            ("train.lr", "0.0002"),
            ("train.steps", "none"),
            ("train.augmentations", "none"),
            ("model.width", "64"),
            ("data.path", "data/mnist"),
            ("device", "cpu"),
        ] {
            assert_eq!(RunConfig::defaults().of(key), default);
        }
    }
}
