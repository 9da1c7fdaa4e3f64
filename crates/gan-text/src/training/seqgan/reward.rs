//! What a generated token is rewarded for, and the controls that take the discriminator out of it.

use gan_core::{Purpose, Seed};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// What a generated token is rewarded for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reward {
    /// The discriminator's probability that its sequence is real.
    #[default]
    Discriminator,
    /// That less its mean over the batch.
    Centered,
    /// That of another sequence of the batch: a control.
    Shuffled,
    /// Always 1, without a discriminator: a control.
    Constant,
}

impl Reward {
    /// Changes rewards `[n, steps]` of step `step` into what the control says.
    pub(super) fn apply(self, rewards: &mut [f64], steps: usize, seed: Seed, step: u64) {
        let n = rewards.len() / steps;
        match self {
            Self::Discriminator => {}
            Self::Constant => rewards.fill(1.0),
            Self::Centered => {
                for time in 0..steps {
                    let column = || rewards.iter().skip(time).step_by(steps);
                    let mean = column().sum::<f64>() / n as f64;
                    let column = rewards.iter_mut().skip(time).step_by(steps);
                    column.for_each(|reward| *reward -= mean);
                }
            }
            Self::Shuffled => {
                let mut order: Vec<usize> = (0..n).collect();
                order.shuffle(&mut seed.rng(Purpose::RewardOrder, step));
                let before = rewards.to_vec();
                for (to, from) in rewards.chunks_mut(steps).zip(order) {
                    to.copy_from_slice(&before[from * steps..][..steps]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_keep_no_more_of_a_reward_than_they_say() {
        let before: Vec<f64> = (0..12).map(|k| f64::from(k * k)).collect();
        let apply = |reward: Reward| {
            let mut rewards = before.clone();
            reward.apply(&mut rewards, 3, Seed(1), 7);
            rewards
        };
        assert_eq!(apply(Reward::Discriminator), before);
        assert_eq!(apply(Reward::Constant), [1.0; 12]);
        let centered = apply(Reward::Centered);
        for time in 0..3 {
            let sum: f64 = centered.iter().skip(time).step_by(3).sum();
            assert!(sum.abs() < 1e-12);
            assert!(
                (centered[9 + time] - centered[time] - before[9 + time] + before[time]).abs()
                    < 1e-12
            );
        }
        let shuffled = apply(Reward::Shuffled);
        assert_ne!(shuffled, before);
        let mut rows: Vec<&[f64]> = shuffled.chunks(3).collect();
        rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
        assert!(rows.into_iter().eq(before.chunks(3)));
    }
}
