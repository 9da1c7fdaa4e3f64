//! Kernel distance of features (Bińkowski et al., 2018, arXiv 1801.01401).

use crate::pairs::map_products;
use crate::spread::mean_and_deviation;
use crate::{Features, MetricError};
use gan_core::{Purpose, Seed};

/// The KID: [`squared_kernel_distance`] over seeded subsets.
///
/// Unlike that of the Fréchet distance, its mean does not depend on the number of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelDistance {
    /// Mean over the subsets; about 0, above or below, for equal distributions.
    pub mean: f64,
    /// Standard deviation over the subsets.
    pub standard_deviation: f64,
}

impl KernelDistance {
    /// Draws `subsets` times `subset_size` rows of each set, without repetition within a subset.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`], [`MetricError::TooFew`] where a set is smaller than a subset,
    /// [`MetricError::Setting`] for no subsets or subsets of fewer than two rows.
    pub fn new(
        real: &Features,
        generated: &Features,
        subsets: usize,
        subset_size: usize,
        seed: Seed,
    ) -> Result<Self, MetricError> {
        if subsets == 0 || subset_size < 2 {
            return Err(MetricError::Setting {
                name: "the kernel distance's subsets",
                found: format!("{subsets} of {subset_size} images"),
                expected: "at least 1 of at least 2 images",
            });
        }
        let mut distances = Vec::with_capacity(subsets);
        for subset in 0..subsets {
            let mut rng = seed.rng(Purpose::ScoreSubset, subset as u64);
            let mut draw = |set: &Features| {
                set.at_least(subset_size, || "for a subset of that size".to_string())?;
                let rows = rand::seq::index::sample(&mut rng, set.count(), subset_size);
                Ok(set.select(rows.into_iter()))
            };
            distances.push(squared_kernel_distance(&draw(real)?, &draw(generated)?)?);
        }
        let (mean, standard_deviation) = mean_and_deviation(&distances);
        Ok(Self {
            mean,
            standard_deviation,
        })
    }
}

/// The unbiased estimate of the squared maximum mean discrepancy, with kernel (x·y / d + 1)³.
///
/// # Errors
/// [`MetricError::Dimensions`].
pub fn squared_kernel_distance(first: &Features, second: &Features) -> Result<f64, MetricError> {
    first.as_wide_as(second)?;
    let (m, n) = (first.count() as f64, second.count() as f64);
    Ok(kernel_sum(first, first, true) / (m * (m - 1.0))
        + kernel_sum(second, second, true) / (n * (n - 1.0))
        - 2.0 * kernel_sum(first, second, false) / (m * n))
}

/// The kernel summed over all pairs, or over those of different rows.
fn kernel_sum(a: &Features, b: &Features, skip_diagonal: bool) -> f64 {
    let width = a.dimensions() as f64;
    let sums = map_products(a, b, |row, products| {
        let kernels = products
            .iter()
            .map(|product| (product / width + 1.0).powi(3));
        let others = kernels
            .enumerate()
            .filter(|(i, _)| !(skip_diagonal && *i == row));
        others.map(|(_, kernel)| kernel).sum::<f64>()
    });
    sums.iter().sum()
}
