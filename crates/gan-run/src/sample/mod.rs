//! Pictures and numbers from the generator of a run or a file.

mod classes;
mod job;
mod names;

pub use job::MAX_CELLS;
pub use names::Format;

use crate::picture::{GridShape, PICTURE_SEED, drawn_classes};
use crate::result_place::{check_file, check_files_in};
use crate::subject::check_generator;
use crate::{Configuration, RunConfig, RunError, RunFolder};
use candle_core::Device;
use gan_core::{Mode, Seed};
use gan_models::{GeneratorHeader, Networks};
use gan_sample::{Classes, PixelRange, Sampler, first_foreign_entry};
use job::Job;
use std::path::{Path, PathBuf};

/// What to draw. The default is the picture that a run's last `samples/` has: the same latent vectors in a
/// grid of five by five, or with a class a row.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Images 0 to this, exclusively; alone, each gets a file of its own.
    pub count: Option<u64>,
    /// Rows and columns of one picture.
    pub grid: Option<GridShape>,
    /// The frames of an interpolation from image 0 to image 1.
    pub interpolate: Option<usize>,
    /// None: by the name of `out`, else pictures.
    pub format: Option<Format>,
    /// Seed of the latent vectors; it and an image's number determine the image.
    pub seed: Seed,
    /// For a class-conditional generator: the only class, by name or number.
    pub class: Option<String>,
    /// Standard deviation of the latent vectors, if not the model's.
    pub deviation: Option<f64>,
    /// Whether batch normalization takes the statistics of each block of 256 images, as in training.
    pub batch_statistics: bool,
    /// How brightness is mapped.
    pub pixel_range: PixelRange,
    /// Where the result goes; None: beside the generator.
    pub out: Option<PathBuf>,
    /// Whether an existing file, or a folder with images of an earlier call and nothing else, is replaced.
    pub replace: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            count: None,
            grid: None,
            interpolate: None,
            format: None,
            seed: PICTURE_SEED,
            class: None,
            deviation: None,
            batch_statistics: false,
            pixel_range: PixelRange::default(),
            out: None,
            replace: false,
        }
    }
}

/// What was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The files or the folder.
    pub outputs: Vec<PathBuf>,
    /// Which classes are where, of a class-conditional generator.
    pub captions: Vec<String>,
}

/// A place that was checked.
struct Place {
    path: PathBuf,
    /// Whether existing files may be replaced.
    replace: bool,
}

impl Sample {
    /// Draws from the generator of the run, or in the file, at `path`, which `networks` builds, and writes the
    /// result. `drawn` is called with the number of images done, and of all, where there may be many.
    ///
    /// # Errors
    /// When the request contradicts itself, does not fit the generator or the place, or cannot be written.
    pub fn draw(
        &self,
        path: &Path,
        networks: &dyn Networks,
        drawn: &mut dyn FnMut(u64, u64),
    ) -> Result<Drawn, RunError> {
        let file = match path.is_dir() {
            true => RunFolder::open(path).generator(),
            false => path.to_path_buf(),
        };
        let foreseen = self.job(None)?;
        if self.out.is_some() {
            self.place(&foreseen, Path::new(""))?;
        }
        let (header, generator) = GeneratorHeader::load_by(networks, &file, &Device::Cpu)?;
        let known = generator.classes();
        let job = self.job(drawn_classes(known, header.data.as_ref()))?;
        job.check_points(generator.as_ref())?;
        let run = RunFolder::open(path);
        if run.config().is_file() {
            check_generator(&run, &RunConfig::read(&run.config())?, &header)?;
        }
        let mut model = header.model.clone();
        if let Some(deviation) = self.deviation {
            model.sampling_deviation = deviation;
            model.validate()?;
        }
        let mode = match self.batch_statistics {
            true => Mode::Train,
            false => Mode::Eval,
        };
        let sampler = Sampler::new(generator.as_ref(), model.sampling_prior(), self.seed, mode)?;
        let classes = classes::chosen(self.class.as_deref(), &job, &header, known)?;
        let class = match classes {
            Classes::One(class) => Some(class),
            _ => None,
        };
        let name = job.default_name(header.step, class, self.seed.0);
        let place = self.place(&job, &file.with_file_name(name))?;
        let captions = classes::captions(&job, &classes, &header, known);
        let sampler = sampler.of_classes(classes)?;
        job.draw(
            &sampler,
            generator.as_ref(),
            self.pixel_range,
            &place,
            drawn,
        )?;
        Ok(Drawn {
            outputs: job.outputs(&place.path),
            captions,
        })
    }

    /// Where the job's results go. The place must be free, writable, and named for its format.
    fn place(&self, job: &Job, default: &Path) -> Result<Place, RunError> {
        let path = self.out.clone().unwrap_or_else(|| default.to_path_buf());
        job.check_name(&path)?;
        let replace = self.replace;
        if let Job::Files { .. } = job {
            let foreign = |folder: &Path| Ok(first_foreign_entry(folder)?);
            check_files_in(&path, replace, foreign)?;
        } else {
            job.outputs(&path)
                .iter()
                .try_for_each(|path| check_file(path, replace))?;
        }
        Ok(Place { path, replace })
    }

    /// classes: how many classes of a class-conditional generator have training images.
    fn job(&self, classes: Option<usize>) -> Result<Job, RunError> {
        let classes = classes.filter(|_| self.class.is_none());
        let default_grid = GridShape::default_for(classes);
        let format = names::format_of(self.format, self.out.as_deref());
        let job = match (self.interpolate, format, self.grid, self.count) {
            (Some(frames), ..) => Job::Interpolation { frames },
            (_, Format::Npy, grid, count) => Job::Npy {
                count: count.unwrap_or(grid.unwrap_or(default_grid).cells()),
            },
            (_, _, Some(shape), count) => Job::Grid {
                shape,
                count: count.unwrap_or(shape.cells()),
            },
            (_, _, None, Some(count)) => Job::Files { count },
            (_, _, None, None) => Job::Grid {
                shape: default_grid,
                count: default_grid.cells(),
            },
        };
        job.check_size()?;
        Ok(job)
    }
}
