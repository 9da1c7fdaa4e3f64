//! Sharpness: how much fine detail images have.

use crate::ImageSet;
use crate::spread::mean_and_deviation;
use faer::Mat;
use gan_core::byte_to_value;
use rayon::prelude::*;
use std::f64::consts::PI;

/// How much fine detail a set of images has. Only ratios to real images are meaningful: blur lowers both
/// figures, noise raises them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpness {
    /// Mean squared difference of neighbouring pixels, both directions, over all images.
    pub gradient_energy: f64,
    /// Its standard error over the images.
    pub gradient_energy_error: f64,
    /// Mean share of an image's spectral energy, its mean brightness left out, in the upper half of
    /// the frequencies of either direction (by the discrete cosine transform); 0 for a flat image.
    pub high_frequency_share: f64,
    /// Its standard error over the images.
    pub high_frequency_share_error: f64,
}

impl Sharpness {
    /// Measures every channel of every image.
    pub fn new(images: &ImageSet) -> Self {
        let shape = images.shape();
        let plane_size = shape.height * shape.width;
        let planes: Vec<&[u8]> = images
            .images()
            .flat_map(|image| image.chunks_exact(plane_size))
            .collect();
        let transform = Transform::new(shape.height, shape.width);
        let measured = planes.par_iter().map(|plane| {
            let pixel = |i, j| f64::from(byte_to_value(plane[i * shape.width + j]));
            transform.measure(&Mat::from_fn(shape.height, shape.width, pixel))
        });
        let (gradients, shares): (Vec<f64>, Vec<f64>) = measured.unzip();
        let root = (images.count() as f64).sqrt();
        let (gradient_energy, gradient_deviation) = mean_and_deviation(&gradients);
        let (high_frequency_share, share_deviation) = mean_and_deviation(&shares);
        Self {
            gradient_energy,
            gradient_energy_error: gradient_deviation / root,
            high_frequency_share,
            high_frequency_share_error: share_deviation / root,
        }
    }
}

/// The discrete cosine transform of images of one size.
struct Transform {
    rows: Mat<f64>,
    columns: Mat<f64>,
}

impl Transform {
    fn new(height: usize, width: usize) -> Self {
        Self {
            rows: cosines(height),
            columns: cosines(width).transpose().to_owned(),
        }
    }

    /// Gradient energy and share of high frequencies of one channel of an image.
    fn measure(&self, image: &Mat<f64>) -> (f64, f64) {
        let spectrum = &self.rows * image * &self.columns;
        (gradient_energy(image), high_frequency_share(&spectrum))
    }
}

fn gradient_energy(image: &Mat<f64>) -> f64 {
    let (height, width) = (image.nrows(), image.ncols());
    let squares =
        |(i, j, k, l): (usize, usize, usize, usize)| (image[(i, j)] - image[(k, l)]).powi(2);
    let mut pairs = Vec::with_capacity(2 * height * width);
    for i in 0..height {
        for j in 0..width {
            if j + 1 < width {
                pairs.push((i, j, i, j + 1));
            }
            if i + 1 < height {
                pairs.push((i, j, i + 1, j));
            }
        }
    }
    let count = pairs.len().max(1) as f64;
    pairs.into_iter().map(squares).sum::<f64>() / count
}

fn high_frequency_share(spectrum: &Mat<f64>) -> f64 {
    let (height, width) = (spectrum.nrows(), spectrum.ncols());
    let (mut high, mut all) = (0.0, 0.0);
    for i in 0..height {
        for j in 0..width {
            let energy = spectrum[(i, j)].powi(2);
            if (i, j) != (0, 0) {
                all += energy;
            }
            if 2 * i >= height || 2 * j >= width {
                high += energy;
            }
        }
    }
    // The rounding errors of a flat image are not detail.
    if all > 1e-18 { high / all } else { 0.0 }
}

/// The orthonormal discrete cosine transform of the second kind as a matrix: row k of n is
/// √(2 / n) cos(π k (i + ½) / n), and √(1 / n) for k = 0.
fn cosines(n: usize) -> Mat<f64> {
    Mat::from_fn(n, n, |k, i| {
        let scale = if k == 0 { 1.0 } else { 2.0 };
        (scale / n as f64).sqrt() * (PI * k as f64 * (i as f64 + 0.5) / n as f64).cos()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of an image of 4 by 4 pixels.
    fn measure(pixel: impl Fn(usize, usize) -> f64) -> (f64, f64) {
        Transform::new(4, 4).measure(&Mat::from_fn(4, 4, pixel))
    }

    #[test]
    fn a_flat_image_has_no_detail() {
        assert_eq!(measure(|_, _| 0.5), (0.0, 0.0));
    }

    /// Neighbours in a row differ by 1, those in a column not: half of the pairs.
    #[test]
    fn stripes_have_the_gradient_of_their_edges() {
        let (gradient_energy, _) = measure(|_, j| (j % 2) as f64);
        assert!((gradient_energy - 0.5).abs() < 1e-12);
    }

    /// A row of the transform is a single frequency.
    #[test]
    fn a_single_frequency_lies_in_its_half() {
        let matrix = cosines(4);
        for (k, share) in [(1, 0.0), (2, 1.0), (3, 1.0)] {
            let (_, found) = measure(|i, _| matrix[(k, i)]);
            assert!((found - share).abs() < 1e-12, "{k}: {found}");
        }
    }

    #[test]
    fn the_transform_keeps_energy() {
        let matrix = cosines(5);
        let product = &matrix * matrix.transpose();
        for i in 0..5 {
            for j in 0..5 {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((product[(i, j)] - expected).abs() < 1e-12);
            }
        }
    }
}
