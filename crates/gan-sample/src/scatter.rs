//! Draws points of the plane over a field, as a picture.

use crate::{Raster, SampleError};
use candle_core::{DType, Tensor};

/// The picture shows [-RANGE, RANGE]².
const RANGE: f64 = 1.1;

/// Height and width of the picture in pixels.
const SIDE: usize = 400;

/// A point is a square with sides of this many pixels.
const POINT: usize = 3;

const REAL: [u8; 3] = [40, 90, 200];
const GENERATED: [u8; 3] = [230, 100, 20];
const WHITE: [u8; 3] = [255, 255, 255];

/// A picture of points (x, y) in [-1, 1]², y upwards: real ones in blue, generated ones in orange,
/// over a field in shades of gray, as textbooks show a generator and its discriminator.
#[derive(Clone, Debug)]
pub struct Scatter {
    bytes: Vec<u8>,
}

impl Default for Scatter {
    fn default() -> Self {
        Self {
            bytes: WHITE.repeat(SIDE * SIDE),
        }
    }
}

impl Scatter {
    /// The points where a field of `side` by `side` values is needed: `[side², 2, 1, 1]`, rows from the
    /// top.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    pub fn places(side: usize) -> Result<Tensor, SampleError> {
        let at = |k: usize| ((k as f64 + 0.5) / side as f64 * 2.0 - 1.0) * RANGE;
        let points = (0..side * side).flat_map(|k| [at(k % side) as f32, -at(k / side) as f32]);
        let points: Vec<f32> = points.collect();
        let cpu = &candle_core::Device::Cpu;
        Ok(Tensor::from_vec(points, (side * side, 2, 1, 1), cpu)?)
    }

    /// Shades the picture by values in [0, 1] at [`places`](Self::places), `[side²]`; higher is darker.
    ///
    /// # Errors
    /// [`SampleError::Shape`] when the number of values is not a square.
    pub fn field(mut self, values: &Tensor) -> Result<Self, SampleError> {
        let found = values
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let side = found.len().isqrt();
        if side == 0 || side * side != found.len() {
            return Err(SampleError::Shape {
                what: "the field's values",
                found: values.dims().to_vec(),
                expected: "a square number of them".to_string(),
            });
        }
        for y in 0..SIDE {
            for x in 0..SIDE {
                let value = found[y * side / SIDE * side + x * side / SIDE].clamp(0.0, 1.0);
                let shade = (255.0 - 110.0 * value) as u8;
                self.bytes[3 * (y * SIDE + x)..][..3].fill(shade);
            }
        }
        Ok(self)
    }

    /// Draws real points `[n, 2, 1, 1]`.
    ///
    /// # Errors
    /// [`SampleError::Shape`] when the tensor does not hold points.
    pub fn real(self, points: &Tensor) -> Result<Self, SampleError> {
        self.points(points, REAL)
    }

    /// Draws generated points `[n, 2, 1, 1]`.
    ///
    /// # Errors
    /// As [`real`](Self::real).
    pub fn generated(self, points: &Tensor) -> Result<Self, SampleError> {
        self.points(points, GENERATED)
    }

    /// The picture.
    pub fn raster(self) -> Raster {
        Raster::square(SIDE as u32, self.bytes)
    }

    fn points(mut self, points: &Tensor, colour: [u8; 3]) -> Result<Self, SampleError> {
        if !matches!(points.dims(), [_, 2, 1, 1]) {
            return Err(SampleError::Shape {
                what: "the points",
                found: points.dims().to_vec(),
                expected: "[n, 2, 1, 1]".to_string(),
            });
        }
        let values = points
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        for point in values.chunks_exact(2) {
            let place = |value: f64| (value / RANGE + 1.0) / 2.0 * SIDE as f64;
            let (left, top) = (place(point[0]), place(-point[1]));
            // Casts of NaN and of values outside end at an edge.
            let (left, top) = (left as usize, top as usize);
            for y in top..(top + POINT).min(SIDE) {
                for x in left..(left + POINT).min(SIDE) {
                    self.bytes[3 * (y * SIDE + x)..][..3].copy_from_slice(&colour);
                }
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn pixel(raster: &Raster, x: usize, y: usize) -> [u8; 3] {
        let bytes = &raster.bytes()[3 * (y * SIDE + x)..][..3];
        [bytes[0], bytes[1], bytes[2]]
    }

    #[test]
    fn points_lie_where_their_coordinates_say_with_y_upwards() {
        let point =
            |x: f32, y: f32| Tensor::from_vec(vec![x, y], (1, 2, 1, 1), &Device::Cpu).unwrap();
        let picture = Scatter::default().real(&point(0.0, 0.0)).unwrap();
        let picture = picture.generated(&point(0.55, 0.55)).unwrap().raster();
        assert_eq!(pixel(&picture, SIDE / 2, SIDE / 2), REAL);
        assert_eq!(pixel(&picture, SIDE * 3 / 4, SIDE / 4), GENERATED);
        assert_eq!(pixel(&picture, 1, 1), WHITE);
        // Beyond the edges nothing is drawn, or only at them; nothing panics.
        for far in [5.0, -5.0, f32::NAN] {
            Scatter::default().real(&point(far, far)).unwrap();
        }
    }

    #[test]
    fn a_field_is_shaded_where_it_was_asked_for() {
        let places = Scatter::places(2).unwrap();
        let right_and_up: Vec<f32> = places
            .flatten_from(1)
            .unwrap()
            .to_vec2::<f32>()
            .unwrap()
            .iter()
            .map(|point| {
                if point[0] > 0.0 && point[1] > 0.0 {
                    1.0
                } else {
                    0.0
                }
            })
            .collect();
        let values = Tensor::new(right_and_up, &Device::Cpu).unwrap();
        let picture = Scatter::default().field(&values).unwrap().raster();
        assert_eq!(pixel(&picture, SIDE - 1, 0), [145; 3]);
        assert_eq!(pixel(&picture, 0, 0), [255; 3]);
        assert_eq!(pixel(&picture, SIDE - 1, SIDE - 1), [255; 3]);
        let three = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
        assert!(Scatter::default().field(&three).is_err());
    }
}
