//! Pictures as bytes, ready to be stored.

use crate::SampleError;
use crate::pixels::{ImageValues, PixelRange, PixelScale};
use candle_core::Tensor;

/// The most pixels in one picture, 16,384².
const MAX_PIXELS: usize = 1 << 28;

/// A picture of 8-bit pixels, gray or RGB. Made from tensors, so that its bytes always fit its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    width: u32,
    height: u32,
    channels: usize,
    bytes: Vec<u8>,
}

impl Raster {
    /// One picture per image, without a border. images: `[n, c, h, w]`, c = 1 (gray) or 3 (RGB).
    ///
    /// [`PixelRange::MinMax`] is taken over the whole batch.
    ///
    /// # Errors
    /// [`SampleError::Shape`] or [`SampleError::Channels`] when the tensor does not hold such images.
    pub fn from_images(images: &Tensor, range: PixelRange) -> Result<Vec<Self>, SampleError> {
        let images = ImageValues::read(images)?;
        let scale = range.scale(&images.values);
        let draw = |image| {
            let mut raster = Self::black(&images, 1, 1, 0)?;
            raster.draw(&images, image, scale, 0, 0);
            Ok(raster)
        };
        (0..images.count).map(draw).collect()
    }

    /// The width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// 1 for gray, 3 for RGB.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// `height · width · channels` values: rows from the top, pixels from the left, red first.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A picture of `side` by `side` pixels in RGB.
    pub(crate) fn square(side: u32, bytes: Vec<u8>) -> Self {
        Self {
            width: side,
            height: side,
            channels: 3,
            bytes,
        }
    }

    /// A black picture with room for `rows` × `columns` of `images`, `border` pixels between
    /// and around them.
    pub(crate) fn black(
        images: &ImageValues,
        rows: usize,
        columns: usize,
        border: usize,
    ) -> Result<Self, SampleError> {
        let side = |cells: usize, size: usize| {
            let cell = size.checked_add(border)?;
            cells.checked_mul(cell)?.checked_add(border)
        };
        let size = side(columns, images.width).zip(side(rows, images.height));
        let fitting = size.and_then(|(width, height)| {
            let pixels = width.checked_mul(height)?;
            let bytes = vec![0; (pixels <= MAX_PIXELS).then_some(pixels * images.channels)?];
            Some(Self {
                width: u32::try_from(width).ok()?,
                height: u32::try_from(height).ok()?,
                channels: images.channels,
                bytes,
            })
        });
        fitting.ok_or(SampleError::PictureTooLarge {
            rows,
            columns,
            height: images.height,
            width: images.width,
            limit: MAX_PIXELS,
        })
    }

    /// Draws one image with its upper left pixel at (`left`, `top`); it must lie inside.
    pub(crate) fn draw(
        &mut self,
        images: &ImageValues,
        image: usize,
        scale: PixelScale,
        left: usize,
        top: usize,
    ) {
        for channel in 0..images.channels {
            for y in 0..images.height {
                let first = ((top + y) * self.width as usize + left) * self.channels + channel;
                let pixels = self.bytes.iter_mut().skip(first).step_by(self.channels);
                for (byte, value) in pixels.zip(images.row(image, channel, y)) {
                    *byte = scale.to_u8(*value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn planes_of_colour_become_pixels() {
        // Two RGB images of 1 × 2 pixels: value = level / 127.5 - 1.
        let levels = [10u8, 11, 20, 21, 30, 31, 110, 111, 120, 121, 130, 131];
        let values: Vec<f32> = levels.iter().map(|l| f32::from(*l) / 127.5 - 1.0).collect();
        let images = Tensor::from_vec(values, (2, 3, 1, 2), &Device::Cpu).unwrap();
        let rasters = Raster::from_images(&images, PixelRange::Fixed).unwrap();
        assert_eq!(rasters.len(), 2);
        assert_eq!((rasters[0].width(), rasters[0].height()), (2, 1));
        assert_eq!(rasters[0].bytes(), [10, 20, 30, 11, 21, 31]);
        assert_eq!(rasters[1].bytes(), [110, 120, 130, 111, 121, 131]);
    }

    #[test]
    fn images_without_pixels_give_pictures_without_bytes() {
        for (h, w) in [(0, 5), (5, 0)] {
            let images = Tensor::zeros((2, 3, h, w), DType::F32, &Device::Cpu).unwrap();
            let rasters = Raster::from_images(&images, PixelRange::MinMax).unwrap();
            assert_eq!(rasters.len(), 2);
            assert!(rasters.iter().all(|raster| raster.bytes().is_empty()));
        }
    }
}
