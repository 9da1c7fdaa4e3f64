//! From images and a data set to scores, controls beside them, and what is written of both.

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
pub(crate) use file::{ClassShares, DataFacts, EvaluationFile, FeatureFacts, SubjectFacts};
pub(crate) use report::write_report;
pub(crate) use subject::{Subject, Wanted, classes_like, draw};
pub(crate) use table::{comparison_table, parzen_lines, score_table, value};

use crate::console::Bar;
use gan_core::Seed;
use gan_metrics::Score;

/// Grows when scores are computed otherwise, so that old figures are not taken for new ones. 2: parts
/// that stand for a whole are drawn by seed; generated images are rounded to bytes; class-conditional
/// generators draw classes at the data's shares; small held-out parts are no reference of distances.
pub(crate) const PROTOCOL: u32 = 2;

/// Where the random numbers of subsets, bootstraps and controls come from: scores of two
/// generators shall differ by the generators alone.
pub(crate) const SCORE_SEED: Seed = Seed(0);

/// A bar over the parts of an evaluation, with the name of the part at hand.
#[derive(Clone)]
pub(crate) struct Progress(pub(crate) Bar);

impl Progress {
    /// Announces `parts` parts more.
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

/// Means over the seeds, with the deviation over them as the uncertainty; one seed's scores stay
/// as they are.
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
        // Not a number for a single value.
        Score::new(score.kind, value, (squares / (count - 1.0)).sqrt())
    };
    first.iter().map(mean).collect()
}
