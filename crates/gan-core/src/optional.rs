//! Values that the word `none` unsets, where a layer below sets them.

use serde::de::value::MapAccessDeserializer;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use std::fmt;
use std::marker::PhantomData;

/// How files spell a value that is not set.
const NONE: &str = "none";

/// Reads an optional value from a format that describes itself, as TOML and JSON do: the word `none`, and
/// null, are `None`, all else must be a `T`. A value that may be missing needs `default` too.
///
/// # Errors
/// Those of `T`.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Config {
///     #[serde(default, deserialize_with = "gan_core::optional")]
///     steps: Option<u64>,
/// }
///
/// let read = |text| serde_json::from_str::<Config>(text).map(|config| config.steps);
/// assert_eq!(read(r#"{"steps": 7}"#)?, Some(7));
/// assert_eq!(read(r#"{"steps": "none"}"#)?, None);
/// assert_eq!(read("{}")?, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(OptionalVisitor(PhantomData))
}

struct OptionalVisitor<T>(PhantomData<T>);

/// Hands a value on to `T`.
macro_rules! forward {
    ($($method:ident: $value:ty),+) => {$(
        fn $method<E: Error>(self, value: $value) -> Result<Option<T>, E> {
            T::deserialize(value.into_deserializer()).map(Some)
        }
    )+};
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionalVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value or `{NONE}`")
    }

    forward!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        match text {
            NONE => Ok(None),
            text => T::deserialize(text.into_deserializer()).map(Some),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Option<T>, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(items)).map(Some)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<Option<T>, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        optional(&mut json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_word_none_and_null_are_not_set_and_all_else_is_a_value() {
        assert_eq!(read::<u64>("\"none\""), Ok(None));
        assert_eq!(read::<u64>("null"), Ok(None));
        assert_eq!(read("7"), Ok(Some(7_u64)));
        assert_eq!(read("7"), Ok(Some(7.0)));
        assert_eq!(read("-0.5"), Ok(Some(-0.5)));
        assert_eq!(read("\"word\""), Ok(Some("word".to_string())));
        assert_eq!(read("[1, 2]"), Ok(Some(vec![1, 2])));
    }

    #[test]
    fn values_of_another_type_are_refused_as_without_it() {
        for text in ["\"some\"", "true", "-1", "1.5", "[1]"] {
            let plain = serde_json::from_str::<u32>(text).unwrap_err().to_string();
            let found = read::<u32>(text).unwrap_err();
            let reason = plain.split(" at line").next().unwrap();
            assert!(found.contains(reason), "{text}: {found}, not {plain}");
        }
    }
}
