//! The default picture of a generator: the same latent vectors in `sample` and throughout a training
//! run.

use gan_core::Seed;
use gan_models::TrainingData;
use gan_sample::Classes;

/// Seed of its latent vectors.
pub const PICTURE_SEED: Seed = Seed(0);

/// With more classes than this, a grid with a row for each is not a good default.
pub(crate) const MOST_CLASS_ROWS: usize = 40;

/// Rows and columns of images; at least one of each.
#[derive(Clone, Copy, Debug)]
pub struct GridShape {
    /// Images one below the other.
    pub rows: usize,
    /// Images side by side.
    pub columns: usize,
}

impl GridShape {
    /// One row per class if there are `classes` and not too many, else 5 by 5.
    pub fn default_for(classes: Option<usize>) -> Self {
        match classes {
            Some(rows @ 1..=MOST_CLASS_ROWS) => Self { rows, columns: 10 },
            _ => Self {
                rows: 5,
                columns: 5,
            },
        }
    }

    /// The number of images.
    pub fn cells(self) -> u64 {
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

/// The name of the picture after a number of steps, such as `009380.png`.
pub(crate) fn picture_name(done: u64) -> String {
    format!("{done:06}.png")
}

/// The number of steps done when a picture in `samples/` existed: 2000 for `002000.png`; one more for
/// `002000-batch.png`, because it shows the batch of the next step. Texts are in `002000.txt`.
pub(crate) fn step_of_picture(name: &str) -> Option<u64> {
    let name = name.strip_suffix(".png").or(name.strip_suffix(".txt"))?;
    let (digits, more) = match name.strip_suffix("-batch") {
        Some(digits) => (digits, 1),
        None => (name, 0),
    };
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let step: u64 = digits.parse().ok().filter(|_| all_digits)?;
    step.checked_add(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_names() {
        for (name, step) in [
            ("000000.png", Some(0)),
            ("002000-batch.png", Some(2001)),
            ("18446744073709551615-batch.png", None),
            ("1234567.png", Some(1_234_567)),
            ("0.png", Some(0)),
            ("photo.png", None),
            ("+5.png", None),
            (".png", None),
            ("000000.jpg", None),
            ("002000.txt", Some(2000)),
        ] {
            assert_eq!(step_of_picture(name), step, "{name}");
        }
    }
}
