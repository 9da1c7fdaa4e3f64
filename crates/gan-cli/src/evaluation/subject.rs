//! What is to be scored: a run, a generator's file, an npy batch or a folder of images.

use super::{SCORE_SEED, SubjectFacts};
use crate::config::{DataConfig, RunConfig};
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use crate::training::RunFacts;
use anyhow::Result;
use candle_core::{DType, Device};
use gan_core::{Discriminator, Generator, ImageShape, Mode, Seed};
use gan_data::{Channels, Dataset, Parts, ReadOptions, Reading};
use gan_metrics::{Draw, ImageRounding, ImageSet, MetricError};
use gan_models::{GeneratorHeader, ModelConfig};
use gan_sample::{ClassShares, Classes, NpyImages, SampleError, Sampler};
use gan_train::Checkpoint;
use std::path::{Path, PathBuf};

/// Why anything but a run has no equilibrium scores.
const NO_DISCRIMINATOR: &str = "needs a run's discriminator; give a run folder";

/// How many real images show which values are usual.
const RANGE_IMAGES: usize = 1000;

/// Images, or the generator of images.
pub(crate) struct Subject {
    pub(crate) facts: SubjectFacts,
    /// The data set that a run was trained on.
    pub(crate) data: Option<DataConfig>,
    /// SHA-256 of the images that a generator was trained on, and of those held out, where
    /// they are known.
    pub(crate) trained_on: Option<String>,
    pub(crate) held_out: Option<String>,
    source: Source,
}

enum Source {
    Generator {
        generator: Box<dyn Generator>,
        model: ModelConfig,
        /// Or why there is none.
        discriminator: Result<Box<dyn Discriminator>, String>,
    },
    Npy(PathBuf),
    Folder(PathBuf),
}

/// Which images of a subject to score.
pub(crate) struct Wanted<'a> {
    /// The number of images; None: all of a file or a folder.
    pub(crate) count: Option<usize>,
    /// The default number of images of a generator.
    pub(crate) default_count: usize,
    /// Seed of a generator's latent vectors.
    pub(crate) seed: Seed,
    pub(crate) shape: ImageShape,
    /// The size that the images of the data set were resized to.
    pub(crate) image_size: Option<u32>,
    /// The images that are imitated, with their class shares.
    pub(crate) training: &'a Dataset,
}

impl Subject {
    /// with_discriminator: whether to load a run's discriminator.
    pub(crate) fn open(path: &Path, with_discriminator: bool, device: &Device) -> Result<Self> {
        let run = RunFolder::open(path);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !path.exists() {
            let text = format!("{}: no such file or folder", path.display());
            return Err(WrongUse(text).into());
        }
        if path.is_dir() && (run.config().exists() || run.generator().exists()) {
            return Self::of_run(&run, with_discriminator, device);
        }
        let (kind, source) = match extension {
            _ if path.is_dir() => ("folder", Source::Folder(path.to_path_buf())),
            Some("npy") => ("npy", Source::Npy(path.to_path_buf())),
            Some("safetensors") => return Self::of_generator(path, device),
            _ => {
                return Err(WrongUse(format!(
                    "{}: neither a run folder, a folder of images, an npy file nor a \
                     generator.safetensors; give one of these",
                    path.display()
                ))
                .into());
            }
        };
        let facts = SubjectFacts {
            path: path.to_path_buf(),
            kind: kind.to_string(),
            step: None,
        };
        Ok(Self {
            facts,
            data: None,
            trained_on: None,
            held_out: None,
            source,
        })
    }

    fn of_generator(path: &Path, device: &Device) -> Result<Self> {
        let (header, generator) = GeneratorHeader::load(path, device)?;
        Ok(Self {
            facts: SubjectFacts {
                path: path.to_path_buf(),
                kind: "generator".to_string(),
                step: Some(header.step),
            },
            data: None,
            held_out: header
                .data
                .as_ref()
                .and_then(|data| data.held_out_sha256.clone()),
            trained_on: header.data.map(|data| data.data_sha256),
            source: Source::Generator {
                generator,
                model: header.model,
                discriminator: Err(NO_DISCRIMINATOR.to_string()),
            },
        })
    }

