//! Differentiable augmentation of what the discriminator is shown (Zhao et al., 2020, arXiv
//! 2006.10738): the same kinds of change to real and generated images, each with its own numbers.
//!
//! Every change is affine in an image's values, so the gradient goes back through its transpose.

use candle_core::{DType, Device, Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// All values shifted by one number, uniform in [-0.5, 0.5].
    Brightness,
    /// Moved by up to an eighth of each side, −1 (black) where nothing was.
    Translation,
    /// A rectangle of half of each side set to −1 (black), its centre anywhere in the image.
    Cutout,
}

/// What happens to each image of one batch.
pub(crate) struct Augmented {
    shifts: Vec<Shift>,
    shape: [usize; 4],
}

/// What happens to one image.
#[derive(Clone, Copy, Debug)]
struct Shift {
    brightness: f64,
    rows: i64,
    columns: i64,
    /// First and last row and column, exclusive, of the rectangle.
    hole: [i64; 4],
}

impl Augmented {
    /// Draws what happens to a batch of `shape` `[n, c, h, w]`.
    pub(crate) fn draw(kinds: &[Augmentation], shape: [usize; 4], rng: &mut ChaCha8Rng) -> Self {
        let [n, _, height, width] = shape;
        let (height, width) = (height as i64, width as i64);
        let shift = |_| {
            let mut shift = Shift {
                brightness: 0.0,
                rows: 0,
                columns: 0,
                hole: [0; 4],
            };
            for kind in kinds {
                match kind {
                    Augmentation::Brightness => shift.brightness = rng.random_range(-0.5..=0.5),
                    Augmentation::Translation => {
                        shift.rows = rng.random_range(-height / 8..=height / 8);
                        shift.columns = rng.random_range(-width / 8..=width / 8);
                    }
                    Augmentation::Cutout => {
                        let top = rng.random_range(0..=height) - height / 4;
                        let left = rng.random_range(0..=width) - width / 4;
                        shift.hole = [top, top + height / 2, left, left + width / 2];
                    }
                }
            }
            shift
        };
        Self {
            shifts: (0..n).map(shift).collect(),
            shape,
        }
    }

    /// The images as they are shown.
    pub(crate) fn show(&self, images: &Tensor) -> Result<Tensor> {
        let values = numbers(images)?;
        let mut shown = vec![-1.0; values.len()];
        self.for_each(|to, from, brightness| {
            if let Some(from) = from {
                shown[to] = values[from] + brightness;
            }
        });
        self.tensor(shown, images)
    }

    /// The gradient by the images from the one by what was shown.
    pub(crate) fn pull_back(&self, gradient: &Tensor) -> Result<Tensor> {
        let values = numbers(gradient)?;
        let mut pulled = vec![0.0; values.len()];
        self.for_each(|to, from, _| {
            if let Some(from) = from {
                pulled[from] += values[to];
            }
        });
        self.tensor(pulled, gradient)
    }

    fn tensor(&self, values: Vec<f64>, like: &Tensor) -> Result<Tensor> {
        let [n, c, h, w] = self.shape;
        let tensor = Tensor::from_vec(values, (n, c, h, w), &Device::Cpu)?;
        tensor.to_dtype(like.dtype())?.to_device(like.device())
    }

    /// Calls `f` for each place that is shown, with the place it comes from, if any, and what is
    /// added.
    fn for_each(&self, mut f: impl FnMut(usize, Option<usize>, f64)) {
        let [_, channels, height, width] = self.shape;
        for (image, shift) in self.shifts.iter().enumerate() {
            let [top, bottom, left, right] = shift.hole;
            for channel in 0..channels {
                let first = (image * channels + channel) * height * width;
                for y in 0..height {
                    for x in 0..width {
                        let (row, column) = (y as i64, x as i64);
                        let hidden =
                            (top..bottom).contains(&row) && (left..right).contains(&column);
                        let row = row.checked_sub(shift.rows).and_then(inside(height));
                        let column = column.checked_sub(shift.columns).and_then(inside(width));
                        let from = row.zip(column).filter(|_| !hidden);
                        let from = from.map(|(row, column)| first + row * width + column);
                        f(first + y * width + x, from, shift.brightness);
                    }
                }
            }
        }
    }
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

/// A place along a side of so many pixels, if it is one.
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

    fn draw(kinds: &[Augmentation]) -> Augmented {
        Augmented::draw(kinds, SHAPE, &mut Seed(3).rng(Purpose::DiffAugment, 0))
    }

    fn inner(a: &Tensor, b: &Tensor) -> f64 {
        (a * b).unwrap().sum_all().unwrap().to_scalar().unwrap()
    }

    /// ⟨show(x + h) − show(x), g⟩ = ⟨h, pull_back(g)⟩ for every h, as the map is affine.
    #[test]
    fn the_way_back_is_the_transpose() {
        for kinds in [&ALL[..1], &ALL[1..2], &ALL[2..], &ALL] {
            let augmented = draw(kinds);
            let (x, h, g) = (wave(0.1), wave(1.7), wave(0.6));
            let moved = augmented.show(&(&x + &h).unwrap()).unwrap();
            let change = (moved - augmented.show(&x).unwrap()).unwrap();
            let expected = inner(&h, &augmented.pull_back(&g).unwrap());
            assert!((inner(&change, &g) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn nothing_is_changed_by_no_kind() {
        let x = wave(0.4);
        let shown = draw(&[]).show(&x).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&shown), values(&x));
    }

    #[test]
    fn a_hole_covers_up_to_a_quarter_and_a_move_keeps_most() {
        let ones = Tensor::ones(&SHAPE[..], DType::F64, &Device::Cpu).unwrap();
        let kept = |kinds: &[Augmentation]| -> Vec<f64> {
            let shown = draw(kinds).show(&ones).unwrap();
            let share = ((shown + 1.0).unwrap() / 2.0)
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
