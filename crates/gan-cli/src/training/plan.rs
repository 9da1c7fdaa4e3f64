//! What a configuration amounts to: data, networks and a number of steps that fit each other.

use crate::config::RunConfig;
use crate::console::Console;
use crate::device::device;
use crate::exit::WrongUse;
use crate::observers::Schedule;
use anyhow::Result;
use candle_core::DType;
use gan_core::{Seed, StandardNormalPrior};
use gan_data::{DataLoader, Dataset, Split};
use gan_train::Trainer;
use std::sync::Arc;
use std::time::Instant;

/// A checked configuration with its data set.
pub(crate) struct Plan {
    pub(crate) config: RunConfig,
    pub(crate) data: Arc<Dataset>,
    pub(crate) data_sha256: String,
    pub(crate) schedule: Schedule,
}

impl Plan {
    /// Reads the data and checks that it fits.
    pub(crate) fn new(config: RunConfig, console: &Console) -> Result<Self> {
        config.validate()?;
        let begin = Instant::now();
        let data = Arc::new(config.data.open(Split::Train)?);
        let seconds = begin.elapsed().as_secs_f64();
        console.line(format!(
            "{}: {} images {} loaded in {seconds:.2} s",
            config.data.path.display(),
            data.len(),
            data.shape(),
        ));
        let mut plan = Self {
            schedule: Schedule::new(&config.train, 1),
            data_sha256: data.sha256(),
            config,
            data,
        };
        let loader = plan.loader(plan.config.train.seed)?;
        plan.schedule = Schedule::new(&plan.config.train, loader.steps_per_epoch() as u64);
        plan.check_batches(&loader)?;
        plan.check_classes()?;
        Ok(plan)
    }

    /// The batches of the run under `seed`.
    pub(crate) fn loader(&self, seed: Seed) -> Result<DataLoader> {
        let (data, size) = (Arc::clone(&self.data), self.config.train.batch_size);
        let cpu = candle_core::Device::Cpu;
        let loader = DataLoader::new(data, size, seed, DType::F32, &cpu)?;
        Ok(if self.config.data.mirror {
            loader.mirroring()
        } else {
            loader
        })
    }

    /// Both players at step 0.
    pub(crate) fn trainer(&self) -> Result<Trainer> {
        let (config, shape) = (&self.config, self.data.shape());
        let (seed, device) = (config.train.seed, device(&config.device)?);
        let model = &config.model;
        Ok(Trainer::new(
            model.generator(shape, seed, DType::F32, &device)?,
            model.discriminator(shape, seed, DType::F32, &device)?,
            Box::new(StandardNormalPrior::new(model.latent_dim)),
            config.train.adversarial_loss(),
            &config.train,
            self.schedule.steps,
        )?)
    }

    /// Shows the configuration and what it amounts to.
    pub(crate) fn describe(&self, trainer: &Trainer, console: &Console) -> Result<()> {
        let seed = self.config.train.seed;
        console.line(format!("\n{}", self.config.to_toml()?));
        console.line(format!(
            "{} steps, {} an epoch, last batch {}; generator {} and discriminator {} parameters; seed {seed}",
            self.schedule.steps,
            self.schedule.steps_per_epoch,
            self.loader(seed)?.last_batch_size(),
            trainer.generator().parameters().trainable_count(),
            trainer.discriminator().parameters().trainable_count(),
        ));
        Ok(())
    }

    /// Batch normalization cannot train on a batch of one.
    fn check_batches(&self, loader: &DataLoader) -> Result<()> {
        if loader.last_batch_size() > 1 || !self.config.model.needs_two_images_a_batch() {
            return Ok(());
        }
        let (size, images) = (loader.batch_size(), self.data.len());
        let found = if size == 1 {
            "train.batch_size is 1".to_string()
        } else {
            format!("{images} images in batches of {size} leave a last batch of 1")
        };
        Err(WrongUse(format!(
            "{found}, expected at least 2 images: batch normalization has no variance over one; \
             choose another --batch-size"
        ))
        .into())
    }

    /// Class-conditional networks learn from labels.
    fn check_classes(&self) -> Result<()> {
        let found = self.data.labels().map(|_| self.data.class_count());
        match (self.config.model.classes, found) {
            (None, _) => Ok(()),
            (Some(classes), Some(found)) if found <= classes => Ok(()),
            (Some(classes), found) => Err(WrongUse(format!(
                "{}: {}, expected labels of model.classes = {classes} classes",
                self.config.data.path.display(),
                found.map_or("no labels".to_string(), |n| format!(
                    "labels of {n} classes"
                )),
            ))
            .into()),
        }
    }
}
