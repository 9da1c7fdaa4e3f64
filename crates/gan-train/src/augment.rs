//! Differentiable augmentation of the discriminator's inputs (Zhao et al., 2020, arXiv 2006.10738): the
//! same kinds of change to real and generated images, each image with its own random numbers.
//!
//! Every change is affine in an image's values, so its backward pass is the transposed linear map.

use candle_core::{DType, Device, Result, Tensor};
use gan_core::ImageShape;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A kind of augmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// A number, uniform in [-0.5, 0.5], is added to all values of an image.
    Brightness,
    /// The image is moved by up to an eighth of each side, and filled with −1 (black).
    Translation,
    /// A rectangle of half the height and width, its centre anywhere in the image, is set to −1 (black).
    Cutout,
}

/// The changes to each image of a batch.
pub(crate) struct BatchAugmentation {
    changes: Vec<ImageAugmentation>,
    shape: [usize; 4],
}

/// The changes to one image.
#[derive(Clone, Copy, Debug)]
pub struct ImageAugmentation {
    /// What is added to all values.
    pub brightness: f64,
    /// By how many pixels the image moves down.
    pub rows: i64,
    /// By how many pixels it moves to the right.
    pub columns: i64,
    /// Top, bottom, left and right of the cutout, in pixels; bottom and right are exclusive.
    pub hole: [i64; 4],
}

/// Draws the changes to `count` images of one shape, one image after the other.
pub fn draw_augmentations(
    kinds: &[Augmentation],
    count: usize,
    shape: ImageShape,
    rng: &mut ChaCha8Rng,
) -> Vec<ImageAugmentation> {
    let (height, width) = (shape.height as i64, shape.width as i64);
    let change = |_| {
        let mut change = ImageAugmentation {
            brightness: 0.0,
            rows: 0,
            columns: 0,
            hole: [0; 4],
        };
        for kind in kinds {
            match kind {
                Augmentation::Brightness => change.brightness = rng.random_range(-0.5..=0.5),
                Augmentation::Translation => {
                    change.rows = rng.random_range(-height / 8..=height / 8);
                    change.columns = rng.random_range(-width / 8..=width / 8);
                }
                Augmentation::Cutout => {
                    let top = rng.random_range(0..=height) - height / 4;
                    let left = rng.random_range(0..=width) - width / 4;
                    change.hole = [top, top + height / 2, left, left + width / 2];
                }
            }
        }
        change
    };
    (0..count).map(change).collect()
}

impl BatchAugmentation {
    /// Draws the changes to a batch of `shape` `[n, c, h, w]`.
    pub(crate) fn draw(kinds: &[Augmentation], shape: [usize; 4], rng: &mut ChaCha8Rng) -> Self {
        let [n, channels, height, width] = shape;
        let image = ImageShape {
            channels,
            height,
            width,
        };
        Self {
            changes: draw_augmentations(kinds, n, image, rng),
            shape,
        }
    }

    /// The augmented images, `[n, c, h, w]`.
    pub(crate) fn apply(&self, images: &Tensor) -> Result<Tensor> {
        let values = numbers(images)?;
        let mut changed = vec![-1.0; values.len()];
        self.for_each(|to, from, brightness| {
            if let Some(from) = from {
                changed[to] = values[from] + brightness;
            }
        });
        self.tensor(changed, images)
    }

    /// The gradient with respect to the images from the one with respect to the augmented images, both
    /// `[n, c, h, w]`.
    pub(crate) fn input_gradient(&self, gradient: &Tensor) -> Result<Tensor> {
        let values = numbers(gradient)?;
        let mut inputs = vec![0.0; values.len()];
        self.for_each(|to, from, _| {
            if let Some(from) = from {
                inputs[from] += values[to];
            }
        });
        self.tensor(inputs, gradient)
    }

    fn tensor(&self, values: Vec<f64>, like: &Tensor) -> Result<Tensor> {
        let [n, c, h, w] = self.shape;
        let tensor = Tensor::from_vec(values, (n, c, h, w), &Device::Cpu)?;
        tensor.to_dtype(like.dtype())?.to_device(like.device())
    }

