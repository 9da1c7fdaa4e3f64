//! The class of each image of a class-conditional generator.

use std::sync::Arc;

/// The class of each image of a class-conditional generator. Other generators ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Classes {
    /// Image k has class k modulo the number of classes, so that all are drawn equally often.
    #[default]
    InTurn,
    /// All images have this class.
    One(u32),
    /// In a grid with this number of columns, each row has one class, and the classes take turns.
    Rows {
        /// Columns of the grid, at least 1.
        columns: u64,
        /// The classes that take turns; if empty, all of them.
        among: Vec<u32>,
    },
    /// Each class as often as in the data.
    Shares(ClassShares),
}

/// How often each class is drawn.
///
/// Image k has the class in whose part of [0, 1) the number frac((k + 1) / φ) lies; φ is the golden
/// ratio. These numbers fill the interval more evenly than random ones (Knuth, The Art of Computer
/// Programming, volume 3, section 6.4), so any consecutive images have the classes' shares within a
/// few images, and image k's class depends only on k.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassShares {
    /// Where each class's part ends, in units of 2⁻⁶⁴; parts of classes without images are empty.
    ends: Arc<[u64]>,
    /// The last class that has images, to which the interval's end belongs.
    last: u32,
}

/// 2⁶⁴ / φ, to the nearest odd number.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

impl ClassShares {
    /// Shares in proportion to `counts`, one per class; none if all are 0.
    pub fn of_counts(counts: &[u64]) -> Option<Self> {
        let total: u128 = counts.iter().map(|count| u128::from(*count)).sum();
        let last = counts.iter().rposition(|count| *count > 0)?;
        let ends = counts.iter().scan(0_u128, |sum, count| {
            *sum += u128::from(*count);
            // Sums of counts stay below 2^80, so that the product fits; 1 is beyond the last number.
            Some(u64::try_from(((*sum << 48) / total) << 16).unwrap_or(u64::MAX))
        });
        Some(Self {
            ends: ends.collect(),
            last: u32::try_from(last).ok()?,
        })
    }

    fn of(&self, image: u64) -> u32 {
        let place = image.wrapping_add(1).wrapping_mul(GOLDEN);
        let class = self.ends.partition_point(|end| *end <= place);
        u32::try_from(class).unwrap_or(u32::MAX).min(self.last)
    }
}

impl Classes {
    /// The class of image number `image`, for a generator of `classes` classes.
    pub fn of(&self, image: u64, classes: usize) -> u32 {
        let turn = |k: u64| (k % classes.max(1) as u64) as u32;
        match self {
            Self::InTurn => turn(image),
            Self::One(class) => *class,
            Self::Rows { columns, among } => {
                let row = image / (*columns).max(1);
                let place = row.checked_rem(among.len() as u64);
                place.map_or_else(|| turn(row), |place| among[place as usize])
            }
            Self::Shares(shares) => shares.of(image),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence of this kind errs by less than a constant times ln n (Niederreiter, 1992, theorem
    /// 3.3); 4 is far above what 10,000 images need.
    #[test]
    fn any_run_of_images_has_the_shares_of_the_data() {
        let counts = [5923, 6742, 0, 100, 1];
        let shares = Classes::Shares(ClassShares::of_counts(&counts).unwrap());
        let total: u64 = counts.iter().sum();
        for (first, length) in [(0, 10_000_u64), (777, 500), (1 << 40, 3000)] {
            let mut drawn = [0_u64; 5];
            for image in first..first + length {
                drawn[shares.of(image, 5) as usize] += 1;
            }
            for (drawn, count) in drawn.iter().zip(&counts) {
                let expected = (length * count) as f64 / total as f64;
                assert!(
                    (*drawn as f64 - expected).abs() <= 4.0,
                    "{drawn} of {expected}"
                );
            }
            assert_eq!(drawn[2], 0);
        }
    }

    #[test]
    fn one_class_alone_has_all_images() {
        let shares = ClassShares::of_counts(&[0, 7, 0]).unwrap();
        assert!((0..1000).all(|image| shares.of(image) == 1));
        assert!(ClassShares::of_counts(&[0, 0]).is_none());
        assert!(ClassShares::of_counts(&[]).is_none());
        let large = ClassShares::of_counts(&[u64::MAX, u64::MAX]).unwrap();
        assert_eq!(large.of(0), 1);
    }

    #[test]
    fn rows_take_turns_through_the_classes_that_are_named() {
        let rows = |among: &[u32]| Classes::Rows {
            columns: 2,
            among: among.to_vec(),
        };
        let drawn = |classes: &Classes| (0..8).map(|k| classes.of(k, 3)).collect::<Vec<_>>();
        assert_eq!(drawn(&rows(&[])), [0, 0, 1, 1, 2, 2, 0, 0]);
        assert_eq!(drawn(&rows(&[0, 2])), [0, 0, 2, 2, 0, 0, 2, 2]);
    }
}
