//! What is to be scored: a run, a generator's file, an npy batch or a folder of images.

use super::SubjectFacts;
use crate::config::{DataConfig, RunConfig};
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::Result;
use candle_core::{DType, Device};
use gan_core::{Discriminator, Generator, ImageShape, Mode, Seed};
use gan_data::{Channels, ImageFolderOptions, Split};
use gan_metrics::ImageSet;
use gan_models::{GeneratorHeader, ModelConfig};
use gan_sample::{Classes, Sampler, read_npy};
use gan_train::Checkpoint;
use std::path::{Path, PathBuf};

/// Images, or what makes them.
pub(crate) struct Subject {
    pub(crate) facts: SubjectFacts,
    /// The data set that a run was trained on.
    pub(crate) data: Option<DataConfig>,
    source: Source,
}

enum Source {
    Generator {
        generator: Box<dyn Generator>,
        model: ModelConfig,
        discriminator: Option<Box<dyn Discriminator>>,
    },
    Npy(PathBuf),
    Folder(PathBuf),
}

impl Subject {
    pub(crate) fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunFolder::open(path);
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !path.exists() {
            let text = format!("{}: there is no such file or folder", path.display());
            return Err(WrongUse(text).into());
        }
        if path.is_dir() && (run.config().exists() || run.generator().exists()) {
            return Self::of_run(&run, device);
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
            source: Source::Generator {
                generator,
                model: header.model,
                discriminator: None,
            },
        })
    }

    /// The generator, and the discriminator of the last checkpoint if it is of the same step.
    fn of_run(run: &RunFolder, device: &Device) -> Result<Self> {
        let config = RunConfig::read(&run.config())?;
        let (header, generator) = GeneratorHeader::load(&run.generator(), device)?;
        run.check_generator(&config, &header)?;
        let mut discriminator = None;
        if let Some(path) = run.checkpoints().newest()? {
            let shape = generator.image_shape();
            let judge = config
                .model
                .discriminator(shape, header.seed, DType::F32, device)?;
            let checkpoint = Checkpoint::read(&path)?;
            checkpoint.restore_discriminator(judge.as_ref())?;
            discriminator = (checkpoint.header.state.step == header.step).then_some(judge);
        }
        Ok(Self {
            facts: SubjectFacts {
                path: run.path().to_path_buf(),
                kind: "run".to_string(),
                step: Some(header.step),
            },
            data: Some(config.data),
            source: Source::Generator {
                generator,
                model: header.model,
                discriminator,
            },
        })
    }

    pub(crate) fn discriminator(&self) -> Option<&dyn Discriminator> {
        match &self.source {
            Source::Generator { discriminator, .. } => discriminator.as_deref(),
            _ => None,
        }
    }

    /// Whether a seed makes other images.
    pub(crate) fn is_generator(&self) -> bool {
        matches!(self.source, Source::Generator { .. })
    }

    /// `count` images of `shape` under `seed`; of a file or a folder the first `count`, or all where
    /// that is none.
    pub(crate) fn images(
        &self,
        count: Option<usize>,
        default_count: usize,
        seed: Seed,
        shape: ImageShape,
    ) -> Result<ImageSet> {
        let mut classes = None;
        let (found, mut pixels, origin) = match &self.source {
            Source::Generator {
                generator, model, ..
            } => {
                let count = count.unwrap_or(default_count);
                classes = generator.classes();
                let (shape, pixels) = draw(generator.as_ref(), model, count, seed)?;
                (shape, pixels, &self.facts.path)
            }
            Source::Npy(path) => {
                let (shape, pixels) = read_npy(path)?;
                (shape, pixels, path)
            }
            Source::Folder(path) => {
                let channels = if shape.channels == 1 {
                    Channels::Gray
                } else {
                    Channels::Rgb
                };
                let options = ImageFolderOptions::new(channels, None)?;
                let data = gan_data::open(path, &options, Split::Train)?;
                let bytes = data.pixels().iter();
                let pixels = bytes.map(|byte| f32::from(*byte) / 127.5 - 1.0).collect();
                (data.shape(), pixels, path)
            }
        };
        let origin = origin.display();
        if found != shape {
            return Err(WrongUse(format!(
                "{origin}: images of shape {found}, expected {shape} as the data set's; give the \
                 data that these images imitate with --data"
            ))
            .into());
        }
        let there = pixels.len() / shape.elements();
        if let Some(count) = count {
            if count > there {
                let text = format!("{origin}: {there} images, expected at least --count {count}");
                return Err(WrongUse(text).into());
            }
            pixels.truncate(count * shape.elements());
        }
        if !self.is_generator() && !pixels.iter().any(|pixel| *pixel < 0.0) {
            return Err(WrongUse(format!(
                "{origin}: no value is below 0, expected -1 (black) to 1 (white); values in [0, 1] \
                 become these by 2 x - 1"
            ))
            .into());
        }
        let images = ImageSet::new(format!("generated images ({origin})"), shape, pixels)?;
        Ok(match classes {
            Some(known) => {
                let labels = (0..images.count() as u64).map(|k| Classes::InTurn.of(k, known));
                let labels = labels.collect();
                images.with_labels(labels)?
            }
            None => images,
        })
    }
}

/// Images 0 to `count` - 1 of a generator under `seed`, in evaluation mode.
pub(crate) fn draw(
    generator: &dyn Generator,
    model: &ModelConfig,
    count: usize,
    seed: Seed,
) -> Result<(ImageShape, Vec<f32>)> {
    let shape = generator.image_shape();
    let sampler = Sampler::new(generator, model.sampling_prior(), seed, Mode::Eval)?;
    let mut pixels = Vec::with_capacity(count * shape.elements());
    for block in sampler.blocks(count as u64) {
        pixels.extend(block?.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok((shape, pixels))
}
