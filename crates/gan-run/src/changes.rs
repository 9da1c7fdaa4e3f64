//! What may change in a run that is resumed.

use crate::{Configuration, RunConfig, RunError, Schedule};
use gan_train::OnNan;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Keys that do not change the results of the remaining steps: where and what is written. The data set's
/// folder may have another name; its contents are compared separately. Whether the length matters
/// depends on the schedule, see [`changes`].
const FREE: [&str; 6] = [
    "device",
    "recipe",
    "data.path",
    "train.epochs",
    "train.steps",
    "train.on_nan",
];

/// The same holds for all keys that start with this.
const FREE_SECTION: &str = "output.";

/// Decides which step a run that diverges goes back to.
const CHECKPOINT_EVERY: &str = "output.checkpoint_every";

/// A change that affects the results of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A value of the configuration.
    Value {
        /// Its key, such as `train.batch_size`.
        key: String,
        /// The value now, as JSON.
        now: String,
        /// The value before.
        before: String,
    },
    /// The number of steps, over which a schedule spreads the learning rate.
    Length {
        /// The steps now.
        now: u64,
        /// The steps before.
        before: u64,
        /// The schedule, as JSON.
        lr_schedule: String,
    },
    /// The images or labels.
    Data {
        /// Where they are now.
        path: PathBuf,
        /// Their SHA-256.
        sha256: String,
        /// Where they were.
        before_path: PathBuf,
        /// Their SHA-256 then.
        before_sha256: String,
    },
}

impl Change {
    /// The key of a value.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::Value { key, .. } => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { key, now, before } => write!(f, "{key} is {now}, was {before}"),
            Self::Length {
                now,
                before,
                lr_schedule,
            } => write!(
                f,
                "the run is {now} steps long, was {before}, over which train.lr_schedule = {lr_schedule} \
                 spreads the learning rate"
            ),
            Self::Data {
                path,
                sha256,
                before_path,
                before_sha256,
            } => write!(
                f,
                "the data set in {} has SHA-256 {sha256}, was {before_sha256} in {}",
                path.display(),
                before_path.display()
            ),
        }
    }
}

/// The changes that affect the results. Some keys matter only together with another: the number of steps
/// if a schedule spreads the learning rate over them, the interval of checkpoints if a run that diverges
/// goes back to one.
pub(crate) fn changes(
    before: &RunConfig,
    now: &RunConfig,
    steps_per_epoch: u64,
) -> Result<Vec<Change>, RunError> {
    let rolls_back = [before, now].map(|config| config.train.on_nan) == [OnNan::Rollback; 2];
    let mut changes = changed_values(before, now, |key| match key {
        CHECKPOINT_EVERY => !rolls_back,
        key => FREE.contains(&key) || key.starts_with(FREE_SECTION),
    })?;
    let steps = |config: &RunConfig| Schedule::new(&config.train, steps_per_epoch).steps;
    let (found, expected) = (steps(now), steps(before));
    if found != expected && before.train.lr_schedule.depends_on_length() {
        changes.push(Change::Length {
            now: found,
            before: expected,
            lr_schedule: serde_json::to_string(&before.train.lr_schedule)?,
        });
    }
    Ok(changes)
}

/// The values that differ, but for keys that are free.
pub(crate) fn changed_values<C: Configuration>(
    before: &C,
    now: &C,
    is_free: impl Fn(&str) -> bool,
) -> Result<Vec<Change>, RunError> {
    let (before, now) = (flat(before)?, flat(now)?);
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let shown = |value: Option<&Value>| value.map_or("not set".to_string(), Value::to_string);
    let changed = keys
        .into_iter()
        .filter(|key| !is_free(key) && before.get(*key) != now.get(*key));
    Ok(changed
        .map(|key| Change::Value {
            key: key.clone(),
            now: shown(now.get(key)),
            before: shown(before.get(key)),
        })
        .collect())
}

/// Every value by its full key.
fn flat(config: &impl Configuration) -> Result<BTreeMap<String, Value>, RunError> {
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
    use gan_train::LrSchedule;

    fn texts(before: &RunConfig, now: &RunConfig) -> Vec<String> {
        let changes = changes(before, now, 469).unwrap();
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_makes_other_numbers_is_named_with_both_values() {
        type Change = fn(&mut RunConfig);
        let cases: [(Change, &[&str]); 10] = [
            (|c| c.train.epochs = 7, &[]),
            (|c| c.train.steps = Some(7), &[]),
            (|c| c.output.log_every = 7, &[]),
            (|c| c.output.checkpoint_every = Some(7), &[]),
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
                    c.model
                        .set_architecture(gan_models::ArchitectureKind::Maxout);
                    c.model.classes = Some(gan_models::ClassCount::Known(10));
                },
                &[
                    "model.architecture is \"maxout\", was \"mlp\"",
                    "model.classes is 10, was not set",
                    "model.discriminator_widths is not set, was [512,256]",
                    "model.generator_widths is not set, was [128,256,512,1024]",
                ],
            ),
        ];
        for (change, expected) in cases {
            let mut now = RunConfig::default();
            change(&mut now);
            assert_eq!(texts(&RunConfig::default(), &now), expected);
        }
    }

    #[test]
    fn more_steps_make_other_numbers_where_a_schedule_spreads_the_rate_over_them() {
        for schedule in [LrSchedule::Linear, LrSchedule::Cosine] {
            let mut before = RunConfig::default();
            before.train.lr_schedule = schedule;
            let mut now = before.clone();
            now.train.epochs = 100;
            let found = texts(&before, &now);
            assert_eq!(found.len(), 1, "{found:?}");
            let expected = "the run is 46900 steps long, was 93800";
            assert!(found[0].contains(expected), "{found:?}");
            // The same length, expressed differently.
            now.train.steps = Some(200 * 469);
            assert!(texts(&before, &now).is_empty());
        }
        let mut before = RunConfig::default();
        before.train.lr_schedule = LrSchedule::Exponential;
        before.train.lr_decay = Some(0.1);
        let mut now = before.clone();
        now.train.epochs = 100;
        assert!(texts(&before, &now).is_empty());
    }

    #[test]
    fn the_interval_of_checkpoints_makes_other_numbers_where_a_run_may_go_back_to_one() {
        let mut before = RunConfig::default();
        before.train.on_nan = OnNan::Rollback;
        before.output.checkpoint_every = Some(100);
        let mut now = before.clone();
        now.output.checkpoint_every = Some(50);
        let found = texts(&before, &now);
        assert_eq!(found, ["output.checkpoint_every is 50, was 100"]);
    }
}
