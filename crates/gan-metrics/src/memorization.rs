//! Memorization: whether generated images lie closer to the training images than new ones do.

use crate::spread::bootstrap;
use crate::{MetricError, NearestNeighbors};
use gan_core::Seed;

/// Part of the held-out images that counts as unusually close to the training set.
const CLOSEST: f64 = 0.01;

/// Each generated image's distance to its nearest training image, held against the same distances
/// of held-out images.
///
/// A generator that has learnt the distribution is as far from the training set as new data is; one
/// that copies is closer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memorization {
    /// Median distance of generated images over that of held-out ones: about 1 without copying.
    pub distance_ratio: f64,
    /// Standard deviation of the ratio when both sets are drawn anew from themselves.
    pub distance_ratio_deviation: f64,
    /// Share of generated images that are closer than the closest hundredth of the held-out ones:
    /// about 0.01 without copying.
    pub share_too_close: f64,
    /// Mann and Whitney's rank statistic of generated against held-out distances, in standard
    /// deviations of its distribution for equal ones. Far below 0 (as -5) is copying; far above is
    /// underfitting (Meehan, Chaudhuri & Dasgupta, 2020, arXiv 2004.05675, on the whole space as one
    /// cell).
    pub data_copying_z: f64,
}

impl Memorization {
    /// Compares distances to the training images, in whatever space: pixels, or a network's
    /// features. `seed` is the bootstrap's.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] where a side has no distance; [`MetricError::Setting`] where half of
    /// the held-out images are training images, since nothing can be closer.
    pub fn new(
        generated: &NearestNeighbors,
        held_out: &NearestNeighbors,
        seed: Seed,
    ) -> Result<Self, MetricError> {
        let (found, reference) = (&generated.distances, &held_out.distances);
        for (what, distances) in [("generated images", found), ("held-out images", reference)] {
            if distances.is_empty() {
                return Err(MetricError::TooFew {
                    what: what.to_string(),
                    found: 0,
                    expected: 1,
                    why: "to have a distance to the training images".to_string(),
                });
            }
        }
        let median_reference = quantile(reference, 0.5);
        if median_reference == 0.0 {
            return Err(MetricError::Setting {
                name: "the held-out images' median distance to the training set",
                found: "0".to_string(),
                expected: "above 0; hold out images that were not trained on",
            });
        }
        let threshold = quantile(reference, CLOSEST);
        let too_close = found.iter().filter(|distance| **distance < threshold);
        let ratio = |draw: &mut dyn FnMut(&[f64]) -> Vec<f64>| {
            quantile(&draw(found), 0.5) / quantile(&draw(reference), 0.5)
        };
        Ok(Self {
            distance_ratio: quantile(found, 0.5) / median_reference,
            distance_ratio_deviation: bootstrap(seed, ratio),
            share_too_close: too_close.count() as f64 / found.len() as f64,
            data_copying_z: rank_z(found, reference),
        })
    }
}

/// The value below which `part` of the values lie, without interpolation.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    let place = ((values.len() as f64 * part) as usize).min(values.len() - 1);
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// (U - m n / 2) / standard deviation of U, with mean ranks for equal values and their correction
/// of the variance; 0 where all values are equal.
fn rank_z(first: &[f64], second: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = first.iter().map(|value| (*value, true)).collect();
    all.extend(second.iter().map(|value| (*value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for equals in all.chunk_by(|a, b| a.0 == b.0) {
        let count = equals.len() as f64;
        let mean_rank = before + 0.5 * (count + 1.0);
        rank_sum += mean_rank * equals.iter().filter(|(_, is_first)| *is_first).count() as f64;
        ties += count * count * count - count;
        before += count;
    }
    let (m, n) = (first.len() as f64, second.len() as f64);
    let total = m + n;
    let u = rank_sum - 0.5 * m * (m + 1.0);
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance > 0.0 {
        (u - 0.5 * m * n) / variance.sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By counting pairs, U is the number in which the first is the greater, halves for equals.
    #[test]
    fn the_rank_statistic_counts_pairs() {
        let (first, second) = ([1.0, 4.0, 6.0], [2.0, 3.0, 5.0, 7.0]);
        // 1 beats none, 4 beats two, 6 beats three: 5 of 12 pairs.
        // Without equals, the variance is m n (m + n + 1) / 12.
        let expected = (5.0 - 6.0) / 8.0_f64.sqrt();
        assert!((rank_z(&first, &second) - expected).abs() < 1e-12);
        assert!((rank_z(&second, &first) + expected).abs() < 1e-12);
        assert_eq!(rank_z(&[1.0, 1.0], &[1.0, 1.0, 1.0]), 0.0);
    }

    #[test]
    fn equal_values_share_their_rank() {
        // Ranks of 1, 2, 2, 3 are 1, 2.5, 2.5, 4. First has 2 and 3: U = 6.5 - 3 = 3.5.
        // Variance 2 · 2 / 12 · (5 - 6 / 12) = 1.5.
        let expected = (3.5 - 2.0) / 1.5_f64.sqrt();
        assert!((rank_z(&[2.0, 3.0], &[1.0, 2.0]) - expected).abs() < 1e-12);
    }
}
