//! Means and shares with their standard errors over sequences.

use gan_metrics::Mean;

/// The mean of `values`, at least one.
pub fn mean(values: impl ExactSizeIterator<Item = f64> + Clone) -> Mean {
    let count = values.len() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
    Mean {
        value: mean,
        standard_error: squares.sqrt() / count,
    }
}

/// Σ part / Σ whole over sequences, the sum of the wholes above 0. Its error is that of the linearised ratio
/// (Cochran, Sampling Techniques, 1977, section 2.11), because the tokens of a sequence are not independent.
pub(crate) fn ratio(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Mean {
    let sums = pairs
        .clone()
        .fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
    let value = sums.0 / sums.1;
    let squares: f64 = pairs
        .map(|(part, whole)| (part - value * whole).powi(2))
        .sum();
    Mean {
        value,
        standard_error: squares.sqrt() / sums.1,
    }
}

/// `successes` of `count`, at least one, with the binomial error of one success and one failure more
/// (Laplace's rule): none of 10,000 does not mean certainly none at all.
pub fn share(successes: usize, count: usize) -> Mean {
    let (successes, count) = (successes as f64, count as f64);
    let likely = (successes + 1.0) / (count + 2.0);
    Mean {
        value: successes / count,
        standard_error: (likely * (1.0 - likely) / count).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_of_equal_wholes_is_a_mean() {
        let values = [1.0, 4.0, 2.0, 9.0];
        let (mean, ratio) = (
            mean(values.into_iter()),
            ratio(values.into_iter().map(|v| (3.0 * v, 3.0))),
        );
        assert_eq!(mean.value, 4.0);
        // The deviation is √(38 / 4), the error that over √4.
        assert!((mean.standard_error - (38.0_f64 / 16.0).sqrt()).abs() < 1e-12);
        assert!((ratio.value - mean.value).abs() < 1e-12);
        assert!((ratio.standard_error - mean.standard_error).abs() < 1e-12);
    }

    #[test]
    fn a_share_of_none_is_not_certain() {
        let none = share(0, 100);
        assert_eq!(none.value, 0.0);
        assert!(none.standard_error > 0.005 && none.standard_error < 0.02);
    }
}
