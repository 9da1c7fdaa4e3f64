//! Augmentation of training images by small distortions, so that a classifier does not memorize them.

use candle_core::{Device, Result, Tensor};
use gan_core::exact::sin_cos_turns;
use gan_core::{Purpose, Seed};
use rand::Rng;
use rayon::prelude::*;

/// Largest rotation, in degrees.
const ROTATION_DEGREES: f32 = 12.0;
/// Largest relative change of a side's length.
const SCALE: f32 = 0.1;
/// Largest shear: the shift of two rows against each other divided by their distance.
const SHEAR: f32 = 0.15;
/// Largest translation, as a fraction of the image's side.
const TRANSLATION: f32 = 1.0 / 14.0;

/// An affine map from positions in the new image to positions in the old one, both relative to the centre.
struct Affine {
    matrix: [[f32; 2]; 2],
    offset: [f32; 2],
}

impl Affine {
    /// Uniform in each of its ranges.
    fn draw(rng: &mut impl Rng, sides: [usize; 2]) -> Self {
        let mut within = |most: f32| most * rng.random_range(-1.0..=1.0);
        let turns = f64::from(within(ROTATION_DEGREES)) / 360.0;
        let (scale, shear) = (1.0 + within(SCALE), within(SHEAR));
        let offset = sides.map(|side| within(TRANSLATION) * side as f32);
        let (sin, cos) = sin_cos_turns(turns);
        let (sin, cos) = (sin as f32, cos as f32);
        Self {
            matrix: [
                [cos / scale, sin / scale],
                [-sin / scale + shear, cos / scale],
            ],
            offset,
        }
    }

    fn apply(&self, y: f32, x: f32) -> (f32, f32) {
        let [[yy, yx], [xy, xx]] = self.matrix;
        (
            yy * y + yx * x + self.offset[0],
            xy * y + xx * x + self.offset[1],
        )
    }
}

/// images `[n, c, h, w]`, f32 on the CPU → the same, each slightly rotated, scaled, sheared and moved by
/// the random numbers of the seed's stream `first` + its index, and filled with -1.
pub(super) fn augment(images: &Tensor, seed: Seed, first: u64) -> Result<Tensor> {
    let (_, channels, height, width) = images.dims4()?;
    let values = images.flatten_all()?.to_vec1::<f32>()?;
    let image = channels * height * width;
    let mut moved = vec![0.0; values.len()];
    let pairs = moved.par_chunks_mut(image).zip(values.par_chunks(image));
    pairs.enumerate().for_each(|(number, (to, from))| {
        let mut rng = seed.rng(Purpose::Augmentation, first + number as u64);
        let map = Affine::draw(&mut rng, [height, width]);
        let planes = to.chunks_exact_mut(height * width);
        for (to, from) in planes.zip(from.chunks_exact(height * width)) {
            resample(to, from, width, &map);
        }
    });
    Tensor::from_vec(moved, images.dims(), &Device::Cpu)
}

/// Resamples one channel by bilinear interpolation.
fn resample(to: &mut [f32], from: &[f32], width: usize, map: &Affine) {
    let height = from.len() / width;
    let (center_y, center_x) = (0.5 * (height as f32 - 1.0), 0.5 * (width as f32 - 1.0));
    let pixel = |y: f32, x: f32| {
        let inside = y >= 0.0 && x >= 0.0 && y < height as f32 && x < width as f32;
        if inside {
            from[y as usize * width + x as usize]
        } else {
            -1.0
        }
    };
    for (place, value) in to.iter_mut().enumerate() {
        let (y, x) = (place / width, place % width);
        let (y, x) = map.apply(y as f32 - center_y, x as f32 - center_x);
        let (y, x) = (y + center_y, x + center_x);
        let (top, left) = (y.floor(), x.floor());
        let (down, right) = (y - top, x - left);
        let upper = pixel(top, left) * (1.0 - right) + pixel(top, left + 1.0) * right;
        let lower = pixel(top + 1.0, left) * (1.0 - right) + pixel(top + 1.0, left + 1.0) * right;
        *value = upper * (1.0 - down) + lower * down;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_keeps_every_pixel() {
        let from: Vec<f32> = (0..12).map(|i| i as f32 / 12.0).collect();
        let mut to = vec![0.0; 12];
        let map = Affine {
            matrix: [[1.0, 0.0], [0.0, 1.0]],
            offset: [0.0; 2],
        };
        resample(&mut to, &from, 4, &map);
        assert_eq!(to, from);
    }

    #[test]
    fn a_half_pixel_is_the_mean_and_outside_is_background() {
        let map = Affine {
            matrix: [[1.0, 0.0], [0.0, 1.0]],
            offset: [0.0, 0.5],
        };
        let mut to = vec![0.0; 3];
        resample(&mut to, &[0.0, 0.5, 1.0], 3, &map);
        assert_eq!(to, [0.25, 0.75, 0.0]);
    }

    #[test]
    fn an_image_is_distorted_by_its_number_alone() {
        let values: Vec<f32> = (0..3 * 64).map(|i| (i as f32).sin()).collect();
        let images = Tensor::from_vec(values, (3, 1, 8, 8), &Device::Cpu).unwrap();
        let row = |t: Tensor, i| {
            t.get(i)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        let all = augment(&images, Seed(1), 40).unwrap();
        let last = augment(&images.narrow(0, 2, 1).unwrap(), Seed(1), 42).unwrap();
        assert_eq!(row(all.clone(), 2), row(last, 0));
        assert_ne!(row(all, 2), row(images, 2));
    }
}
