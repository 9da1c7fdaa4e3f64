//! Scores by length: whether long sequences are as good as short ones, compared with real ones of that length.

use crate::spread::mean;
use gan_metrics::Mean;

/// The longest sequences of the first two bins; from there on, each reaches twice as far as the one before.
const FIRST_EDGES: [usize; 2] = [5, 10];

/// The sequences of one range of lengths: 0–5, 6–10, 11–20, 21–40, 41–80 … tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LengthBin {
    /// The bin's least length.
    pub shortest: usize,
    /// Its greatest.
    pub longest: usize,
    /// The generated sequences in it.
    pub generated: BinMean,
    /// The real ones.
    pub real: BinMean,
}

/// The mean of a score over a bin's sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinMean {
    /// How many there are.
    pub sequences: usize,
    /// The mean, if there are any; of one sequence its error is 0, that is, not known.
    pub mean: Option<Mean>,
}

/// The means by length of any score that each sequence has of its own, such as [`Bleu::sentences`],
/// [`Overlap::runs`] or losses: pairs of length and score. Bins without any sequence are left out.
///
/// [`Bleu::sentences`]: crate::Bleu::sentences
/// [`Overlap::runs`]: crate::Overlap::runs
///
/// ```
/// let real = [(3, 0.5), (4, 0.5), (15, 0.4)];
/// let bins = gan_text_metrics::by_length(&[(2, 0.25), (20, 0.1)], &real);
/// assert_eq!((bins[1].shortest, bins[1].longest), (11, 20));
/// assert_eq!(bins[0].ratio().map(|ratio| ratio.value), Some(0.5));
/// ```
pub fn by_length(generated: &[(usize, f64)], real: &[(usize, f64)]) -> Vec<LengthBin> {
    let mut scores: Vec<[Vec<f64>; 2]> = Vec::new();
    for (side, pairs) in [generated, real].into_iter().enumerate() {
        for (length, score) in pairs {
            let bin = bin_of(*length);
            scores.resize_with(scores.len().max(bin + 1), Default::default);
            scores[bin][side].push(*score);
        }
    }
    let bins = scores.iter().enumerate().map(|(bin, [generated, real])| {
        let (shortest, longest) = edges(bin);
        LengthBin {
            shortest,
            longest,
            generated: BinMean::new(generated),
            real: BinMean::new(real),
        }
    });
    bins.filter(|bin| bin.generated.sequences + bin.real.sequences > 0)
        .collect()
}

impl LengthBin {
    /// The generated sequences' mean over the real ones': 1 is as good as real. `None` if one side has no sequences
    /// or the real mean is 0.
    pub fn ratio(&self) -> Option<Mean> {
        let (generated, real) = (self.generated.mean?, self.real.mean?);
        let value = generated.value / real.value;
        let error = generated.standard_error.hypot(value * real.standard_error);
        value.is_finite().then_some(Mean {
            value,
            standard_error: error / real.value.abs(),
        })
    }
}

impl BinMean {
    fn new(scores: &[f64]) -> Self {
        Self {
            sequences: scores.len(),
            mean: (!scores.is_empty()).then(|| mean(scores.iter().copied())),
        }
    }
}

/// The number of the bin with sequences of `length`.
fn bin_of(length: usize) -> usize {
    let [first, second] = FIRST_EDGES;
    match length {
        short if short <= first => 0,
        // The least k with length ≤ second · 2ᵏ.
        _ => 1 + length.div_ceil(second).next_power_of_two().ilog2() as usize,
    }
}

/// The least and the greatest length in a bin.
fn edges(bin: usize) -> (usize, usize) {
    let [first, second] = FIRST_EDGES;
    match bin {
        0 => (0, first),
        1 => (first + 1, second),
        _ => {
            let before = second << (bin - 2);
            (before + 1, before.saturating_mul(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_lies_within_its_bins_edges() {
        for length in (0..3000).chain([1 << 40]) {
            let (shortest, longest) = edges(bin_of(length));
            assert!(
                (shortest..=longest).contains(&length),
                "{length}: {shortest} to {longest}"
            );
        }
        let bins: Vec<_> = (0..5).map(edges).collect();
        assert_eq!(bins, [(0, 5), (6, 10), (11, 20), (21, 40), (41, 80)]);
    }

    #[test]
    fn a_bin_is_compared_with_real_sequences_of_its_lengths() {
        let bins = by_length(
            &[(7, 2.0), (8, 4.0), (100, 1.0)],
            &[(6, 2.0), (9, 2.0), (0, 1.0)],
        );
        let lengths: Vec<_> = bins.iter().map(|bin| (bin.shortest, bin.longest)).collect();
        assert_eq!(lengths, [(0, 5), (6, 10), (81, 160)]);
        let ratio = bins[1].ratio().unwrap();
        assert_eq!(ratio.value, 1.5);
        // Deviation 1 over √2, in units of 2.
        assert!((ratio.standard_error - 0.125_f64.sqrt()).abs() < 1e-12);
        assert_eq!((bins[0].ratio(), bins[2].ratio()), (None, None));
        assert_eq!(by_length(&[(1, 1.0)], &[(1, 0.0)])[0].ratio(), None);
        assert!(by_length(&[], &[]).is_empty());
    }
}
