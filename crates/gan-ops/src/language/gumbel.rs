//! Gumbel noise, whose largest sum with logits is a draw from their softmax (Gumbel, 1954).

use crate::element::Element;
use crate::kernels::tile::lanes;
use crate::vectors::{Kernel, vectorized};
use gan_core::exact::ln;
use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// Tokens whose noise is drawn at once: as many words as a stream makes in one go.
const BLOCK: usize = 64;

/// The most lanes of a line: those of f32.
const MOST_LANES: usize = lanes::<f32>();

/// logits ← α · (logits + bias) + noise
pub(super) struct Noise<'a, T> {
    /// `[vocabulary]`
    pub(super) bias: &'a [T],
    pub(super) alpha: T,
}

impl<T: Element> Noise<'_, T> {
    /// Changes logits `[vocabulary, lanes]`, one stream a lane; lanes without one have equal noise everywhere.
    /// Returns the token of each lane's largest, the first of equals.
    pub(super) fn add(&self, streams: &mut [ChaCha8Rng], logits: &mut [T]) -> Vec<u32> {
        let mut words = [[0; BLOCK]; MOST_LANES];
        let mut bytes = [0; 4 * BLOCK];
        let mut best = Best {
            values: [T::from_f64(f64::NEG_INFINITY); MOST_LANES],
            tokens: [T::zero(); MOST_LANES],
        };
        let blocks = logits.chunks_mut(BLOCK * lanes::<T>());
        for (number, (logits, bias)) in blocks.zip(self.bias.chunks(BLOCK)).enumerate() {
            for (words, stream) in words.iter_mut().zip(&mut *streams) {
                stream.fill_bytes(&mut bytes);
                let from = bytes.as_chunks().0.iter();
                let pairs = words.iter_mut().zip(from);
                pairs.for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
            }
            vectorized(Perturb {
                words: &words,
                alpha: self.alpha,
                bias,
                first: T::from_f64((number * BLOCK) as f64),
                logits,
                best: &mut best,
            });
        }
        let tokens = best.tokens[..lanes::<T>()].iter();
        tokens.map(|token| token.to_f64() as u32).collect()
    }
}

/// −ln(−ln u) for a u in the middle of one of 2³² equal parts of [0, 1], so that neither logarithm is of 0.
#[inline(always)]
fn gumbel(word: u32) -> f64 {
    const PART: f64 = 1.0 / 4_294_967_296.0;
    -ln(-ln((f64::from(word) + 0.5) * PART))
}

/// The largest number of each lane, and its token.
struct Best<T> {
    values: [T; MOST_LANES],
    tokens: [T; MOST_LANES],
}

struct Perturb<'a, T> {
    words: &'a [[u32; BLOCK]; MOST_LANES],
    alpha: T,
    bias: &'a [T],
    /// The first token of the block.
    first: T,
    logits: &'a mut [T],
    best: &'a mut Best<T>,
}

impl<T: Element> Kernel for Perturb<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let mut noise = [[T::zero(); BLOCK]; MOST_LANES];
        for (noise, words) in noise.iter_mut().zip(self.words).take(lanes) {
            for (noise, word) in noise.iter_mut().zip(words) {
                *noise = T::from_f64(gumbel(*word));
            }
        }
        let Best { values, tokens } = self.best;
        let mut token = self.first;
        let rows = self.logits.chunks_exact_mut(lanes).zip(self.bias);
        for (row, (logits, bias)) in rows.enumerate() {
            for (logit, noise) in logits.iter_mut().zip(&noise) {
                *logit = self.alpha * (*logit + *bias) + noise[row];
            }
            let best = values.iter_mut().zip(tokens.iter_mut());
            for (logit, (value, best)) in logits.iter().zip(best) {
                let larger = *logit > *value;
                *value = if larger { *logit } else { *value };
                *best = if larger { token } else { *best };
            }
            token += T::one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn noise_has_the_distribution_of_gumbel() {
        // P(g ≤ x) = exp(−exp(−x))
        const N: usize = 1 << 16;
        let mut logits = vec![0.0f32; N * 16];
        let mut streams: Vec<_> = (0..16).map(ChaCha8Rng::seed_from_u64).collect();
        let noise = Noise {
            bias: &vec![0.0; N],
            alpha: 1.0,
        };
        let tokens = noise.add(&mut streams, &mut logits);
        for x in [-1.5f32, 0.0, 1.0, 3.0, 6.0] {
            let share = logits.iter().filter(|g| **g <= x).count() as f64 / logits.len() as f64;
            let expected = (-(-f64::from(x)).exp()).exp();
            let deviation = (expected * (1.0 - expected) / logits.len() as f64).sqrt();
            assert!((share - expected).abs() < 5.0 * deviation, "{x}: {share}");
        }
        for (lane, token) in tokens.iter().enumerate() {
            let lane: Vec<f32> = logits.iter().skip(lane).step_by(16).copied().collect();
            let largest = lane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(lane[*token as usize], largest);
        }
    }

    #[test]
    fn the_ends_are_finite() {
        let near = |found: f64, u: f64| assert!((found + (-u.ln()).ln()).abs() < 1e-9, "{found}");
        near(gumbel(0), 0.5f64.powi(33));
        near(gumbel(1 << 31), 0.5 + 0.5f64.powi(33));
        // −ln(1 − 2⁻³³) is nearly 2⁻³³.
        assert!((gumbel(u32::MAX) - 33.0 * 2f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn vectors_do_not_change_a_bit() {
        let words: [[u32; BLOCK]; MOST_LANES] = std::array::from_fn(|lane| {
            std::array::from_fn(|k| (lane * BLOCK + k) as u32 * 4_194_301)
        });
        let bias: Vec<f32> = (0..BLOCK).map(|k| (k as f32).sin()).collect();
        let run = |vectors: bool| {
            let mut logits: Vec<f32> = (0..BLOCK * MOST_LANES).map(|k| (k as f32).cos()).collect();
            let mut best = Best {
                values: [f32::NEG_INFINITY; MOST_LANES],
                tokens: [0.0; MOST_LANES],
            };
            let kernel = Perturb {
                words: &words,
                alpha: 1.3,
                bias: &bias,
                first: 128.0,
                logits: &mut logits,
                best: &mut best,
            };
            match vectors {
                true => vectorized(kernel),
                false => kernel.call(),
            }
            (logits, best.values, best.tokens)
        };
        assert_eq!(run(true), run(false));
    }
}
