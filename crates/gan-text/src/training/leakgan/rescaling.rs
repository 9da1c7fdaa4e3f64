//! Rewards by their rank in a batch, so that they neither vanish nor differ in scale from step to step.

use gan_core::exact::exp;

/// The places of numbers `[n, columns]` in their column, 1 for the largest: each becomes σ(δ · (½ − rank / n)), as in
/// the paper's bootstrapped rescaled activation. Of equal numbers the earlier is the larger.
pub(super) fn rescale(rewards: &mut [f64], columns: usize, delta: f64) {
    let n = rewards.len() / columns;
    for column in 0..columns {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| {
            rewards[b * columns + column].total_cmp(&rewards[a * columns + column])
        });
        for (place, number) in order.into_iter().enumerate() {
            let rank = (place + 1) as f64;
            let logit = delta * (0.5 - rank / n as f64);
            rewards[number * columns + column] = 1.0 / (1.0 + exp(-logit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_each_column_has_rank_one() {
        let mut rewards = [0.1, 9.0, 0.3, 8.0, 0.2, 7.0, 0.4, 6.0];
        rescale(&mut rewards, 2, 16.0);
        let by_rank = [1.0, 2.0, 3.0, 4.0].map(|rank: f64| {
            let logit: f64 = 16.0 * (0.5 - rank / 4.0);
            1.0 / (1.0 + (-logit).exp())
        });
        let ranks = [[4, 1], [2, 2], [3, 3], [1, 4]].concat();
        for (found, rank) in rewards.iter().zip(ranks) {
            let expected = by_rank[rank - 1];
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }
}
