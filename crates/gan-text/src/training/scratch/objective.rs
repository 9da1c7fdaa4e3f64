//! What either player wants, and its slopes by the logits.

use crate::training::batches::Padded;
use crate::training::logistic::{sigmoid, softplus};
use gan_core::exact::{exp, ln};

/// What the discriminator says of real and of generated sequences.
pub(super) struct Compared {
    /// −ln σ(D(real) − D(generated)), a pair of prefixes.
    pub(super) loss: f64,
    /// The share of pairs of which it finds the real prefix more real.
    pub(super) accuracy: f64,
    /// The mean of the real prefix's logit less the generated one's.
    pub(super) gap: f64,
    /// Of the loss, by the logits of all tokens.
    pub(super) slopes: Vec<f64>,
}

/// Pairs the real and the generated prefixes of one length. Logits `[2 n, steps, vocabulary]`, of the real sequences
/// first: that of a prefix is the one of its last token.
pub(super) fn compare(logits: &[f64], real: &Padded, generated: &Padded) -> Compared {
    let half = real.weights().len();
    let vocabulary = logits.len() / (2 * half);
    let places = |padded: &Padded, first: usize| -> Vec<usize> {
        let tokens = padded.tokens().iter().enumerate();
        let place = |(k, token): (usize, &u32)| (first + k) * vocabulary + *token as usize;
        tokens.map(place).collect()
    };
    let pairs = places(real, 0).into_iter().zip(places(generated, half));
    let weights = real.weights().iter().zip(generated.weights());
    let count: f64 = weights
        .clone()
        .map(|(real, generated)| real * generated)
        .sum();
    let mut compared = Compared {
        loss: 0.0,
        accuracy: 0.0,
        gap: 0.0,
        slopes: vec![0.0; logits.len()],
    };
    for ((real, generated), (by_real, by_generated)) in pairs.zip(weights) {
        // Where either sequence has ended there is no prefix to compare.
        let share = by_real * by_generated / count.max(1.0);
        let gap = logits[real] - logits[generated];
        compared.loss += softplus(-gap) * share;
        compared.accuracy += f64::from(u8::from(gap > 0.0)) * share;
        compared.gap += gap * share;
        compared.slopes[real] = -sigmoid(-gap) * share;
        compared.slopes[generated] = sigmoid(-gap) * share;
    }
    compared
}

/// What the generator expects of its next tokens.
pub(super) struct Expected {
    /// The standard deviation of a token's advantage.
    pub(super) advantage_std: f64,
    /// The mean −Σ p ln p of the next token, in nats.
    pub(super) entropy: f64,
    /// Of −Σ p · reward, a token, by the logits of all tokens.
    pub(super) slopes: Vec<f64>,
}

