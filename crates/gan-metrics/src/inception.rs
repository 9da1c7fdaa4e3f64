//! Inception score (Salimans et al., 2016, arXiv 1606.03498), by any classifier.

use crate::spread::mean_and_deviation;
use crate::{Features, MetricError};

/// exp of the mean divergence KL(p(y|x) ‖ p(y)), from 1 to the number of classes: 1 if the classifier gives
/// all images the same probabilities, the maximum if it is certain of each and all classes are equally
/// frequent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InceptionScore {
    /// Mean over the splits.
    pub mean: f64,
    /// Standard deviation over the splits; 0 for one.
    pub standard_deviation: f64,
}

impl InceptionScore {
    /// The score of `logits` `[n, classes]`, divided in their order into `splits` parts of equal length.
    ///
    /// # Errors
    /// [`MetricError::Setting`] for no splits, [`MetricError::TooFew`] for fewer images than splits.
    pub fn new(logits: &Features, splits: usize) -> Result<Self, MetricError> {
        if splits == 0 {
            return Err(MetricError::Setting {
                name: "the number of splits",
                found: "0".to_string(),
                expected: "at least 1",
            });
        }
        logits.at_least(splits, || format!("for {splits} splits"))?;
        let log_probabilities: Vec<Vec<f64>> = logits.rows().map(log_softmax).collect();
        let count = logits.count();
        let scores: Vec<f64> = (0..splits)
            .map(|i| score(&log_probabilities[i * count / splits..(i + 1) * count / splits]))
            .collect();
        let (mean, standard_deviation) = mean_and_deviation(&scores);
        Ok(Self {
            mean,
            standard_deviation,
        })
    }
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
    logits.iter().map(|logit| logit - top - sum.ln()).collect()
}

fn score(log_probabilities: &[Vec<f64>]) -> f64 {
    let count = log_probabilities.len() as f64;
    let mut marginal = vec![0.0; log_probabilities[0].len()];
    for row in log_probabilities {
        for (sum, log_p) in marginal.iter_mut().zip(row) {
            *sum += log_p.exp() / count;
        }
    }
    let divergence = |row: &Vec<f64>| -> f64 {
        let classes = row.iter().zip(&marginal);
        // A class of probability 0 adds nothing, even if its logarithm is -inf.
        let likely = classes.filter(|(log_p, _)| log_p.exp() > 0.0);
        likely
            .map(|(log_p, q)| log_p.exp() * (log_p - q.ln()))
            .sum()
    };
    let total: f64 = log_probabilities.iter().map(divergence).sum();
    (total / count).exp()
}