    /// The generator, and the discriminator of the last checkpoint if it is wanted and of the same
    /// step. The generator is scored even if the checkpoint cannot be used.
    fn of_run(run: &RunFolder, with_discriminator: bool, device: &Device) -> Result<Self> {
        let mut config = RunConfig::read(&run.config())?;
        let (header, generator) = GeneratorHeader::load(&run.generator(), device)?;
        run.check_generator(&config, &header)?;
        run.locate_data(&mut config.data);
        let mut trained_on = header.data.as_ref().map(|data| data.data_sha256.clone());
        let mut discriminator = Err("was not requested".to_string());
        // A generator of version 0.1.0 does not say what it was trained on; its checkpoint does.
        if with_discriminator || trained_on.is_none() {
            let checkpoint = newest_checkpoint(run);
            if let Ok(checkpoint) = &checkpoint
                && trained_on.is_none()
                && let Ok(facts) = serde_json::from_value::<RunFacts>(checkpoint.header.run.clone())
            {
                trained_on = Some(facts.data_sha256);
            }
            discriminator = checkpoint
                .and_then(|checkpoint| discriminator_of(&checkpoint, &config, &header, device));
        }
        Ok(Self {
            facts: SubjectFacts {
                path: run.path().to_path_buf(),
                kind: "run".to_string(),
                step: Some(header.step),
            },
            data: Some(config.data),
            trained_on,
            held_out: header.data.and_then(|data| data.held_out_sha256),
            source: Source::Generator {
                generator,
                model: header.model,
                discriminator,
            },
        })
    }

    /// A run's discriminator, or why there is none.
    pub(crate) fn discriminator(&self) -> Result<&dyn Discriminator, &str> {
        match &self.source {
            Source::Generator { discriminator, .. } => match discriminator {
                Ok(discriminator) => Ok(discriminator.as_ref()),
                Err(reason) => Err(reason),
            },
            _ => Err(NO_DISCRIMINATOR),
        }
    }

    /// Whether the images depend on a seed.
    pub(crate) fn is_generator(&self) -> bool {
        matches!(self.source, Source::Generator { .. })
    }

    /// The number of classes of a class-conditional generator.
    pub(crate) fn conditions(&self) -> Option<usize> {
        match &self.source {
            Source::Generator { generator, .. } => generator.classes(),
            _ => None,
        }
    }

    /// The wanted images: from a generator, those of the seed; from a file or a folder, all of them or a
    /// random subset, each equally likely. `say` gets the lines on how a folder was read.
    pub(crate) fn images(
        &self,
        wanted: &Wanted<'_>,
        say: &mut dyn FnMut(&Reading),
    ) -> Result<ImageSet> {
        let origin = self.facts.path.display();
        let name = format!("generated images ({origin})");
        let images = match &self.source {
            Source::Generator {
                generator, model, ..
            } => {
                self.check_shape(generator.image_shape(), wanted.shape)?;
                let count = wanted.count.unwrap_or(wanted.default_count);
                let classes = classes_like(generator.as_ref(), wanted.training);
                return draw(
                    generator.as_ref(),
                    model,
                    &classes,
                    count,
                    wanted.seed,
                    &name,
                );
            }
            Source::Npy(path) => {
                let images = NpyImages::open(path)?;
                self.check_shape(images.shape(), wanted.shape)?;
                self.check_count(images.count(), wanted)?;
                round(images, &name, wanted.training)?
            }
            Source::Folder(path) => {
                let channels = if wanted.shape.channels == 1 {
                    Channels::Gray
                } else {
                    Channels::Rgb
                };
                let options = ReadOptions::new(channels, wanted.image_size, None)?;
                let splits = gan_data::open(path, &options, Parts::Undivided)?;
                say(&splits.reading);
                let data = splits.training;
                self.check_shape(data.shape(), wanted.shape)?;
                self.check_count(data.len(), wanted)?;
                ImageSet::new(name, data.images().clone())?
            }
        };
        let count = wanted.count.unwrap_or(images.count());
        Ok(images.draw(Draw::Scored, count, SCORE_SEED)?)
    }

    fn check_shape(&self, found: ImageShape, expected: ImageShape) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        Err(WrongUse(format!(
            "{}: images of shape {found}, expected {expected} as in the data set; give the data that \
             these images imitate with --data, and --image-size N to resize images to N x N",
            self.facts.path.display()
        ))
        .into())
    }

    fn check_count(&self, there: usize, wanted: &Wanted<'_>) -> Result<()> {
        match wanted.count {
            Some(count) if count > there => {
                let origin = self.facts.path.display();
                let text = format!("{origin}: {there} images, expected at least --count {count}");
                Err(WrongUse(text).into())
            }
            _ => Ok(()),
        }
    }
}

/// The newest checkpoint of a run, or why there is none.
fn newest_checkpoint(run: &RunFolder) -> Result<Checkpoint, String> {
    match run.checkpoints().newest() {
        Ok(Some(path)) => Checkpoint::read(&path)
            .map_err(|error| format!("needs the run's checkpoint, which cannot be read ({error})")),
        Ok(None) => Err("needs a checkpoint of the run, but there is none".to_string()),
        Err(error) => Err(format!("needs a checkpoint of the run ({error:#})")),
    }
}

