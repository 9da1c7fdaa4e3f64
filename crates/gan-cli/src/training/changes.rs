//! What may be another in a run that goes on.

use crate::config::RunConfig;
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeMap;

/// Keys that change none of the numbers of the steps to come: how long, where, what is written. The
/// data set's folder may have another name; its contents are compared by themselves.
const FREE: [&str; 6] = [
    "device",
    "recipe",
    "data.path",
    "train.epochs",
    "train.steps",
    "train.on_nan",
];

/// So may all keys that begin with this.
const FREE_SECTION: &str = "output.";

/// The keys that make other numbers, as `train.batch_size is 64, was 128`.
pub(super) fn changes(before: &RunConfig, now: &RunConfig) -> Result<Vec<String>> {
    let (before, now) = (flat(before)?, flat(now)?);
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| !FREE.contains(&key.as_str()) && !key.starts_with(FREE_SECTION));
    let shown = |value: Option<&Value>| value.map_or("not set".to_string(), Value::to_string);
    let changed = keys
        .into_iter()
        .filter(|key| before.get(*key) != now.get(*key));
    Ok(changed
        .map(|key| {
            let (now, before) = (shown(now.get(key)), shown(before.get(key)));
            format!("{key} is {now}, was {before}")
        })
        .collect())
}

/// Every value by its whole key.
fn flat(config: &RunConfig) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    flatten("", serde_json::to_value(config)?, &mut all);
    Ok(all)
}

fn flatten(prefix: &str, value: Value, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(section) => {
            for (key, value) in section {
                let key = if prefix.is_empty() {
                    key
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&key, value, all);
            }
        }
        // A key that is not set may be written as null or not at all.
        Value::Null => {}
        value => {
            all.insert(prefix.to_string(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::Seed;

    #[test]
    fn what_makes_other_numbers_is_named_with_both_values() {
        type Change = fn(&mut RunConfig);
        let cases: [(Change, &[&str]); 9] = [
            (|c| c.train.epochs = 7, &[]),
            (|c| c.train.steps = Some(7), &[]),
            (|c| c.output.log_every = 7, &[]),
            (|c| c.device = "cuda".to_string(), &[]),
            (|c| c.data.path = "elsewhere".into(), &[]),
            (
                |c| c.train.batch_size = 64,
                &["train.batch_size is 64, was 128"],
            ),
            (|c| c.train.seed = Seed(5), &["train.seed is 5, was 0"]),
            (|c| c.train.r1 = 0.5, &["train.r1 is 0.5, was 0.0"]),
            (
                |c| {
                    c.model.width = 48;
                    c.model.classes = Some(gan_models::ClassCount::Known(10));
                },
                &[
                    "model.classes is 10, was not set",
                    "model.width is 48, was 64",
                ],
            ),
        ];
        for (change, expected) in cases {
            let mut now = RunConfig::default();
            change(&mut now);
            assert_eq!(changes(&RunConfig::default(), &now).unwrap(), expected);
        }
    }
}
