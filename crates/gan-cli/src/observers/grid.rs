//! Pictures of what the generator drew while training.

use super::{Observed, present};
use crate::config::OutputConfig;
use gan_sample::{ImageGrid, PixelRange, write_png};
use gan_train::{Observer, StepReport, Trainer};
use std::path::PathBuf;

/// Rows and columns, as the tutorial's.
const SIDE: usize = 5;

/// Writes the first 25 images of the batch in training mode as `STEP.png`, counting from 0.
pub(crate) struct GridObserver {
    folder: PathBuf,
    every: u64,
    range: PixelRange,
}

impl GridObserver {
    pub(crate) fn new(folder: PathBuf, config: &OutputConfig) -> Self {
        Self {
            folder,
            every: config.sample_every,
            range: config.pixel_range,
        }
    }
}

impl Observer for GridObserver {
    fn on_step(&mut self, _trainer: &Trainer, report: &StepReport) -> Observed {
        if report.step.is_multiple_of(self.every) {
            let count = report.fake.dim(0)?.min(SIDE * SIDE);
            let grid = ImageGrid {
                rows: SIDE,
                columns: SIDE,
                range: self.range,
            };
            let picture = grid.render(&report.fake.narrow(0, 0, count)?)?;
            let path = self.folder.join(format!("{}.png", report.step));
            present(&path)?;
            write_png(&path, &picture)?;
        }
        Ok(())
    }
}
