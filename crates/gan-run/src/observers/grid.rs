//! Grids of images: those that show the generator's progress, and the tutorial's.

use crate::OutputConfig;
use crate::picture::{self, GridShape};
use candle_core::Tensor;
use gan_models::TrainingData;
use gan_sample::{ImageGrid, PixelRange, Raster, SampleError, Sampler};

/// Rows and columns of the tutorial's grid.
const SIDE: usize = 5;

/// What a picture shows of a generator of images.
pub(super) struct Grid {
    training: TrainingData,
    range: PixelRange,
    /// Whether the current batch gets its own picture.
    pub(super) of_batch: bool,
}

impl Grid {
    pub(super) fn new(training: &TrainingData, config: &OutputConfig) -> Self {
        Self {
            training: training.clone(),
            range: config.pixel_range,
            of_batch: config.batch_grid,
        }
    }

    /// What `sample` draws by default. known: the number of classes of a class-conditional generator.
    pub(super) fn draw(
        &self,
        sampler: Sampler<'_>,
        known: Option<usize>,
    ) -> Result<Raster, SampleError> {
        let data = Some(&self.training);
        let shape = GridShape::default_for(picture::drawn_classes(known, data));
        let classes = picture::class_rows(shape.columns as u64, known, data);
        let images = sampler.of_classes(classes)?.images(0..shape.cells())?;
        self.render(shape, &images)
    }

    /// The first images of a batch, as the tutorial draws them.
    pub(super) fn draw_batch(&self, images: &Tensor) -> Result<Raster, SampleError> {
        let shape = GridShape {
            rows: SIDE,
            columns: SIDE,
        };
        let count = images.dim(0)?.min(SIDE * SIDE);
        self.render(shape, &images.narrow(0, 0, count)?)
    }

    fn render(&self, shape: GridShape, images: &Tensor) -> Result<Raster, SampleError> {
        let grid = ImageGrid {
            rows: shape.rows,
            columns: shape.columns,
            range: self.range,
        };
        grid.render(images)
    }
}
