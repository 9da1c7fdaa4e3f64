//! Ranges of configured numbers, and the error that names a key whose value is out of its range.

use std::fmt;

/// A value of a configuration that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {found}, expected {expected}")]
pub struct OutOfRange {
    /// The full key, such as `train.lr`.
    pub key: &'static str,
    /// Its value.
    pub found: String,
    /// Its range.
    pub expected: String,
}

/// A number of a configuration, as it is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Not set, which is in every range.
    Unset,
    /// A whole number.
    Whole(u64),
    /// A real number.
    Real(f64),
}

/// The values that a key may have. Infinity and NaN are in no range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Whole numbers from 1.
    AtLeastOne,
    /// Whole numbers from 1 to this.
    OneTo(u64),
    /// Numbers above 0.
    Positive {
        /// A usual one, for the message.
        such_as: &'static str,
    },
    /// Numbers from 0.
    AtLeastZero,
    /// Numbers from 0 to this.
    ZeroTo(f64),
    /// Numbers from 0 to below 1.
    ZeroToBelowOne,
}

/// Whether every value of a table of keys, values and ranges is in its range.
///
/// # Errors
/// Those of [`Range::check`], for the first that is not.
///
/// ```
/// use gan_core::{Range, check_ranges};
///
/// check_ranges(&[
///     ("train.epochs", 200_u64.into(), Range::AtLeastOne),
///     ("train.lr", 2e-4.into(), Range::Positive { such_as: "0.0002" }),
///     ("train.steps", None::<u64>.into(), Range::AtLeastOne),
/// ])?;
/// # Ok::<(), gan_core::OutOfRange>(())
/// ```
pub fn check_ranges(table: &[(&'static str, Number, Range)]) -> Result<(), OutOfRange> {
    let mut rows = table.iter();
    rows.try_for_each(|(key, value, range)| range.check(key, *value))
}

impl Range {
    /// Whether `value`, which is set under `key`, is in this range.
    ///
    /// # Errors
    /// Names the key, the value and the range.
    ///
    /// ```
    /// use gan_core::Range;
    ///
    /// Range::AtLeastOne.check("train.epochs", 200_u64)?;
    /// let error = Range::ZeroToBelowOne.check("train.beta1", 1.5).unwrap_err();
    /// assert_eq!(error.to_string(), "train.beta1 is 1.5, expected a number from 0 to below 1");
    /// # Ok::<(), gan_core::OutOfRange>(())
    /// ```
    pub fn check(self, key: &'static str, value: impl Into<Number>) -> Result<(), OutOfRange> {
        let value = value.into();
        if self.holds(value) {
            return Ok(());
        }
        Err(OutOfRange {
            key,
            found: value.to_string(),
            expected: self.to_string(),
        })
    }

    fn holds(self, value: Number) -> bool {
        let value = match value {
            Number::Unset => return true,
            Number::Whole(value) => value as f64,
            Number::Real(value) => value,
        };
        value.is_finite()
            && match self {
                Self::AtLeastOne => value >= 1.0,
                Self::OneTo(most) => (1.0..=most as f64).contains(&value),
                Self::Positive { .. } => value > 0.0,
                Self::AtLeastZero => value >= 0.0,
                Self::ZeroTo(most) => (0.0..=most).contains(&value),
                Self::ZeroToBelowOne => (0.0..1.0).contains(&value),
            }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeastOne => write!(f, "a whole number of at least 1"),
            Self::OneTo(most) => write!(f, "a whole number from 1 to {most}"),
            Self::Positive { such_as } => write!(f, "a positive number, such as {such_as}"),
            Self::AtLeastZero => write!(f, "a number of at least 0"),
            Self::ZeroTo(most) => write!(f, "a number from 0 to {most}"),
            Self::ZeroToBelowOne => write!(f, "a number from 0 to below 1"),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => write!(f, "not set"),
            Self::Whole(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value}"),
        }
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<T: Into<Number>> From<Option<T>> for Number {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unset, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_ends_as_far_as_they_say() {
        let positive = Range::Positive { such_as: "1" };
        for (range, inside, outside) in [
            (Range::AtLeastOne, vec![1.0, 1e9], vec![0.0, -1.0]),
            (Range::OneTo(8), vec![1.0, 8.0], vec![0.0, 9.0]),
            (positive, vec![1e-300, 1e300], vec![0.0, -1.0]),
            (Range::AtLeastZero, vec![0.0, 1e300], vec![-1e-300]),
            (Range::ZeroTo(0.5), vec![0.0, 0.5], vec![-0.1, 0.51]),
            (Range::ZeroToBelowOne, vec![0.0, 0.999], vec![-0.1, 1.0]),
        ] {
            for value in inside {
                assert_eq!(range.check("a.b", value), Ok(()));
            }
            for value in outside.into_iter().chain([f64::NAN, f64::INFINITY]) {
                assert!(range.check("a.b", value).is_err(), "{range}: {value}");
            }
            assert_eq!(range.check("a.b", None::<f64>), Ok(()));
        }
    }

    #[test]
    fn the_error_names_the_key_the_value_and_the_range() {
        let error = Range::OneTo(2048).check("data.image_size", u64::MAX);
        assert_eq!(
            error.unwrap_err().to_string(),
            "data.image_size is 18446744073709551615, expected a whole number from 1 to 2048"
        );
    }
}
