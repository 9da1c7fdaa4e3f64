//! Turns a configuration into data, networks and a number of steps that fit each other.

use crate::config::RunConfig;
use crate::console::Console;
use crate::data_arguments::say_briefly;
use crate::device::device;
use crate::exit::WrongUse;
use crate::observers::Schedule;
use anyhow::Result;
use candle_core::DType;
use gan_core::{NormalPrior, Seed};
use gan_data::{DEFAULT_HELD_OUT, DataLoader, Dataset, Division, Parts};
use gan_models::{ClassCount, TrainingData};
use gan_train::{OnNan, Trainer};
use std::sync::Arc;

/// Steps between checkpoints of a run that may roll back: the clock must not decide where to.
const ROLLBACK_CHECKPOINT_EVERY: u64 = 1000;

/// A checked configuration with its data set.
pub(crate) struct Plan {
    pub(crate) config: RunConfig,
    /// The images to train on.
    pub(crate) data: Arc<Dataset>,
    /// What a generator's file says about them.
    pub(crate) training: TrainingData,
    pub(crate) schedule: Schedule,
}

impl Plan {
    /// Reads `parts` of the data, fills in what the configuration leaves open and checks that both fit.
    pub(crate) fn new(mut config: RunConfig, parts: Parts, console: &Console) -> Result<Self> {
        config.validate()?;
        if config.train.on_nan == OnNan::Rollback {
            let every = &mut config.output.checkpoint_every;
            every.get_or_insert(ROLLBACK_CHECKPOINT_EVERY);
        }
        let splits = config.data.open(parts)?;
        say_briefly(&splits, console);
        if splits.division != Division::Published && config.data.is_read() {
            config.data.held_out.get_or_insert(DEFAULT_HELD_OUT);
        }
        let held_out = splits
            .held_out
            .filter(|_| splits.division != Division::Published);
        let data = Arc::new(splits.training);
        let classes = data.labels().map(|_| data.class_count());
        if config.model.classes == Some(ClassCount::Auto) && classes.is_none() {
            console.sentence(format!(
                "{}: the images have no labels, so the networks are not class-conditional",
                config.data.path.display()
            ));
        }
        config.model = config.model.with_classes_of(classes);
        let mut plan = Self {
            schedule: Schedule::new(&config.train, 1),
            training: training_data(&data, held_out.as_ref()),
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

    /// Both networks at step 0.
    pub(crate) fn trainer(&self) -> Result<Trainer> {
        let (config, shape) = (&self.config, self.data.shape());
        let (seed, device) = (config.train.seed, device(&config.device)?);
        let model = &config.model;
        Ok(Trainer::new(
            model.generator(shape, seed, DType::F32, &device)?,
            model.discriminator(shape, seed, DType::F32, &device)?,
            Box::new(NormalPrior::standard(model.latent_dim)),
            config.train.adversarial_loss(),
            &config.train,
            self.schedule.steps,
        )?)
    }

    /// Batch normalization cannot train on a batch of one image.
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

    /// Class-conditional networks need labels.
    fn check_classes(&self) -> Result<()> {
        let found = self.data.labels().map(|_| self.data.class_count());
        match (self.config.model.class_count()?, found) {
            (None, _) => Ok(()),
            (Some(classes), Some(found)) if found <= classes => {
                self.warn_of_empty_classes(classes);
                Ok(())
            }
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

    /// Networks learn nothing about a class without images.
    fn warn_of_empty_classes(&self, classes: usize) {
        let counts = self.data.images_per_class();
        let count = |class: &usize| counts.get(*class).copied().unwrap_or(0);
        let empty: Vec<String> = (0..classes)
            .filter(|class| count(class) == 0)
            .map(|class| self.data.class_name(class))
            .collect();
        if !empty.is_empty() {
            tracing::warn!(
                "{}: no training images of class {}, which will be neither drawn nor scored",
                self.config.data.path.display(),
                empty.join(", ")
            );
        }
    }
}

fn training_data(data: &Dataset, held_out: Option<&Dataset>) -> TrainingData {
    let counts = data.images_per_class();
    TrainingData {
        data_sha256: data.sha256(),
        held_out_sha256: held_out.map(Dataset::sha256),
        class_names: (0..counts.len())
            .map(|class| data.class_name(class))
            .collect(),
        class_counts: counts.into_iter().map(|count| count as u64).collect(),
    }
}
