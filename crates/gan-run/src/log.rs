//! The lines of a run's logs, as they are written and read.

use crate::figures::Figures;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `metrics.jsonl`: the figures of one step. They do not depend on a clock, so that a run that was
/// stopped leaves the same lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsLine {
    /// The step, from 0.
    pub step: u64,
    /// Its epoch, from 0.
    #[serde(default)]
    pub epoch: u64,
    /// The step's figures, by name.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A line of `timing.jsonl`: how fast the run was since the line before, and its time without stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimingLine {
    /// The step, from 0.
    pub step: u64,
    /// What was processed in a second, such as `images_per_second`.
    #[serde(flatten)]
    pub rates: Figures,
    /// The run's time in seconds, without stops.
    pub elapsed_seconds: f64,
}

/// A line of `scores.jsonl`: the scores of the generator after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoresLine {
    /// The step, from 0.
    pub step: u64,
    /// Its epoch, from 0.
    #[serde(default)]
    pub epoch: u64,
    /// The kind of features that are compared, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<String>,
    /// The part of the data that is compared with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// By name; none where a score is not finite.
    #[serde(default)]
    pub scores: BTreeMap<String, Option<f64>>,
    /// Each class's share of what was generated, where classes are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_shares: Option<Vec<f64>>,
    /// And of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class_shares: Option<Vec<f64>>,
    /// Whether no earlier line is better.
    #[serde(default)]
    pub best: bool,
}
