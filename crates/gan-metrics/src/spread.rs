//! Mean and spread of a score's parts.

/// Mean and standard deviation over all of `values`, of which there is at least one.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    (mean, (squares / count).sqrt())
}
