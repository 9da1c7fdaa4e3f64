//! StackedMNIST: three digits in the channels of one image (Srivastava et al., 2017, arXiv
//! 1705.07761; Lin et al., 2018, arXiv 1712.04086).

use crate::{DataError, Dataset};
use gan_core::{ImageShape, Purpose, Seed};
use rand::Rng;

/// Gray images that are stacked.
const CHANNELS: usize = 3;

/// The most classes of the images: 40³ modes are 64,000.
const MOST_CLASSES: usize = 40;

/// `count` images whose channels are independent draws from the gray images of `base`, under
/// `seed`. An image of the classes a, b and c has the label (a · k + b) · k + c, with k the number of
/// classes: 1,000 modes of MNIST's ten.
///
/// # Errors
/// [`DataError::Mismatch`] when the images are not gray or have no labels, have more than 40 classes,
/// whose modes would be more than the 65,536 classes that a set may have, or `count` is 0.
pub fn stacked(base: &Dataset, count: usize, seed: Seed) -> Result<Dataset, DataError> {
    let shape = base.shape();
    let (Some(labels), 1) = (base.labels(), shape.channels) else {
        return Err(DataError::Mismatch {
            origin: base.origin().to_string(),
            found: format!("images of shape {shape}, {} classes", base.class_count()),
            expected: "gray images with labels, to stack".to_string(),
        });
    };
    if base.class_count() > MOST_CLASSES {
        return Err(DataError::Mismatch {
            origin: base.origin().to_string(),
            found: format!("{} classes", base.class_count()),
            expected: format!("at most {MOST_CLASSES}, to stack {CHANNELS} images of them"),
        });
    }
    let mut rng = seed.rng(Purpose::Stacking, 0);
    let mut pixels = Vec::with_capacity(count * CHANNELS * shape.elements());
    let mut modes = Vec::with_capacity(count);
    for _ in 0..count {
        let mut mode = 0;
        for _ in 0..CHANNELS {
            let index = rng.random_range(0..base.len());
            pixels.extend_from_slice(base.image(index).unwrap_or_default());
            mode = mode * base.class_count() as u32 + labels[index];
        }
        modes.push(mode);
    }
    let shape = ImageShape {
        channels: CHANNELS,
        ..shape
    };
    Dataset::new(format!("stacks of {}", base.origin()), shape, pixels)?.with_labels(modes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Dataset {
        let shape = ImageShape {
            channels: 1,
            height: 1,
            width: 2,
        };
        let pixels = (0..10).flat_map(|class| [class * 20, 7]).collect();
        let data = Dataset::new("ten pixels", shape, pixels).unwrap();
        data.with_labels((0..10).collect()).unwrap()
    }

    #[test]
    fn a_label_is_the_digits_of_the_channels() {
        let data = stacked(&base(), 500, Seed(3)).unwrap();
        assert_eq!((data.len(), data.shape().channels), (500, 3));
        for (index, label) in data.labels().unwrap().iter().enumerate() {
            let image = data.image(index).unwrap();
            let digits = [image[0], image[2], image[4]].map(|pixel| u32::from(pixel) / 20);
            assert_eq!(*label, digits[0] * 100 + digits[1] * 10 + digits[2]);
        }
        assert_eq!(stacked(&base(), 500, Seed(3)).unwrap(), data);
        assert_ne!(stacked(&base(), 500, Seed(4)).unwrap(), data);
    }

    #[test]
    fn what_cannot_be_stacked_is_refused() {
        let unlabelled = Dataset::new("no labels", base().shape(), vec![0, 1]).unwrap();
        assert!(stacked(&unlabelled, 3, Seed(0)).is_err());
        assert!(stacked(&base(), 0, Seed(0)).is_err());
        // 1,626³ is above 2³².
        for (highest, fits) in [(39, true), (40, false), (1_625, false), (65_535, false)] {
            let many = Dataset::new("many", base().shape(), vec![0; 2]).unwrap();
            let many = many.with_labels(vec![highest]).unwrap();
            assert_eq!(stacked(&many, 3, Seed(0)).is_ok(), fits, "{highest}");
        }
    }
}
