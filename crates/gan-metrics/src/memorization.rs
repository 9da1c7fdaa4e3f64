//! Memorization: whether generated images lie closer to the training images than new ones do.

use crate::pairs::map_squared_distances;
use crate::{Features, MetricError};

/// Part of the held-out images that counts as unusually close to the training set.
const CLOSEST: f64 = 0.01;

/// Each generated image's distance to its nearest training image, held against the same distances
/// of held-out images.
///
/// A generator that has learnt the distribution is as far from the training set as new data is; one
/// that copies is closer.
#[derive(Clone, Debug, PartialEq)]
pub struct Memorization {
    /// Median distance of generated images over that of held-out ones: about 1 without copying.
    pub distance_ratio: f64,
    /// Share of generated images that are closer than the closest hundredth of the held-out ones:
    /// about 0.01 without copying.
    pub share_too_close: f64,
    /// Mann and Whitney's rank statistic of generated against held-out distances, in standard
    /// deviations of its distribution for equal ones. Far below 0 (as -5) is copying; far above is
    /// underfitting (Meehan, Chaudhuri & Dasgupta, 2020, arXiv 2004.05675, on the whole space as one
    /// cell).
    pub data_copying_z: f64,
    /// For each generated image, the number of its nearest training image.
    pub nearest_training_image: Vec<usize>,
}

impl Memorization {
    /// Compares in whatever space the features span: pixels, or a network's activations.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`]; [`MetricError::Setting`] where half of the held-out images are
    /// training images, since nothing can be closer.
    pub fn new(
        generated: &Features,
        training: &Features,
        held_out: &Features,
    ) -> Result<Self, MetricError> {
        generated.as_wide_as(training)?;
        held_out.as_wide_as(training)?;
        let nearest = nearest(generated, training);
        let found: Vec<f64> = nearest.iter().map(|(_, distance)| *distance).collect();
        let reference = nearest_distances(held_out, training);
        let (median_found, median_reference) = (quantile(&found, 0.5), quantile(&reference, 0.5));
        if median_reference == 0.0 {
            return Err(MetricError::Setting {
                name: "the held-out images' median distance to the training set",
                found: "0".to_string(),
                expected: "above 0; hold out images that were not trained on",
            });
        }
        let threshold = quantile(&reference, CLOSEST);
        let too_close = found
            .iter()
            .filter(|distance| **distance < threshold)
            .count();
        Ok(Self {
            distance_ratio: median_found / median_reference,
            share_too_close: too_close as f64 / found.len() as f64,
            data_copying_z: rank_z(&found, &reference),
            nearest_training_image: nearest.into_iter().map(|(row, _)| row).collect(),
        })
    }
}

fn nearest_distances(points: &Features, among: &Features) -> Vec<f64> {
    nearest(points, among)
        .into_iter()
        .map(|(_, distance)| distance)
        .collect()
}

/// For each point, the number and the distance of the nearest row of `among`, the first of equals.
fn nearest(points: &Features, among: &Features) -> Vec<(usize, f64)> {
    map_squared_distances(points, among, |_, distances| {
        let first = (0, distances[0]);
        let all = distances.iter().copied().enumerate();
        let (row, squared) = all.fold(
            first,
            |best, next| if next.1 < best.1 { next } else { best },
        );
        (row, squared.sqrt())
    })
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
