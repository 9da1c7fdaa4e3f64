//! Pictures during a run, all of the same latent vectors. Drawing does not affect training.

use super::Observed;
use super::grid::Grid;
use super::scatter::Points;
use crate::events::Tell;
use crate::picture::{PICTURE_SEED, picture_name};
use crate::{Event, Plan, RunFolder, Schedule};
use gan_core::{Generator, Mode};
use gan_models::ModelConfig;
use gan_sample::{Raster, SampleError, Sampler, write_png};
use gan_train::{Look, Observer, TrainError, Trainer};
use std::path::PathBuf;

/// Writes pictures from the generator (its average, if there is one) in evaluation mode: before the
/// first step, every N steps, and after the last.
pub(crate) struct PictureObserver<'a> {
    events: &'a dyn Tell,
    run: RunFolder,
    schedule: Schedule,
    every: u64,
    model: ModelConfig,
    content: Content,
}

enum Content {
    Images(Grid),
    Points(Points),
}

impl<'a> PictureObserver<'a> {
    pub(crate) fn new(
        run: &RunFolder,
        plan: &Plan,
        events: &'a dyn Tell,
    ) -> candle_core::Result<Self> {
        let config = &plan.config;
        let content = if config.data.toy().is_some() {
            Content::Points(Points::new(&plan.data)?)
        } else {
            Content::Images(Grid::new(&plan.training, &config.output))
        };
        Ok(Self {
            events,
            run: run.clone(),
            schedule: plan.schedule,
            every: config.output.sample_every,
            model: config.model.clone(),
            content,
        })
    }

    /// The picture before the first step.
    pub(crate) fn begin(&self, trainer: &Trainer) -> Observed {
        self.write_picture(trainer, 0)
    }

    fn write_picture(&self, trainer: &Trainer, steps_done: u64) -> Observed {
        let generator = trainer.averaged_generator()?;
        let picture = match self.draw(trainer, generator.as_ref()) {
            Err(SampleError::NotFinite { .. }) => {
                return Err(TrainError::NonFinite {
                    step: steps_done.saturating_sub(1),
                    tensor: "picture of generated images in evaluation mode".to_string(),
                }
                .into());
            }
            picture => picture?,
        };
        let path = self.write(&picture_name(steps_done), &picture)?;
        self.events.tell(Event::Picture {
            done: steps_done,
            path: &path,
        });
        Ok(())
    }

    fn draw(&self, trainer: &Trainer, generator: &dyn Generator) -> Result<Raster, SampleError> {
        let prior = self.model.sampling_prior();
        let sampler = Sampler::new(generator, prior, PICTURE_SEED, Mode::Eval)?;
        let known = generator.classes();
        match &self.content {
            Content::Images(grid) => grid.draw(sampler, known),
            Content::Points(points) => {
                let discriminator = known.is_none().then(|| trainer.discriminator());
                points.draw(&sampler, discriminator)
            }
        }
    }

    /// The batch of a step, as the generator made it in training mode; the file is named by the number of
    /// steps done then.
    fn write_batch(&self, look: &mut Look<'_>) -> Observed {
        let step = look.report().step;
        match &self.content {
            Content::Images(grid) if grid.of_batch && step.is_multiple_of(self.every) => {
                let picture = grid.draw_batch(&look.fake()?)?;
                self.write(&format!("{step:06}-batch.png"), &picture)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, picture: &Raster) -> Observed<PathBuf> {
        self.run.check_in_place()?;
        let path = self.run.samples().join(name);
        write_png(&path, picture)?;
        Ok(path)
    }
}

impl Observer for PictureObserver<'_> {
    fn looks_after(&self, step: u64) -> u64 {
        let batch = self.schedule.next_multiple(step, self.every);
        self.schedule.next_due(step, self.every).min(batch)
    }

    fn on_look(&mut self, look: &mut Look<'_>) -> Observed {
        self.write_batch(look)?;
        let step = look.report().step;
        if self.schedule.is_due(step, self.every) {
            self.write_picture(look.trainer()?, step + 1)?;
        }
        Ok(())
    }
}
