//! What is to be scored: a generator, an npy batch or a folder of images.

use crate::drawing::{classes_like, draw, round};
use crate::event::{EvalEvent, Listener};
use crate::{EvalError, SCORE_SEED, SubjectFacts};
use gan_core::candle_core::Device;
use gan_core::{Discriminator, Generator, ImageShape, Seed};
use gan_data::{Channels, Dataset, Parts, ReadOptions};
use gan_metrics::{Draw, ImageSet};
use gan_models::{GeneratorHeader, ModelConfig, Networks};
use gan_sample::NpyImages;
use std::path::{Path, PathBuf};

/// Why anything but a run has no equilibrium scores.
const NO_DISCRIMINATOR: &str = "needs a run's discriminator; give a run folder";

/// Images, or the generator of images.
pub struct Subject {
    /// What it is.
    pub facts: SubjectFacts,
    /// SHA-256 of the images that a generator was trained on, where it is known.
    pub(crate) trained_on: Option<String>,
    /// SHA-256 of those that were held out.
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
#[derive(Clone, Copy)]
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
    /// The generator in a safetensors file, built by `networks`; the array in an npy file; or a folder of
    /// images.
    ///
    /// # Errors
    /// When it is none of these, or the generator cannot be built.
    pub fn open(path: &Path, networks: &dyn Networks) -> Result<Self, EvalError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !path.exists() {
            return Err(EvalError::subject(
                path,
                "no such file or folder",
                "a run folder, a generator.safetensors, an npy file or a folder of images",
            ));
        }
        let (kind, source) = match extension {
            _ if path.is_dir() => ("folder", Source::Folder(path.to_path_buf())),
            Some("npy") => ("npy", Source::Npy(path.to_path_buf())),
            Some("safetensors") => {
                let (header, generator) = GeneratorHeader::load_by(networks, path, &Device::Cpu)?;
                return Ok(Self::of_generator(path, "generator", &header, generator));
            }
            _ => {
                return Err(EvalError::subject(
                    path,
                    "neither a run folder, a folder of images, an npy file nor a generator.safetensors",
                    "one of these",
                ));
            }
        };
        let facts = SubjectFacts {
            path: path.to_path_buf(),
            kind: kind.to_string(),
            step: None,
        };
        Ok(Self {
            facts,
            trained_on: None,
            held_out: None,
            source,
        })
    }

    /// A generator whose file at `path` has this header. kind: what it is from, such as `run`.
    pub fn of_generator(
        path: &Path,
        kind: &str,
        header: &GeneratorHeader,
        generator: Box<dyn Generator>,
    ) -> Self {
        let data = header.data.as_ref();
        Self {
            facts: SubjectFacts {
                path: path.to_path_buf(),
                kind: kind.to_string(),
                step: Some(header.step),
            },
            trained_on: data.map(|data| data.data_sha256.clone()),
            held_out: data.and_then(|data| data.held_out_sha256.clone()),
            source: Source::Generator {
                generator,
                model: header.model.clone(),
                discriminator: Err(NO_DISCRIMINATOR.to_string()),
            },
        }
    }

    /// The same generator with the discriminator that it was trained against, or the reason why there is
    /// none.
    #[must_use]
    pub fn with_discriminator(mut self, found: Result<Box<dyn Discriminator>, String>) -> Self {
        if let Source::Generator { discriminator, .. } = &mut self.source {
            *discriminator = found;
        }
        self
    }

    /// The same with the SHA-256 of the images that it was trained on, if its file does not say it.
    #[must_use]
    pub fn trained_on(mut self, sha256: Option<String>) -> Self {
        self.trained_on = self.trained_on.or(sha256);
        self
    }

    /// Whether it is known which images it was trained on.
    pub fn knows_its_data(&self) -> bool {
        self.trained_on.is_some()
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
    pub fn is_generator(&self) -> bool {
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
    /// random subset, each equally likely.
    pub(crate) fn images(
        &self,
        wanted: &Wanted<'_>,
        tell: Listener<'_>,
    ) -> Result<ImageSet, EvalError> {
        let name = format!("generated images ({})", self.facts.path.display());
        let images = match &self.source {
            Source::Generator {
                generator, model, ..
            } => {
                self.check_shape(generator.image_shape(), wanted.shape)?;
                let count = wanted.count.unwrap_or(wanted.default_count);
                let (generator, seed) = (generator.as_ref(), wanted.seed);
                let classes = classes_like(generator, wanted.training);
                return draw(generator, model, &classes, count, seed, &name);
            }
            Source::Npy(path) => {
                let images = NpyImages::open(path)?;
                self.check_shape(images.shape(), wanted.shape)?;
                self.check_count(images.count(), wanted)?;
                round(path, images, &name, wanted.training)?
            }
            Source::Folder(path) => {
                let images = read_folder(path, wanted, tell)?;
                self.check_shape(images.shape(), wanted.shape)?;
                self.check_count(images.len(), wanted)?;
                ImageSet::new(name, images.images().clone())?
            }
        };
        let count = wanted.count.unwrap_or(images.count());
        Ok(images.draw(Draw::Scored, count, SCORE_SEED)?)
    }

    fn check_shape(&self, found: ImageShape, expected: ImageShape) -> Result<(), EvalError> {
        if found == expected {
            return Ok(());
        }
        Err(EvalError::subject(
            &self.facts.path,
            format!("images of shape {found}"),
            &format!(
                "{expected} as in the data set; give the data that these images imitate as `data.path`, and \
                 `data.image_size = N` to resize images to N x N"
            ),
        ))
    }

    fn check_count(&self, there: usize, wanted: &Wanted<'_>) -> Result<(), EvalError> {
        match wanted.count {
            Some(count) if count > there => Err(EvalError::subject(
                &self.facts.path,
                format!("{there} images"),
                &format!("at least `protocol.count = {count}`"),
            )),
            _ => Ok(()),
        }
    }
}

/// The images of a folder with as many channels as the data set's.
fn read_folder(path: &Path, wanted: &Wanted<'_>, tell: Listener<'_>) -> Result<Dataset, EvalError> {
    let channels = if wanted.shape.channels == 1 {
        Channels::Gray
    } else {
        Channels::Rgb
    };
    let options = ReadOptions::new(channels, wanted.image_size, None)?;
    let splits = gan_data::open(path, &options, Parts::Undivided)?;
    tell(EvalEvent::Read(&splits.reading));
    Ok(splits.training)
}
