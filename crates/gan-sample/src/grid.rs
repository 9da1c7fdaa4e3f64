//! Many images in one picture.

use crate::pixels::ImageValues;
use crate::{PixelRange, Raster, SampleError};
use candle_core::Tensor;

/// Black pixels between the images and around them; torchvision's default.
const PADDING: usize = 2;

/// A grid of images, as torchvision's `make_grid` and `save_image` draw it.
///
/// Image k is in row k / columns, column k % columns. Two black pixels lie between the
/// images and around them, so that the picture is columns · (w + 2) + 2 pixels wide and
/// rows · (h + 2) + 2 high. Cells without an image are black.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageGrid {
    /// Images one below the other.
    pub rows: usize,
    /// Images side by side; torchvision's `nrow`.
    pub columns: usize,
    /// Which values become black and white.
    pub range: PixelRange,
}

impl ImageGrid {
    /// One row of `columns` images, as for an interpolation.
    pub fn strip(columns: usize) -> Self {
        Self {
            rows: 1,
            columns,
            range: PixelRange::Fixed,
        }
    }

    /// images: `[n, c, h, w]`, n ≤ rows · columns, c = 1 (gray) or 3 (RGB) → the picture.
    ///
    /// # Errors
    /// [`SampleError::Shape`] or [`SampleError::Channels`] when the tensor does not hold such images,
    /// [`SampleError::TooManyImages`] when they exceed the cells, and
    /// [`SampleError::PictureTooLarge`] when the picture would have more than 2²⁸ pixels.
    pub fn render(&self, images: &Tensor) -> Result<Raster, SampleError> {
        let images = ImageValues::read(images)?;
        if images.count > self.rows.saturating_mul(self.columns) {
            return Err(SampleError::TooManyImages {
                images: images.count,
                rows: self.rows,
                columns: self.columns,
            });
        }
        let scale = self.range.scale(&images.values);
        let mut picture = Raster::black(&images, self.rows, self.columns, PADDING)?;
        for image in 0..images.count {
            let left = PADDING + image % self.columns * (images.width + PADDING);
            let top = PADDING + image / self.columns * (images.height + PADDING);
            picture.draw(&images, image, scale, left, top);
        }
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn zeros(shape: (usize, usize, usize, usize)) -> Tensor {
        Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()
    }

    fn grid(rows: usize, columns: usize) -> ImageGrid {
        let range = PixelRange::Fixed;
        ImageGrid {
            rows,
            columns,
            range,
        }
    }

    #[test]
    fn more_images_than_cells_are_refused_and_as_many_are_not() {
        assert!(grid(2, 3).render(&zeros((6, 1, 4, 4))).is_ok());
        let error = grid(2, 3).render(&zeros((7, 1, 4, 4))).unwrap_err();
        assert!(matches!(
            error,
            SampleError::TooManyImages { images: 7, .. }
        ));
    }

    #[test]
    fn a_picture_beyond_all_memory_is_refused_before_it_is_allocated() {
        for (rows, columns) in [(1 << 20, 1 << 20), (usize::MAX, 1), (1, usize::MAX)] {
            let error = grid(rows, columns).render(&zeros((1, 1, 28, 28)));
            let error = error.unwrap_err();
            assert!(
                matches!(error, SampleError::PictureTooLarge { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn grids_of_nothing_and_images_of_nothing_are_black() {
        let none = grid(0, 0).render(&zeros((0, 1, 4, 4))).unwrap();
        assert_eq!(none.bytes(), [0; 4]);
        let flat = grid(1, 2).render(&zeros((2, 3, 0, 5))).unwrap();
        assert_eq!((flat.width(), flat.height()), (16, 4));
        assert!(flat.bytes().iter().all(|byte| *byte == 0));
    }
}
