//! The default picture of a generator: the same latent vectors in `sample` and throughout a training
//! run.

use gan_core::Seed;
use gan_models::TrainingData;
use gan_sample::Classes;

/// Seed of its latent vectors.
pub(crate) const SEED: Seed = Seed(0);

/// With more classes than this, a grid with a row for each is not a good default.
pub(crate) const MOST_CLASS_ROWS: usize = 40;

/// Rows and columns of images; at least one of each.
#[derive(Clone, Copy)]
pub(crate) struct GridShape {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl GridShape {
    /// One row per class if there are `classes` and not too many, else 5 by 5.
    pub(crate) fn default_for(classes: Option<usize>) -> Self {
        match classes {
            Some(rows @ 1..=MOST_CLASS_ROWS) => Self { rows, columns: 10 },
            _ => Self {
                rows: 5,
                columns: 5,
            },
        }
    }

    pub(crate) fn cells(self) -> u64 {
        (self.rows * self.columns) as u64
    }
}

/// How many of the `known` classes of a generator have images in its training data.
pub(crate) fn drawn_classes(known: Option<usize>, data: Option<&TrainingData>) -> Option<usize> {
    known.map(|known| match data {
        Some(data) => data.classes_with_images().len().min(known),
        None => known,
    })
}

/// One class for each row of `columns` images, among those that have images.
pub(crate) fn class_rows(
    columns: u64,
    known: Option<usize>,
    data: Option<&TrainingData>,
) -> Classes {
    let data = data.filter(|_| known.is_some());
    Classes::Rows {
        columns,
        among: data.map_or(Vec::new(), TrainingData::classes_with_images),
    }
}
