//! The named numbers of a log line, in the order in which they are written.

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};
use std::fmt;

/// Numbers with names, such as `d_real`. Each training step has its own; the log does not know them. A
/// number that is not finite is null in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<(String, Option<Number>)>);

impl Figures {
    /// The same with one more number.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.0.push((name.to_string(), Number::from_f64(value)));
        self
    }

    /// The same with one more count.
    #[must_use]
    pub fn with_count(mut self, name: &str, value: u64) -> Self {
        self.0.push((name.to_string(), Some(value.into())));
        self
    }

    /// The number of this name; NaN if it was not finite, none if there is no such name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let (_, number) = self.0.iter().find(|(known, _)| known == name)?;
        Some(number.as_ref().and_then(Number::as_f64).unwrap_or(f64::NAN))
    }

    /// All names with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        let number = |number: &Option<Number>| number.as_ref().and_then(Number::as_f64);
        let named = self.0.iter();
        named.map(move |(name, value)| (name.as_str(), number(value).unwrap_or(f64::NAN)))
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, number) in &self.0 {
            map.serialize_entry(name, number)?;
        }
        map.end()
    }
}

/// Values that are not numbers are left out: a later version may write some.
impl<'de> de::Deserialize<'de> for Figures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Figures;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("named numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Figures, A::Error> {
                let mut figures = Figures::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    match value {
                        Value::Number(number) => figures.0.push((name, Some(number))),
                        Value::Null => figures.0.push((name, None)),
                        _ => {}
                    }
                }
                Ok(figures)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
