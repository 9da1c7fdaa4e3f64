//! Memorization: whether generated images lie closer to the training images than new ones do.

use crate::spread::{bootstrap, share_error};
use crate::{Mean, MetricError, NearestNeighbors};
use gan_core::Seed;

/// Fraction of the held-out images that counts as unusually close to the training set.
const CLOSEST: f64 = 0.01;

/// Each generated image's distance to its nearest training image, compared with the same distances of
/// held-out images.
///
/// Images of a generator that has learnt the distribution are as far from the training set as new data;
/// copies are closer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memorization {
    /// Median distance of generated images over that of held-out ones: about 1 without copying.
    pub distance_ratio: f64,
    /// Bootstrap standard deviation of the ratio over both sets.
    pub distance_ratio_deviation: f64,
    /// Share of generated images that are closer than the closest hundredth of the held-out ones, in [0, 1]:
    /// about 0.01 without copying. `None` below 99 held-out images, whose hundredth is less than one image.
    pub share_too_close: Option<Mean>,
    /// Mann and Whitney's rank statistic of generated against held-out distances, in standard
    /// deviations of its distribution for equal ones. Far below 0 (such as -5) is copying; far above is
    /// underfitting (Meehan, Chaudhuri & Dasgupta, 2020, arXiv 2004.05675, with the whole space as one
    /// cell).
    pub data_copying_z: f64,
    /// Held-out images that are equal to a training image. They are left out, as they do not show how far
    /// new images are.
    pub held_out_copies: usize,
}

impl Memorization {
    /// Compares distances to the training images in any space: pixels, or a network's features. `seed` is
    /// the bootstrap's.
    ///
    /// # Errors
    /// [`MetricError::TooFew`] if there are no generated images, or no held-out ones that are not
    /// training images.
    pub fn new(
        generated: &NearestNeighbors,
        held_out: &NearestNeighbors,
        seed: Seed,
    ) -> Result<Self, MetricError> {
        let found = &generated.distances;
        let new = held_out.distances.iter().copied();
        let reference: &Vec<f64> = &new.filter(|distance| *distance > 0.0).collect();
        for (what, distances) in [
            ("generated images", found),
            ("held-out images that are not training images", reference),
        ] {
            if distances.is_empty() {
                return Err(MetricError::TooFew {
                    what: what.to_string(),
                    found: 0,
                    expected: 1,
                    why: "for distances to the training images".to_string(),
                });
            }
        }
        let ratio = |draw: &mut dyn FnMut(&[f64]) -> Vec<f64>| {
            quantile(&draw(found), 0.5) / quantile(&draw(reference), 0.5)
        };
        Ok(Self {
            distance_ratio: quantile(found, 0.5) / quantile(reference, 0.5),
            distance_ratio_deviation: bootstrap(seed, ratio),
            share_too_close: share_too_close(found, reference),
            data_copying_z: rank_z(found, reference),
            held_out_copies: held_out.distances.len() - reference.len(),
        })
    }
}

/// The share of `found` below the k-th least of n `reference` distances, k = (n + 1) / 100: of new
/// images k / (n + 1) are expected there. Its error has a part from each side: the binomial's, with one
/// success and one failure more than were seen, and that of the threshold.
fn share_too_close(found: &[f64], reference: &[f64]) -> Option<Mean> {
    let place = ((reference.len() + 1) as f64 * CLOSEST) as usize;
    let mut sorted = reference.to_vec();
    let threshold = *sorted
        .select_nth_unstable_by(place.checked_sub(1)?, f64::total_cmp)
        .1;
    let (count, held_out) = (found.len() as f64, reference.len() as f64);
    let too_close = found
        .iter()
        .filter(|distance| **distance < threshold)
        .count();
    let share = too_close as f64 / count;
    let of_threshold = (CLOSEST * (1.0 - CLOSEST) / held_out).sqrt();
    Some(Mean {
        value: share,
        standard_error: share_error(share, found.len()).hypot(of_threshold),
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
