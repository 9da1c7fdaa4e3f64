//! Where steps are computed: one at a time on the CPU, or many between two looks of the observers.

use crate::{StepReport, StepSettings, TrainError, Trainer};
use candle_core::{Result as TensorResult, Tensor};
use gan_core::ImageBatch;

/// Computes a run's steps, in bursts. It has the batches; the trainer has the networks, which an engine that keeps
/// its own copies brings up to date when it is asked to.
pub trait Engine {
    /// Takes one step after the other, `most` at most, at least one unless the batches have come to an end, and adds
    /// their figures to `reports`. Between the steps of a burst nobody sees the trainer.
    ///
    /// # Errors
    /// The first failure of a batch or a step; `reports` has the steps before it.
    fn burst(
        &mut self,
        trainer: &mut Trainer,
        most: u64,
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError>;

    /// Brings the trainer's networks, averages and optimizers up to date.
    ///
    /// # Errors
    /// When they cannot be read.
    fn store(&mut self, _trainer: &mut Trainer) -> Result<(), TrainError> {
        Ok(())
    }

    /// The generated images of the last step, `[n, c, h, w]` in [-1, 1], drawn in training mode.
    ///
    /// # Errors
    /// When there was no step, or they cannot be read.
    fn fake(&mut self, trainer: &Trainer) -> Result<Tensor, TrainError>;
}

/// The CPU, and every device of candle: [`Trainer::step`] on each batch, in bursts of one step.
pub struct HostEngine<B> {
    batches: B,
}

impl<B: Iterator<Item = TensorResult<ImageBatch>>> HostEngine<B> {
    /// An engine that trains on these batches, which have images `[n, c, h, w]` in [-1, 1].
    pub fn new(batches: B) -> Self {
        Self { batches }
    }
}

impl<B: Iterator<Item = TensorResult<ImageBatch>>> Engine for HostEngine<B> {
    fn burst(
        &mut self,
        trainer: &mut Trainer,
        _most: u64,
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError> {
        if let Some(batch) = self.batches.next() {
            reports.push(trainer.step(&batch?)?);
        }
        Ok(())
    }

    fn fake(&mut self, trainer: &Trainer) -> Result<Tensor, TrainError> {
        match trainer.fake() {
            Some(fake) => Ok(fake.clone()),
            None => Err(candle_core::Error::Msg("no step was taken yet".to_string()).into()),
        }
    }
}

/// The moment after a burst: an observer sees the trainer as its last step left it.
pub struct Look<'a> {
    trainer: &'a mut Trainer,
    engine: &'a mut dyn Engine,
    report: &'a StepReport,
    is_stored: bool,
}

impl<'a> Look<'a> {
    pub(crate) fn new(
        trainer: &'a mut Trainer,
        engine: &'a mut dyn Engine,
        report: &'a StepReport,
    ) -> Self {
        Self {
            trainer,
            engine,
            report,
            is_stored: false,
        }
    }

    /// The figures of the last step.
    pub fn report(&self) -> &'a StepReport {
        self.report
    }

    /// The trainer after it. Ask only for what you use: an engine may have to copy the networks.
    ///
    /// # Errors
    /// Those of [`Engine::store`].
    pub fn trainer(&mut self) -> Result<&Trainer, TrainError> {
        if !self.is_stored {
            self.engine.store(self.trainer)?;
            self.is_stored = true;
        }
        Ok(self.trainer)
    }

    /// The generated images of the last step, `[n, c, h, w]` in [-1, 1], drawn in training mode.
    ///
    /// # Errors
    /// Those of [`Engine::fake`].
    pub fn fake(&mut self) -> Result<Tensor, TrainError> {
        self.engine.fake(self.trainer)
    }
}

/// What engines ask.
impl Trainer {
    /// What moves the generator and the discriminator in step `step`, from 0, of which it is the update with the
    /// numbers `updates`, from 1: for engines.
    pub fn settings(&self, step: u64, updates: [u64; 2]) -> [StepSettings; 2] {
        let factor = self.lr_factor_at(step);
        [
            self.generator_optimizer.settings(updates[0], factor),
            self.discriminator_optimizer.settings(updates[1], factor),
        ]
    }

    /// The updates of the generator and of the discriminator so far.
    pub fn optimizer_steps(&self) -> [u64; 2] {
        [
            self.generator_optimizer.steps(),
            self.discriminator_optimizer.steps(),
        ]
    }

    /// What is kept of the averages in a step of `images` real images, in [0, 1]; `None` without averages.
    pub fn average_kept(&self, images: usize) -> Option<f64> {
        self.ema.as_ref().map(|ema| ema.kept(images))
    }
}
