//! How much is taken from counts for what was not seen.

/// Discounts of counts 0, 1, 2, and 3 or more; those of counts from 1 on are above 0 and at most the count.
#[derive(Debug)]
pub(super) struct Discounts([f64; 4]);

impl Discounts {
    /// Estimated from how many `counts` are 1, 2, 3 and 4 (Chen & Goodman, 1998, equation 26). Where there are none
    /// of some count, as in small or regular texts, 1/2, 1 and 3/2, as KenLM has it for such texts.
    pub(super) fn new(counts: &[u32]) -> Self {
        let frequency = |count: u32| counts.iter().filter(|c| **c == count).count() as f64;
        let [n1, n2, n3, n4] = [1, 2, 3, 4].map(frequency);
        let y = n1 / (n1 + 2.0 * n2);
        let estimated = [
            0.0,
            1.0 - 2.0 * y * n2 / n1,
            2.0 - 3.0 * y * n3 / n2,
            3.0 - 4.0 * y * n4 / n3,
        ];
        // A comparison with NaN is false.
        if estimated[1..].iter().all(|discount| *discount > 0.0) {
            Self(estimated)
        } else {
            Self([0.0, 0.5, 1.0, 1.5])
        }
    }

    pub(super) fn of(&self, count: u32) -> f64 {
        self.0[count.min(3) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_are_chen_and_goodmans() {
        let counts = [[1; 8].as_slice(), &[2; 4], &[3; 2], &[4; 1], &[9]].concat();
        // y = 8 / 16.
        let discounts = Discounts::new(&counts);
        let expected = [0.0, 0.5, 2.0 - 1.5 * 0.5, 3.0 - 2.0 * 0.5, 2.0];
        for (count, expected) in [0, 1, 2, 3, 9].into_iter().zip(expected) {
            assert_eq!(discounts.of(count), expected, "of {count}");
        }
    }

    #[test]
    fn texts_without_some_counts_get_the_usual_discounts() {
        for few in [&[][..], &[1, 1], &[5; 9], &[1, 2, 4], &[1, 3, 3, 3, 3]] {
            assert_eq!(
                [1, 2, 3].map(|count| Discounts::new(few).of(count)),
                [0.5, 1.0, 1.5]
            );
        }
    }
}
