//! Rows of numbers that represent images.

use crate::MetricError;

/// `[count, dimensions]` finite numbers with a name for messages; at least two rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    name: String,
    values: Vec<f64>,
    dimensions: usize,
}

impl Features {
    /// Features from `values`, one row of `dimensions` after the other. `name` is plural, such as
    /// "generated images".
    ///
    /// # Errors
    /// [`MetricError::Shape`] if the values are not whole rows or the rows are empty,
    /// [`MetricError::TooFew`] below two rows, [`MetricError::NotFinite`] for NaN and infinity.
    pub fn new(
        name: impl Into<String>,
        values: Vec<f64>,
        dimensions: usize,
    ) -> Result<Self, MetricError> {
        let name = name.into();
        if dimensions == 0 || !values.len().is_multiple_of(dimensions) {
            return Err(MetricError::Shape {
                what: name,
                values: values.len(),
                dimensions,
            });
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(MetricError::NotFinite {
                what: name,
                row: place / dimensions,
                column: place % dimensions,
                found: values[place],
            });
        }
        let features = Self {
            name,
            values,
            dimensions,
        };
        features.at_least(2, || "for a distribution".to_string())?;
        Ok(features)
    }

    /// What the rows represent, in the plural.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows there are, at least 2.
    pub fn count(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// The width of a row, at least 1.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Row number `index`.
    pub(crate) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.dimensions..][..self.dimensions]
    }

    /// All rows, in order.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.dimensions)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The rows with these numbers.
    pub(crate) fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        Self {
            name: self.name.clone(),
            values: rows.flat_map(|row| self.row(row)).copied().collect(),
            dimensions: self.dimensions,
        }
    }

    /// Refuses a set of fewer than `expected` rows.
    pub(crate) fn at_least(
        &self,
        expected: usize,
        why: impl FnOnce() -> String,
    ) -> Result<(), MetricError> {
        if self.count() >= expected {
            return Ok(());
        }
        Err(MetricError::TooFew {
            what: self.name.clone(),
            found: self.count(),
            expected,
            why: why(),
        })
    }

    /// Refuses a set whose rows have another width.
    pub(crate) fn as_wide_as(&self, other: &Self) -> Result<(), MetricError> {
        if self.dimensions == other.dimensions {
            return Ok(());
        }
        Err(MetricError::Dimensions {
            first: self.name.clone(),
            first_dimensions: self.dimensions,
            second: other.name.clone(),
            second_dimensions: other.dimensions,
        })
    }
}
