//! Turns a configuration into data, networks and a number of steps that fit each other.

use crate::device::TrainingDevice;
use crate::{BestBy, Configuration, Event, Events, RunConfig, RunError, Schedule};
use candle_core::{DType, Device};
use gan_core::Seed;
use gan_data::{DEFAULT_HELD_OUT, DataLoader, DataSplits, Dataset, Division, Parts, Validation};
use gan_models::{
    Architecture, ClassCount, KnownNetworks, MAX_VALUES, ModelError, Networks, OutputBias,
    TrainingData, set_output_bias,
};
use gan_train::{OnNan, Trainer};
use std::sync::Arc;

/// Steps between checkpoints of a run that may roll back: the clock must not decide where to.
const ROLLBACK_CHECKPOINT_EVERY: u64 = 1000;

/// A configuration that was checked against its data set, and that data set: whoever has a plan can train.
pub struct Plan {
    pub(crate) config: RunConfig,
    /// The images to train on.
    pub(crate) data: Arc<Dataset>,
    /// Those to choose by.
    pub(crate) validation: Option<Validation>,
    /// What a generator's file says about them.
    pub(crate) training: TrainingData,
    pub(crate) schedule: Schedule,
    pub(crate) networks: Arc<dyn Networks>,
    /// What to do to train the data set's feature network, for messages.
    pub(crate) how_to_train_classifiers: String,
}

impl Plan {
    /// Reads `parts` of the data, fills in what the configuration leaves open and checks that both fit.
    ///
    /// # Errors
    /// When a value is out of its range, the data cannot be read, or the two do not fit.
    pub fn new(config: RunConfig, parts: Parts, events: &mut dyn Events) -> Result<Self, RunError> {
        if let Architecture::Own { name } = &config.model.architecture {
            return Err(ModelError::Own { name: name.clone() }.into());
        }
        check(&config)?;
        let splits = config.data.open(parts)?;
        Self::of_data(config, splits, Arc::new(KnownNetworks), events)
    }

