//! From images and a data set to scores, with controls beside them, and the files that hold both.

mod cache;
mod controls;
mod data_reference;
mod features;
mod file;
mod report;
mod subject;
mod table;

pub(crate) use controls::controls;
pub(crate) use data_reference::{DataReference, LEAST_HELD_OUT, Request, image_set};
pub(crate) use file::{ClassHistogram, DataFacts, EvaluationFile, FeatureFacts, SubjectFacts};
pub(crate) use report::write_report;
pub(crate) use subject::{Subject, Wanted, classes_like, draw};
pub(crate) use table::{comparison_table, parzen_lines, score_table, value};

use crate::console::Bar;
use gan_core::Seed;
use gan_metrics::Score;

/// Incremented when scores are computed differently, so that old figures are not taken for new ones.
/// 2: subsets are drawn by seed; generated images are rounded to bytes; class-conditional generators
/// draw classes at the data's shares; a small held-out part is not a reference of distances.
pub(crate) const PROTOCOL: u32 = 2;

/// Seed of the random numbers of subsets, bootstraps and controls, fixed so that scores of two
/// generators differ only because the generators do.
pub(crate) const SCORE_SEED: Seed = Seed(0);

/// A bar over the parts of an evaluation, with the name of the current part.
#[derive(Clone)]
pub(crate) struct Progress(pub(crate) Bar);

impl Progress {
    /// Announces `parts` more parts.
    pub(crate) fn expect(&self, parts: usize) {
        self.0.inc_length(parts as u64);
    }

    pub(crate) fn begin(&self, part: &str) {
        tracing::debug!(part);
        self.0.set_message(part);
    }

    pub(crate) fn done(&self) {
        self.0.inc(1);
    }
}

/// Means over the seeds, with their standard deviation as the uncertainty; with one seed, its scores
/// unchanged.
pub(crate) fn mean_scores(by_seed: &[Vec<Score>]) -> Vec<Score> {
    let [first, others @ ..] = by_seed else {
        return Vec::new();
    };
    if others.is_empty() {
        return first.clone();
    }
    let mean = |score: &Score| {
        let of_kind = |scores: &Vec<Score>| {
            scores
                .iter()
                .find(|other| other.kind == score.kind)
                .copied()
        };
        let values: Vec<f64> = by_seed
            .iter()
            .filter_map(of_kind)
            .map(|score| score.value)
            .collect();
        let count = values.len() as f64;
        let value = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|v| (v - value).powi(2)).sum::<f64>();
        // NaN for a single value.
        Score::new(score.kind, value, (squares / (count - 1.0)).sqrt())
    };
    first.iter().map(mean).collect()
}
