//! Which texts are held out: a share by the hash of their contents, so that equal texts are on one side,
//! whatever their order, their files and the seed.

use crate::reading::Side;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// With fewer different texts nothing is held out.
const FEWEST_TEXTS: usize = 20;

/// The fewest different texts of each side.
const FEWEST_OF_A_SIDE: usize = 2;

/// The first eight bytes, as a big-endian number, of SHA-256 over a normalised text.
pub(crate) fn content_hash(text: &str) -> u64 {
    let digest = Sha256::digest(text);
    let first = digest.iter().take(8);
    first.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Which side each hash is on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Division {
    /// Hashes up to this are held out.
    UpTo(u64),
    /// Nothing is held out, and why.
    Nothing(&'static str),
}

impl Division {
    /// Holds out the texts whose hash is below `share` of all hashes, and at least two.
    pub(crate) fn of(hashes: &HashSet<u64>, share: f64) -> Self {
        if share == 0.0 {
            return Self::Nothing("the share is 0");
        }
        if hashes.len() < FEWEST_TEXTS {
            return Self::Nothing("there are fewer than 20 different texts");
        }
        // A product with a power of two is exact, and above 0 and below 2⁶⁴ for a share up to a half.
        let below = (share * 2.0_f64.powi(64)).ceil() as u64;
        let mut least: Vec<u64> = hashes.iter().copied().collect();
        let (_, second, _) = least.select_nth_unstable(FEWEST_OF_A_SIDE - 1);
        let last = (below - 1).max(*second);
        let held_out = hashes.iter().filter(|hash| **hash <= last).count();
        match hashes.len() - held_out < FEWEST_OF_A_SIDE {
            true => Self::Nothing("nothing would be left to train on"),
            false => Self::UpTo(last),
        }
    }

    pub(crate) fn side(&self, hash: u64) -> Side {
        match self {
            Self::UpTo(last) if hash <= *last => Side::HeldOut,
            _ => Side::Training,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` hashes at equal distances: (k + 1/2) / n of all hashes.
    fn spread(n: u64) -> HashSet<u64> {
        (0..n)
            .map(|k| k * (u64::MAX / n) + u64::MAX / n / 2)
            .collect()
    }

    fn held_out(hashes: &HashSet<u64>, share: f64) -> usize {
        let division = Division::of(hashes, share);
        hashes
            .iter()
            .filter(|hash| division.side(**hash) == Side::HeldOut)
            .count()
    }

    /// Python: hashlib.sha256('가'.encode()).hexdigest()[:16].
    #[test]
    fn the_hash_is_that_of_the_utf_8() {
        assert_eq!(content_hash("가"), 0x64ee_5293_d31b_c58b);
    }

    #[test]
    fn a_share_of_the_hashes_is_held_out_and_two_at_least() {
        assert_eq!(held_out(&spread(1000), 0.1), 100);
        assert_eq!(held_out(&spread(1000), 0.5), 500);
        assert_eq!(held_out(&spread(20), 0.01), 2);
    }

    #[test]
    fn nothing_is_held_out_of_few_texts_or_for_a_share_of_zero() {
        for (hashes, share) in [(spread(19), 0.5), (spread(100), 0.0), (HashSet::new(), 0.1)] {
            assert_eq!(held_out(&hashes, share), 0);
        }
        // All but one of the hashes are low.
        let low = (0..20).chain([u64::MAX]).collect();
        assert_eq!(
            Division::of(&low, 0.1),
            Division::Nothing("nothing would be left to train on")
        );
    }
}
