//! Why there is no score.

use gan_core::ErrorClass;

/// What keeps a score from being computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// The values are not whole rows.
    #[error("{what}: {values} values are not whole rows of {dimensions}; check the width")]
    Shape {
        /// The set's name.
        what: String,
        /// How many values were given.
        values: usize,
        /// The width of a row.
        dimensions: usize,
    },
    /// NaN or infinity.
    #[error(
        "{what}: value {column} of row {row} is {found}, expected finite numbers; \
         the program that made them went wrong, so there is nothing to score"
    )]
    NotFinite {
        /// The set's name.
        what: String,
        /// The first such row, from 0.
        row: usize,
        /// Its first such column, from 0.
        column: usize,
        /// NaN, inf or -inf.
        found: f64,
    },
    /// A pixel outside of [-1, 1].
    #[error(
        "{what}: value {column} of image {row} is {found}, expected -1 (black) to 1 (white); \
         scale the images to that range"
    )]
    PixelRange {
        /// The set's name.
        what: String,
        /// The first such image, from 0.
        row: usize,
        /// Its first such value, from 0.
        column: usize,
        /// The value.
        found: f64,
    },
    /// Too few rows for the score.
    #[error("{what}: {found} of them, expected at least {expected} {why}; give more")]
    TooFew {
        /// The set's name.
        what: String,
        /// How many rows there are.
        found: usize,
        /// How many are needed.
        expected: usize,
        /// What needs them.
        why: String,
    },
    /// The rows of the two sets differ in width.
    #[error(
        "{first} have {first_dimensions} dimensions and {second} {second_dimensions}, expected \
         the same; take both from the same network"
    )]
    Dimensions {
        /// One set's name.
        first: String,
        /// Its width.
        first_dimensions: usize,
        /// The other set's name.
        second: String,
        /// Its width.
        second_dimensions: usize,
    },
    /// A setting outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its value.
        found: String,
        /// Its range.
        expected: &'static str,
    },
    /// The eigenvalues could not be computed.
    #[error("the eigenvalues of {what} did not converge")]
    Eigenvalues {
        /// Which matrix.
        what: String,
    },
}

impl MetricError {
    /// Whether the images are at fault, or the computation.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Eigenvalues { .. } => ErrorClass::Failed,
            _ => ErrorClass::WrongUse,
        }
    }
}
