//! Features of sequences that need no training: n-grams hashed to signed sums (Weinberger et al., 2009, arXiv
//! 0902.2206).

use gan_core::Sequences;
use gan_metrics::{Features, MetricError};
use rayon::prelude::*;

/// The width of a row.
const DIMENSIONS: usize = 256;

/// The longest n-grams that are hashed.
const ORDER: usize = 4;

/// `[count, 256]` rows: each n-gram of one to four tokens adds 1 or -1 in a column, and the row is scaled to a
/// Euclidean norm of 16 = √256. So products of rows divided by their width, as the kernel distance takes them, are
/// cosines. A sequence without tokens is a row of zeros. `name` is that of [`Features::new`].
///
/// The hash of an n-gram is that of its first n - 1 tokens, exclusive or its last token, through splitmix64's
/// step (Steele, Lea & Flood, 2014), from 0. Its upper 8 bits are the column, and where its lowest bit is set
/// the sign is minus. So the product of two rows is on average that of their n-gram counts, over the norms. It
/// depends on the ids: compare only texts of one vocabulary.
///
/// # Errors
/// [`MetricError::TooFew`] below two sequences.
pub fn hashed_ngrams(name: &str, sequences: &Sequences) -> Result<Features, MetricError> {
    let numbers = (0..sequences.len()).into_par_iter();
    let rows: Vec<[f64; DIMENSIONS]> = numbers
        .map(|number| row(sequences.get(number).unwrap_or_default()))
        .collect();
    Features::new(name, rows.into_flattened(), DIMENSIONS)
}

fn row(sequence: &[u32]) -> [f64; DIMENSIONS] {
    let mut row = [0.0; DIMENSIONS];
    for start in 0..sequence.len() {
        let mut hash = 0;
        for token in sequence[start..].iter().take(ORDER) {
            hash = mixed(hash ^ u64::from(*token));
            row[(hash >> 56) as usize] += if hash & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
    let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 0.0 {
        let scale = (DIMENSIONS as f64).sqrt() / norm;
        row.iter_mut().for_each(|value| *value *= scale);
    }
    row
}

/// splitmix64's step.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_splitmix64s() {
        // The first three numbers of the generator with seed 0 (Vigna's splitmix64.c).
        let steps = [0, 0x9E37_79B9_7F4A_7C15, 0x3C6E_F372_FE94_F82A].map(mixed);
        assert_eq!(
            steps,
            [
                0xE220_A839_7B1D_CDAF,
                0x6E78_9E6A_A1B9_65F4,
                0x06C4_5D18_8009_454F
            ]
        );
    }

    #[test]
    fn products_of_rows_are_those_of_ngram_counts_on_average() {
        // The last two of eight tokens differ.
        let product = |k: u32| {
            let tokens: Vec<u32> = (100 * k..100 * k + 8).collect();
            let mut other = tokens.clone();
            (other[6], other[7]) = (100 * k + 50, 100 * k + 51);
            let (a, b) = (row(&tokens), row(&other));
            a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>() / DIMENSIONS as f64
        };
        let mean = (0..2000).map(product).sum::<f64>() / 2000.0;
        // 6 + 5 + 4 + 3 of 8 + 7 + 6 + 5.
        assert!((mean - 18.0 / 26.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn rows_have_a_norm_of_sixteen_or_zero() {
        let text: Sequences = [&[u32::MAX, 0, 7][..], &[], &[7]].into_iter().collect();
        let features = hashed_ngrams("lines", &text).unwrap();
        let norms = features
            .values()
            .chunks(DIMENSIONS)
            .map(|row| row.iter().map(|x| x * x).sum::<f64>());
        let norms: Vec<f64> = norms.collect();
        assert!(
            (norms[0] - 256.0).abs() < 1e-9 && norms[1] == 0.0 && norms[2] == 256.0,
            "{norms:?}"
        );
        assert!(hashed_ngrams("lines", &Sequences::default()).is_err());
    }
}