fn discriminator_of(
    checkpoint: &Checkpoint,
    config: &RunConfig,
    header: &GeneratorHeader,
    device: &Device,
) -> Result<Box<dyn Discriminator>, String> {
    let (found, expected) = (checkpoint.header.state.step, header.step);
    if found != expected {
        return Err(format!(
            "needs the discriminator of the generator's step {expected}, but the newest checkpoint is \
             of step {found}"
        ));
    }
    let unusable = |error: &dyn std::fmt::Display| {
        format!("needs the run's discriminator, which cannot be used ({error})")
    };
    let (shape, seed) = (header.image_shape, header.seed);
    let discriminator = config
        .model
        .discriminator(shape, seed, DType::F32, device)
        .map_err(|error| unusable(&error))?;
    checkpoint
        .restore_discriminator(discriminator.as_ref())
        .map_err(|error| unusable(&error))?;
    Ok(discriminator)
}

/// An array in [-1, 1] as bytes. An array does not say its range: if hardly any value is below 0, though
/// many of the data are, the values are probably in [0, 1], and are refused.
fn round(images: NpyImages, name: &str, training: &Dataset) -> Result<ImageSet> {
    let mut rounding = ImageRounding::new(name, images.shape(), images.count());
    let (mut outcome, mut below, mut all) = (Ok(()), 0, 0);
    images.read(|values| {
        if outcome.is_ok() {
            outcome = rounding.push(values);
            below += values.iter().filter(|value| **value < 0.0).count();
            all += values.len();
        }
    })?;
    outcome?;
    let (found, expected) = (below as f64 / all as f64, dark_share(training));
    if found < 0.05 * expected {
        return Err(WrongUse(format!(
            "{name}: {:.2} % of the values are below 0, of the data {:.0} %; expected -1 (black) to 1 \
             (white). Convert values in [0, 1] by 2 x - 1, or give a folder of PNG files",
            100.0 * found,
            100.0 * expected,
        ))
        .into());
    }
    Ok(rounding.finish()?)
}

/// The share of the values of a data set that are below 0.
fn dark_share(data: &Dataset) -> f64 {
    let numbers = Draw::Real.numbers(data.len(), RANGE_IMAGES, SCORE_SEED);
    let bytes = numbers
        .into_iter()
        .filter_map(|number| data.image(number))
        .flatten();
    let (dark, all) = bytes.fold((0_usize, 0_usize), |(dark, all), byte| {
        (dark + usize::from(*byte < 128), all + 1)
    });
    dark as f64 / all as f64
}

/// Each class as often as in the data, if the generator's classes are those of the data and not those
/// of its stacks.
pub(crate) fn classes_like(generator: &dyn Generator, training: &Dataset) -> Classes {
    let counts: Vec<u64> = training
        .images_per_class()
        .iter()
        .map(|n| *n as u64)
        .collect();
    match generator.classes() {
        Some(known) if known >= counts.len() && generator.image_shape() == training.shape() => {
            ClassShares::of_counts(&counts).map_or(Classes::InTurn, Classes::Shares)
        }
        _ => Classes::InTurn,
    }
}

/// Values that are not finite give the same error for generated images as for images from a file.
fn as_of_set(error: SampleError, name: &str) -> anyhow::Error {
    match error {
        SampleError::NotFinite {
            image,
            value,
            found,
        } => MetricError::NotFinite {
            what: name.to_string(),
            row: usize::try_from(image).unwrap_or(usize::MAX),
            column: value,
            found: f64::from(found),
        }
        .into(),
        error => error.into(),
    }
}

/// Images 0 to `count` - 1 of a generator under `seed`, in evaluation mode, with their classes.
pub(crate) fn draw(
    generator: &dyn Generator,
    model: &ModelConfig,
    classes: &Classes,
    count: usize,
    seed: Seed,
    name: &str,
) -> Result<ImageSet> {
    let sampler = Sampler::new(generator, model.sampling_prior(), seed, Mode::Eval)?;
    let sampler = sampler.of_classes(classes.clone())?;
    let mut images = ImageRounding::new(name, generator.image_shape(), count);
    for block in sampler.blocks(count as u64) {
        let block = block.map_err(|error| as_of_set(error, name))?;
        images.push(&block.flatten_all()?.to_vec1::<f32>()?)?;
    }
    let images = images.finish()?;
    Ok(match generator.classes() {
        Some(known) => {
            let labels = (0..images.count() as u64).map(|k| classes.of(k, known));
            let labels = labels.collect();
            images.with_labels(labels)?
        }
        None => images,
    })
}