/// The expected reward of the token after each prefix of the generated sequences, over all tokens that may follow.
/// Logits of the generator and rewards `[n, steps, vocabulary]`.
pub(super) fn expect(logits: &[f64], rewards: &[f64], generated: &Padded) -> Expected {
    let (weights, count) = (generated.weights(), generated.count());
    let vocabulary = logits.len() / weights.len();
    let mut slopes = vec![0.0; logits.len()];
    let (mut variance, mut entropy) = (0.0, 0.0);
    let rows = logits
        .chunks_exact(vocabulary)
        .zip(rewards.chunks_exact(vocabulary));
    let rows = rows.zip(slopes.chunks_exact_mut(vocabulary)).zip(weights);
    for (((logits, rewards), slopes), weight) in rows {
        if *weight == 0.0 {
            continue;
        }
        let probabilities = softmax(logits);
        let pairs = || probabilities.iter().zip(rewards);
        let value: f64 = pairs().map(|(p, reward)| p * reward).sum();
        for (slope, (p, reward)) in slopes.iter_mut().zip(pairs()) {
            let advantage = reward - value;
            *slope = -p * advantage / count;
            variance += p * advantage * advantage / count;
        }
        let possible = probabilities.iter().filter(|p| **p > 0.0);
        entropy -= possible.map(|p| p * ln(*p)).sum::<f64>() / count;
    }
    Expected {
        advantage_std: variance.sqrt(),
        entropy,
        slopes,
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut values: Vec<f64> = logits.iter().map(|logit| exp(logit - largest)).collect();
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextCorpus;
    use gan_core::Sequences;

    const VOCABULARY: usize = 4;
    const STEPS: usize = 3;
    const END: u32 = 0;

    fn padded(tokens: [u32; 6]) -> Padded {
        let corpus = TextCorpus {
            sequences: Sequences::default(),
            vocabulary: VOCABULARY,
            start: 1,
            end: Some(END),
            never: Vec::new(),
            steps: STEPS,
        };
        Padded::drawn(&corpus, tokens.to_vec())
    }

    fn wave(count: usize, turn: f64) -> Vec<f64> {
        (0..count).map(|k| (turn * k as f64).sin()).collect()
    }

    fn assert_slopes(found: &[f64], at: &[f64], value: impl Fn(&[f64]) -> f64) {
        for (place, found) in found.iter().enumerate() {
            let [above, below] = [1e-5, -1e-5].map(|h| {
                let mut moved = at.to_vec();
                moved[place] += h;
                value(&moved)
            });
            let slope = (above - below) / 2e-5;
            assert!((found - slope).abs() < 1e-8, "{place}: {found} {slope}");
        }
    }

    #[test]
    fn the_discriminators_slopes_are_those_of_its_loss() {
        // Pairs of one, two or three tokens.
        let (real, generated) = (padded([2, 3, END, 3, 2, 2]), padded([3, END, END, 1, 3, 2]));
        let logits = wave(12 * VOCABULARY, 1.3);
        let loss = |logits: &[f64]| compare(logits, &real, &generated).loss;
        let compared = compare(&logits, &real, &generated);
        assert_slopes(&compared.slopes, &logits, loss);
        // By hand: the last token of each prefix that both sequences have.
        let gap = |k: usize, real: usize, other: usize| {
            logits[k * VOCABULARY + real] - logits[(6 + k) * VOCABULARY + other]
        };
        let gaps = [
            gap(0, 2, 3),
            gap(1, 3, 0),
            gap(3, 3, 1),
            gap(4, 2, 3),
            gap(5, 2, 2),
        ];
        let mean = gaps
            .map(|gap| (1.0 + (-gap).exp()).ln())
            .iter()
            .sum::<f64>()
            / 5.0;
        assert!((compared.loss - mean).abs() < 1e-12);
        assert!((compared.gap - gaps.iter().sum::<f64>() / 5.0).abs() < 1e-12);
    }

    #[test]
    fn the_generators_slopes_are_those_of_the_expected_reward() {
        let generated = padded([3, END, END, 1, 3, 2]);
        let (logits, rewards) = (wave(6 * VOCABULARY, 1.3), wave(6 * VOCABULARY, 2.1));
        let less_expected = |logits: &[f64]| -> f64 {
            let rows = logits.chunks(VOCABULARY).zip(rewards.chunks(VOCABULARY));
            let kept = rows
                .zip(generated.weights())
                .filter(|(_, weight)| **weight > 0.0);
            let values = kept.map(|((logits, rewards), _)| {
                let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
                let pairs = logits.iter().zip(rewards);
                pairs
                    .map(|(logit, reward)| logit.exp() / sum * reward)
                    .sum::<f64>()
            });
            -values.sum::<f64>() / 5.0
        };
        let expected = expect(&logits, &rewards, &generated);
        assert_slopes(&expected.slopes, &logits, less_expected);
        let same = expect(&[0.0; 24], &[7.0; 24], &generated);
        assert!(same.slopes.iter().all(|slope| slope.abs() < 1e-15));
        assert!((same.entropy - 4f64.ln()).abs() < 1e-12 && same.advantage_std < 1e-7);
    }
}
