//! Points in the plane with a known distribution, on which a network learns in seconds.

use crate::{DataError, Dataset};
use gan_core::exact::sin_cos_turns;
use gan_core::{ImageShape, LatentPrior, NormalPrior, Purpose, Seed};
use rand::Rng;

/// A distribution of points (x, y) within [-1, 1]².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// Eight Gaussians, the classes, evenly spaced on a circle of radius 0.7.
    Ring,
    /// Twenty-five Gaussians, the classes, in five rows and columns, 0.35 apart.
    Grid,
    /// A spiral of one and a half turns, without classes.
    SwissRoll,
}

/// The number of the ring's Gaussians.
const RING: usize = 8;
const RING_RADIUS: f64 = 0.7;

/// Rows and columns of the grid.
const GRID: usize = 5;
const GRID_STEP: f64 = 0.35;

impl Toy {
    /// The shape of a point as an image: x and y are channels of one pixel.
    pub const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 1,
        width: 1,
    };

    /// Standard deviation of every Gaussian and of the spiral's noise, in both directions.
    pub const DEVIATION: f64 = 0.03;

    /// The distribution of this name: `ring`, `grid` or `swissroll`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ring" => Some(Self::Ring),
            "grid" => Some(Self::Grid),
            "swissroll" => Some(Self::SwissRoll),
            _ => None,
        }
    }

    /// The means of the Gaussians; empty for the spiral.
    pub fn centres(self) -> Vec<[f64; 2]> {
        match self {
            Self::Ring => (0..RING)
                .map(|k| {
                    let (sin, cos) = sin_cos_turns(k as f64 / RING as f64);
                    [RING_RADIUS * cos, RING_RADIUS * sin]
                })
                .collect(),
            Self::Grid => {
                let at = |k: usize| (k as f64 - (GRID - 1) as f64 / 2.0) * GRID_STEP;
                (0..GRID * GRID)
                    .map(|k| [at(k % GRID), at(k / GRID)])
                    .collect()
            }
            Self::SwissRoll => Vec::new(),
        }
    }

    /// `count` points drawn with `seed`, labelled by their Gaussian, and rounded to multiples of 1/127.5 like
    /// pixels.
    ///
    /// # Errors
    /// [`DataError::Mismatch`] when `count` is 0.
    pub fn dataset(self, count: usize, seed: Seed) -> Result<Dataset, DataError> {
        let mut rng = seed.rng(Purpose::ToyData, 0);
        let centres = self.centres();
        let mut bytes = Vec::with_capacity(2 * count);
        let mut labels = Vec::with_capacity(count);
        let noise = NormalPrior::standard(2);
        for _ in 0..count {
            let centre = if centres.is_empty() {
                // Evenly along the angle, from the centre to 0.9 · (cos, sin) of the last.
                let turn = 0.25 + 0.75 * rng.random::<f64>();
                let (sin, cos) = sin_cos_turns(1.5 * turn);
                [0.9 * turn * cos, 0.9 * turn * sin]
            } else {
                let class = rng.random_range(0..centres.len());
                labels.push(class as u32);
                centres[class]
            };
            let shifts = noise
                .sample(1, &mut rng)
                .and_then(|z| z.flatten_all()?.to_vec1::<f32>());
            let shifts = shifts.map_err(|error| DataError::Mismatch {
                origin: format!("{self:?}"),
                found: error.to_string(),
                expected: "two normal numbers".to_string(),
            })?;
            for (centre, shift) in centre.iter().zip(&shifts) {
                let value = centre + Self::DEVIATION * f64::from(*shift);
                bytes.push(((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8);
            }
        }
        let data = Dataset::new(format!("{self:?}"), Self::SHAPE, bytes)?;
        if labels.is_empty() {
            Ok(data)
        } else {
            data.with_labels(labels)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(data: &Dataset) -> Vec<[f64; 2]> {
        let value = |byte: u8| f64::from(byte) / 127.5 - 1.0;
        let points = data.images().iter();
        points.map(|p| [value(p[0]), value(p[1])]).collect()
    }

    #[test]
    fn points_lie_around_the_centres_of_their_classes() {
        for toy in [Toy::Ring, Toy::Grid] {
            let data = toy.dataset(5000, Seed(1)).unwrap();
            let centres = toy.centres();
            assert_eq!(data.class_count(), centres.len());
            let labels = data.labels().unwrap();
            let mut squares = 0.0;
            for (point, label) in points(&data).iter().zip(labels) {
                let centre = centres[*label as usize];
                squares += (point[0] - centre[0]).powi(2) + (point[1] - centre[1]).powi(2);
            }
            // 10,000 squares of deviation 0.03, plus rounding's variance of step² / 12.
            let variance = Toy::DEVIATION.powi(2) + (1.0 / 127.5_f64).powi(2) / 12.0;
            let found = squares / 10_000.0;
            // Five standard errors of a variance: √(2 / N).
            assert!((found / variance - 1.0).abs() < 5.0 * (2.0 / 10_000.0_f64).sqrt());
        }
    }

    #[test]
    fn the_spiral_has_no_classes_and_stays_inside() {
        let data = Toy::SwissRoll.dataset(2000, Seed(1)).unwrap();
        assert!(data.labels().is_none());
        let radius = |p: &[f64; 2]| p[0].hypot(p[1]);
        assert!(
            points(&data)
                .iter()
                .all(|p| (0.05..1.1).contains(&radius(p)))
        );
        assert_ne!(data, Toy::SwissRoll.dataset(2000, Seed(2)).unwrap());
    }
}
