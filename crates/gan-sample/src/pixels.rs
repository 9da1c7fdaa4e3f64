//! The only conversion of generated values to bytes.

use crate::SampleError;
use candle_core::{DType, Device, Tensor};
use gan_core::unit_to_byte;
use serde::{Deserialize, Serialize};

/// The smallest span that min–max scaling divides by, as torchvision has it.
const MIN_SPAN: f64 = 1e-5;

/// Which values become black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PixelRange {
    /// -1 is black and 1 is white; values outside are clamped. An image's pixels depend only on
    /// the image.
    #[default]
    Fixed,
    /// The least value of the whole batch is black and the greatest white: torchvision's
    /// `save_image(normalize=True)`, (x - min) / max(max - min, 1e-5). Only finite values count.
    MinMax,
}

/// An affine map of values to [0, 1], and from there to bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PixelScale {
    low: f64,
    span: f64,
}

impl PixelRange {
    /// The map for a batch with these values.
    pub(crate) fn scale(self, values: &[f32]) -> PixelScale {
        match self {
            Self::Fixed => PixelScale {
                low: -1.0,
                span: 2.0,
            },
            Self::MinMax => {
                let finite = || {
                    values
                        .iter()
                        .filter(|x| x.is_finite())
                        .map(|x| f64::from(*x))
                };
                let low = finite().fold(f64::INFINITY, f64::min);
                let high = finite().fold(f64::NEG_INFINITY, f64::max);
                PixelScale {
                    low,
                    span: (high - low).max(MIN_SPAN),
                }
            }
        }
    }
}

impl PixelScale {
    /// The byte of the scaled value.
    pub(crate) fn to_u8(self, value: f32) -> u8 {
        unit_to_byte((f64::from(value) - self.low) / self.span)
    }
}

/// The values of a batch of drawable images, in CHW order.
pub(crate) struct ImageValues {
    pub(crate) count: usize,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) values: Vec<f32>,
}

impl ImageValues {
    /// Checks that `images` are `[n, c, h, w]` with one or three channels, and copies them out.
    pub(crate) fn read(images: &Tensor) -> Result<Self, SampleError> {
        let &[count, channels, height, width] = images.dims() else {
            return Err(SampleError::Shape {
                what: "the images to draw",
                found: images.dims().to_vec(),
                expected: "[n, channels, height, width]".to_string(),
            });
        };
        if channels != 1 && channels != 3 {
            return Err(SampleError::Channels { found: channels });
        }
        let images = images.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        Ok(Self {
            count,
            channels,
            height,
            width,
            values: images.flatten_all()?.to_vec1()?,
        })
    }

    /// The positions of the values of one row of one channel.
    pub(crate) fn row(&self, image: usize, channel: usize, y: usize) -> &[f32] {
        let row = (image * self.channels + channel) * self.height + y;
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_range_is_rounded_to_the_nearest_byte_and_clamped() {
        let scale = PixelRange::Fixed.scale(&[]);
        let byte = |level: f64| scale.to_u8((level / 255.0 * 2.0 - 1.0) as f32);
        for level in 0..=255u8 {
            let exact = f64::from(level);
            assert_eq!(byte(exact), level);
            assert_eq!(byte(exact + 0.49), level);
            assert_eq!(byte(exact - 0.49), level);
        }
        assert_eq!(scale.to_u8(0.0), 128);
        for (value, expected) in [(7.0, 255), (-7.0, 0), (f32::INFINITY, 255)] {
            assert_eq!(scale.to_u8(value), expected);
        }
        assert_eq!(scale.to_u8(f32::NEG_INFINITY), 0);
        assert_eq!(scale.to_u8(f32::NAN), 0);
    }

    #[test]
    fn min_max_spans_the_finite_values() {
        let values = [f32::NAN, 3.0, f32::INFINITY, 4.0, 5.0, f32::NEG_INFINITY];
        let scale = PixelRange::MinMax.scale(&values);
        let bytes = values.map(|x| scale.to_u8(x));
        assert_eq!(bytes, [0, 0, 255, 128, 255, 0]);
    }

    #[test]
    fn min_max_does_not_magnify_rounding_errors() {
        let values = [0.0, 2e-6];
        let scale = PixelRange::MinMax.scale(&values);
        assert_eq!(values.map(|x| scale.to_u8(x)), [0, 51]);
    }

    #[test]
    fn min_max_of_equal_or_no_finite_values_is_black() {
        assert_eq!(PixelRange::MinMax.scale(&[0.3, 0.3]).to_u8(0.3), 0);
        assert_eq!(PixelRange::MinMax.scale(&[f32::NAN]).to_u8(f32::NAN), 0);
    }

    #[test]
    fn images_of_two_channels_or_three_axes_are_refused() {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let error = ImageValues::read(&zeros(&[1, 2, 4, 4])).err().unwrap();
        assert!(matches!(error, SampleError::Channels { found: 2 }));
        let error = ImageValues::read(&zeros(&[1, 4, 4])).err().unwrap();
        assert!(matches!(error, SampleError::Shape { .. }));
    }
}
