//! Pictures of points that the generator drew while training.

use super::{Observed, present};
use candle_core::{DType, Device, Tensor};
use gan_core::Mode;
use gan_core::byte_to_value;
use gan_data::Dataset;
use gan_sample::{Scatter, write_png};
use gan_train::{Observer, StepReport, Trainer};
use std::path::PathBuf;

/// Real and generated points of a picture.
const POINTS: usize = 500;

/// The discriminator is asked at so many places along each side.
const FIELD: usize = 100;

/// Writes `STEP.png`, counting from 0: real points, generated ones in training mode, and the
/// discriminator's logits behind them, dark for its highest.
pub(crate) struct ScatterObserver {
    folder: PathBuf,
    every: u64,
    real: Tensor,
}

impl ScatterObserver {
    pub(crate) fn new(folder: PathBuf, every: u64, data: &Dataset) -> candle_core::Result<Self> {
        let count = POINTS.min(data.len());
        // Points are drawn independently: the first are as good as any.
        let bytes = data.images().iter().take(count).flatten().copied();
        let values: Vec<f32> = bytes.map(byte_to_value).collect();
        Ok(Self {
            folder,
            every,
            real: Tensor::from_vec(values, (count, 2, 1, 1), &Device::Cpu)?,
        })
    }
}

impl Observer for ScatterObserver {
    fn on_step(&mut self, trainer: &Trainer, report: &StepReport) -> Observed {
        if report.step.is_multiple_of(self.every) {
            let count = report.fake.dim(0)?.min(POINTS);
            let generated = report.fake.narrow(0, 0, count)?;
            let mut picture = Scatter::default();
            if trainer.generator().classes().is_none() {
                let discriminator = trainer.discriminator();
                let places =
                    Scatter::places(FIELD)?.to_device(discriminator.parameters().device())?;
                let logits = discriminator.forward(&places, None, Mode::Eval)?;
                // Relativistic losses leave the level open, so what counts is the difference.
                let logits = logits.to_dtype(DType::F32)?;
                let (least, most) = (logits.min(0)?, logits.max(0)?);
                let range = (most - &least)?;
                let field = logits.broadcast_sub(&least)?.broadcast_div(&range)?;
                picture = picture.field(&field.to_device(&Device::Cpu)?)?;
            }
            let picture = picture.real(&self.real)?;
            let picture = picture.generated(&generated.to_device(&Device::Cpu)?)?;
            let path = self.folder.join(format!("{}.png", report.step));
            present(&path)?;
            write_png(&path, &picture.raster())?;
        }
        Ok(())
    }
}
