//! Means, standard deviations and bootstraps.

use gan_core::{Purpose, Seed};
use rand::Rng;

/// Repetitions of a bootstrap: they determine a deviation within about a tenth.
const REPETITIONS: u64 = 50;

/// Mean and standard deviation of `values`, at least one.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    (mean, (squares / count).sqrt())
}

/// Bootstrap standard deviation of `score` (Efron, 1979): its data is resampled with replacement. `score`
/// passes each of its lists through the function that it is given.
pub(crate) fn bootstrap<T: Clone>(
    seed: Seed,
    score: impl Fn(&mut dyn FnMut(&[T]) -> Vec<T>) -> f64,
) -> f64 {
    let scores: Vec<f64> = (0..REPETITIONS)
        .map(|repetition| {
            let mut rng = seed.rng(Purpose::Bootstrap, repetition);
            score(&mut |values: &[T]| {
                let draw = |_: &T| values[rng.random_range(0..values.len())].clone();
                values.iter().map(draw).collect()
            })
        })
        .collect();
    mean_and_deviation(&scores).1
}

/// The binomial standard error of a share of `count` images, with one success and one failure added
/// (Laplace's rule): none of 10,000 does not mean certainly none at all.
pub(crate) fn share_error(share: f64, count: usize) -> f64 {
    let count = count as f64;
    let likely = (share * count + 1.0) / (count + 2.0);
    (likely * (1.0 - likely) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The deviation of a mean of n values is that of the values over √n.
    #[test]
    fn the_bootstrap_finds_the_standard_error_of_a_mean() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
        let found = bootstrap(Seed(3), |draw| mean_and_deviation(&draw(&values)).0);
        let expected = mean_and_deviation(&values).1 / 1000.0_f64.sqrt();
        // 50 repetitions know a deviation within 1 / √100 of it, one sigma.
        assert!((found / expected - 1.0).abs() < 0.4, "{found} {expected}");
    }
}