    /// The same for a data set that is in memory, whose name is `data.path`, and for networks of any
    /// architecture.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn of_data(
        mut config: RunConfig,
        splits: DataSplits,
        networks: Arc<dyn Networks>,
        events: &mut dyn Events,
    ) -> Result<Self, RunError> {
        check(&config)?;
        if config.train.on_nan == OnNan::Rollback {
            let every = &mut config.output.checkpoint_every;
            every.get_or_insert(ROLLBACK_CHECKPOINT_EVERY);
        }
        events.event(Event::DataRead(&splits));
        if splits.division != Division::Published && config.data.is_read() {
            config.data.held_out.get_or_insert(DEFAULT_HELD_OUT);
        }
        let held_out = splits
            .held_out
            .filter(|_| splits.division != Division::Published);
        let validation = splits.validation;
        let data = Arc::new(splits.training);
        let classes = data.labels().map(|_| data.class_count());
        if config.model.classes == Some(ClassCount::Auto) && classes.is_none() {
            events.event(Event::Note(&format!(
                "{}: the images have no labels, so the networks are not class-conditional",
                config.data.path.display()
            )));
        }
        config.model = config.model.with_classes_of(classes);
        let mut plan = Self {
            schedule: Schedule::new(&config.train, 1),
            networks,
            how_to_train_classifiers: "train_classifier".to_string(),
            training: training_data(&data, held_out.as_ref()),
            config,
            data,
            validation,
        };
        let loader = plan.loader(plan.config.train.seed)?;
        plan.schedule = Schedule::new(&plan.config.train, loader.steps_per_epoch() as u64);
        plan.check_batches(&loader)?;
        plan.check_classes()?;
        plan.check_best_by()?;
        plan.check_device(events)?;
        Ok(plan)
    }

    /// The same plan, whose messages say how this program trains the feature network of a data set.
    #[must_use]
    pub fn telling_how_to_train_classifiers(mut self, text: String) -> Self {
        self.how_to_train_classifiers = text;
        self
    }

    /// The configuration, complete.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The images to train on.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The length of the run.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// The batches of the run under `seed`.
    pub(crate) fn loader(&self, seed: Seed) -> Result<DataLoader, RunError> {
        let (data, size) = (Arc::clone(&self.data), self.config.train.batch_size);
        let loader = DataLoader::new(data, size, seed, DType::F32, &Device::Cpu)?;
        Ok(if self.config.data.mirror {
            loader.mirroring()
        } else {
            loader
        })
    }

    /// Both networks at step 0.
    ///
    /// # Errors
    /// When the networks cannot be built or cannot be trained as the configuration wants.
    pub fn trainer(&self) -> Result<Trainer, RunError> {
        let (config, shape) = (&self.config, self.data.shape());
        let (seed, device) = (config.train.seed, Device::Cpu);
        let (model, networks) = (&config.model, self.networks.as_ref());
        let generator =
            model.generator_by(networks, MAX_VALUES, shape, seed, DType::F32, &device)?;
        if model.output_bias == OutputBias::MeanImage {
            set_output_bias(generator.as_ref(), &self.data.mean_image())?;
        }
        Ok(Trainer::new(
            generator,
            model.discriminator_by(networks, MAX_VALUES, shape, seed, DType::F32, &device)?,
            model.training_prior(),
            config.train.adversarial_loss(),
            &config.train,
            self.schedule.steps,
        )?)
    }

    /// A GPU has all that training needs, before anything is written.
    #[cfg_attr(
        not(feature = "cuda"),
        expect(unused_variables, clippy::unnecessary_wraps)
    )]
    fn check_device(&self, events: &mut dyn Events) -> Result<(), RunError> {
        #[cfg(feature = "cuda")]
        if let TrainingDevice::Cuda(ordinal) = TrainingDevice::named(&self.config.device)? {
            crate::gpu::check(self, ordinal, events)?;
        }
        Ok(())
    }

    /// Batch normalization cannot train on a batch of one image.
    fn check_batches(&self, loader: &DataLoader) -> Result<(), RunError> {
        if loader.last_batch_size() > 1 || !self.config.model.needs_two_images_a_batch() {
            return Ok(());
        }
        let (size, images) = (loader.batch_size(), self.data.len());
        let found = if size == 1 {
            "train.batch_size is 1".to_string()
        } else {
            format!("{images} images in batches of {size} leave a last batch of 1")
        };
        Err(RunError::Refused(format!(
            "{found}, expected at least 2 images: batch normalization has no variance over one; \
             choose another `train.batch_size`"
        )))
    }

    /// Class-conditional networks need labels.
    fn check_classes(&self) -> Result<(), RunError> {
        let found = self.data.labels().map(|_| self.data.class_count());
        match (self.config.model.class_count()?, found) {
            (None, _) => Ok(()),
            (Some(classes), Some(found)) if found <= classes => {
                self.warn_of_empty_classes(classes);
                Ok(())
            }
            (Some(classes), found) => Err(RunError::refused(
                &self.config.data.path,
                format!(
                    "{}, expected labels of model.classes = {classes} classes; `model.classes = none` \
                     makes the networks unconditional",
                    found.map_or("no labels".to_string(), |n| format!(
                        "labels of {n} classes"
                    )),
                ),
            )),
        }
    }

    /// A window is chosen by, and scored on, images that training has not seen and that no report shows.
    fn check_best_by(&self) -> Result<(), RunError> {
        let (output, data) = (&self.config.output, &self.config.data);
        let refused = |expected: &str| {
            let text = format!("`output.best_by` is parzen, expected {expected}");
            Err(RunError::refused(&data.path, text))
        };
        match (output.best_by, &self.validation) {
            (BestBy::Fid, _) => Ok(()),
            (BestBy::Parzen, _) if output.evaluate_every.is_none() => {
                refused("an `output.evaluate_every`: nothing is scored without it")
            }
            (BestBy::Parzen, Some(_)) => Ok(()),
            (BestBy::Parzen, None) if data.held_out.is_some_and(|share| share > 0.0) => refused(
                "a data set with a test split of its own, beside which images can be kept apart",
            ),
            (BestBy::Parzen, None) => {
                refused("a `data.held_out` above 0: no images are kept apart to choose by")
            }
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

/// Every value is in its range, there is such a device, and the configuration can be written: a path that is not valid text has no
/// place in a file.
fn check(config: &RunConfig) -> Result<(), RunError> {
    config.validate()?;
    TrainingDevice::named(&config.device)?;
    config.to_toml().map(drop)
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