    /// Calls `f` for each augmented pixel: its index, that of the pixel it comes from, if any, and what is
    /// added to it.
    fn for_each(&self, mut f: impl FnMut(usize, Option<usize>, f64)) {
        let [_, channels, height, width] = self.shape;
        for (image, change) in self.changes.iter().enumerate() {
            let [top, bottom, left, right] = change.hole;
            for channel in 0..channels {
                let first = (image * channels + channel) * height * width;
                for y in 0..height {
                    for x in 0..width {
                        let (row, column) = (y as i64, x as i64);
                        let hidden =
                            (top..bottom).contains(&row) && (left..right).contains(&column);
                        let row = row.checked_sub(change.rows).and_then(inside(height));
                        let column = column.checked_sub(change.columns).and_then(inside(width));
                        let from = row.zip(column).filter(|_| !hidden);
                        let from = from.map(|(row, column)| first + row * width + column);
                        f(first + y * width + x, from, change.brightness);
                    }
                }
            }
        }
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// A coordinate as an index, if it lies within a side of `side` pixels.
fn inside(side: usize) -> impl Fn(i64) -> Option<usize> {
    move |place| usize::try_from(place).ok().filter(|place| *place < side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::{Purpose, Seed};

    const SHAPE: [usize; 4] = [5, 2, 8, 16];
    const ALL: [Augmentation; 3] = [
        Augmentation::Brightness,
        Augmentation::Translation,
        Augmentation::Cutout,
    ];

    fn wave(phase: f64) -> Tensor {
        let values: Vec<f64> = (0..SHAPE.iter().product::<usize>())
            .map(|i| (phase + 1.3 * i as f64).sin())
            .collect();
        Tensor::from_vec(values, &SHAPE[..], &Device::Cpu).unwrap()
    }

    fn draw(kinds: &[Augmentation]) -> BatchAugmentation {
        BatchAugmentation::draw(kinds, SHAPE, &mut Seed(3).rng(Purpose::DiffAugment, 0))
    }

    fn inner(a: &Tensor, b: &Tensor) -> f64 {
        (a * b).unwrap().sum_all().unwrap().to_scalar().unwrap()
    }

    /// ⟨apply(x + h) − apply(x), g⟩ = ⟨h, input_gradient(g)⟩ for every h, as the map is affine.
    #[test]
    fn the_backward_pass_is_the_transpose() {
        for kinds in [&ALL[..1], &ALL[1..2], &ALL[2..], &ALL] {
            let augmented = draw(kinds);
            let (x, h, g) = (wave(0.1), wave(1.7), wave(0.6));
            let moved = augmented.apply(&(&x + &h).unwrap()).unwrap();
            let change = (moved - augmented.apply(&x).unwrap()).unwrap();
            let expected = inner(&h, &augmented.input_gradient(&g).unwrap());
            assert!((inner(&change, &g) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn without_augmentation_images_stay_the_same() {
        let x = wave(0.4);
        let changed = draw(&[]).apply(&x).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&changed), values(&x));
    }

    #[test]
    fn a_cutout_covers_up_to_a_quarter_and_a_translation_keeps_most() {
        let ones = Tensor::ones(&SHAPE[..], DType::F64, &Device::Cpu).unwrap();
        let kept = |kinds: &[Augmentation]| -> Vec<f64> {
            let changed = draw(kinds).apply(&ones).unwrap();
            let share = ((changed + 1.0).unwrap() / 2.0)
                .unwrap()
                .flatten_from(1)
                .unwrap();
            share.mean(1).unwrap().to_vec1().unwrap()
        };
        let holes = kept(&[Augmentation::Cutout]);
        assert!(
            holes.iter().all(|share| (0.75..=1.0).contains(share)),
            "{holes:?}"
        );
        assert!(holes.iter().any(|share| *share < 1.0), "{holes:?}");
        let moved = kept(&[Augmentation::Translation]);
        let least = (7.0 / 8.0) * (14.0 / 16.0);
        assert!(
            moved.iter().all(|share| (least..=1.0).contains(share)),
            "{moved:?}"
        );
        assert!(moved.iter().any(|share| *share < 1.0), "{moved:?}");
    }
}
