//! `gan-cli sample`: trained generator → pictures or numbers.

mod classes;
mod names;

use super::by_name;
use crate::config::RunConfig;
use crate::console::Console;
use crate::device::device;
use crate::exit::WrongUse;
use crate::picture::{self, GridShape};
use crate::place::{check_file, check_files_in};
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_core::{Generator, Mode, Seed};
use gan_data::Toy;
use gan_models::GeneratorHeader;
use gan_sample::{
    Classes, ImageGrid, PixelRange, Raster, SampleError, Sampler, Scatter, first_foreign_entry,
    spherical_path, write_gif, write_npy, write_png, write_png_sequence,
};
use names::{Format, format_of, strip_and_animation};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Grids and strips are held in memory; more images than this go into separate files.
const MAX_CELLS: usize = 10_000;

/// Points in a picture of a toy data set.
const TOY_POINTS: u64 = 2000;

/// Duration of an animation's frame, so that 30 frames take two seconds.
const FRAME_DELAY: Duration = Duration::from_millis(66);

#[derive(clap::Args)]
pub(crate) struct SampleArguments {
    /// A run folder or a generator.safetensors
    run: PathBuf,
    /// Draw images 0 to N-1 [default: as many as the grid has cells]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Rows and columns of the picture [default: 5x5, CLASSESx10 of a class-conditional generator, unless --count is given]
    #[arg(long, value_name = "ROWSxCOLUMNS")]
    grid: Option<GridShape>,
    /// Seed of the latent vectors; this seed and an image's number determine the image
    #[arg(long, default_value_t = picture::SEED.0)]
    seed: u64,
    /// FILE.png for a grid, FILE.npy for numbers, a folder for the PNG files of --count; other names
    /// are refused [default: beside the generator]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Standard deviation of the latent vectors; below 1 images are more typical and less diverse
    /// [default: the model's]
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true)]
    deviation: Option<f64>,
    /// For a class-conditional generator: draw only images of this class, by name or number
    /// [default: a class a row of a grid, else each as often as the data has it]
    #[arg(long, value_name = "NAME|K")]
    class: Option<String>,
    /// Interpolate from image 0 to image 1 in N frames: a strip FILE.png and an animation FILE.gif, for
    /// --out FILE.png, FILE.gif or FILE
    #[arg(long, value_name = "N", conflicts_with_all = ["count", "grid", "format"])]
    interpolate: Option<usize>,
    /// png for pictures; npy for numbers: one array [n, c, h, w] of float32 in [-1, 1] [default: npy if
    /// --out ends in .npy, else png]
    #[arg(long, value_enum, hide_possible_values = true)]
    format: Option<Format>,
    /// Batch normalization by the statistics of each block of 256 images, as in training
    #[arg(long)]
    batch_statistics: bool,
    /// Brightness of a grid: fixed maps [-1, 1] to black and white; min-max maps the least and greatest
    /// value to them [default: fixed]
    #[arg(long, value_parser = by_name::<PixelRange>)]
    pixel_range: Option<PixelRange>,
    /// Replace an existing file, or a folder of images from an earlier call that holds nothing else
    #[arg(long)]
    force: bool,
    /// Device: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

impl FromStr for GridShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |part: &str| part.parse().ok().filter(|n| (1..=MAX_CELLS).contains(n));
        let sides = text
            .split_once('x')
            .and_then(|(r, c)| Some((parse(r)?, parse(c)?)));
        match sides {
            Some((rows, columns)) if rows * columns <= MAX_CELLS => Ok(Self { rows, columns }),
            _ => Err(format!(
                "expected ROWSxCOLUMNS, such as 5x5, of at most {MAX_CELLS} cells"
            )),
        }
    }
}

/// What to draw, from the checked arguments.
enum Job {
    Grid { shape: GridShape, count: u64 },
    Files { count: u64 },
    Npy { count: u64 },
    Interpolation { frames: usize },
}

pub(crate) fn run(arguments: &SampleArguments, console: &Console) -> Result<()> {
    let file = generator_file(&arguments.run);
    let foreseen = arguments.job(None)?;
    if arguments.out.is_some() {
        arguments.place(&foreseen, Path::new(""))?;
    }
    let device = device(&arguments.device)?;
    let (header, generator) = GeneratorHeader::load(&file, &device)?;
    let classes = picture::drawn_classes(generator.classes(), header.data.as_ref());
    let job = arguments.job(classes)?;
    job.check_points(generator.as_ref())?;
    let run = RunFolder::open(&arguments.run);
    if run.config().is_file() {
        run.check_generator(&RunConfig::read(&run.config())?, &header)?;
    }

    let mut model = header.model.clone();
    if let Some(deviation) = arguments.deviation {
        model.sampling_deviation = deviation;
        model.validate()?;
    }
    let prior = model.sampling_prior();
    let mode = if arguments.batch_statistics {
        Mode::Train
    } else {
        Mode::Eval
    };
    let sampler = Sampler::new(generator.as_ref(), prior, Seed(arguments.seed), mode)?;
    let classes = classes::chosen(
        arguments.class.as_deref(),
        &job,
        &header,
        generator.classes(),
    )?;
    let class = match classes {
        Classes::One(class) => Some(class),
        _ => None,
    };
    let name = job.default_name(header.step, class, arguments.seed);
    let out = arguments.place(&job, &file.with_file_name(name))?;
    let captions = classes::captions(&job, &classes, &header, generator.classes());
    let sampler = sampler.of_classes(classes)?;
    let range = arguments.pixel_range.unwrap_or_default();
    job.draw(&sampler, generator.as_ref(), range, &out, console)?;
    for path in job.outputs(&out.path) {
        console.result(path.display().to_string());
    }
    for caption in captions {
        console.line(caption);
    }
    Ok(())
}

/// A place that was checked.
struct Place {
    path: PathBuf,
    /// Whether existing files may be replaced.
    replace: bool,
}

impl SampleArguments {
    /// Where the job's results go. The place must be free, writable, and named for its format.
    fn place(&self, job: &Job, default: &Path) -> Result<Place> {
        let path = self.out.clone().unwrap_or_else(|| default.to_path_buf());
        job.check_name(&path)?;
        let replace = self.force;
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
    fn job(&self, classes: Option<usize>) -> Result<Job> {
        let classes = classes.filter(|_| self.class.is_none());
        let default_grid = GridShape::default_for(classes);
        let format = format_of(self.format, self.out.as_deref());
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
        match job {
            Job::Grid { shape, count } if count > shape.cells() => Err(WrongUse(format!(
                "--count is {count}, but --grid {}x{} has {} cells; leave --grid out for single files",
                shape.rows, shape.columns, shape.cells(),
            ))
            .into()),
            Job::Grid { count: 0, .. } | Job::Files { count: 0 } | Job::Npy { count: 0 } => {
                Err(WrongUse("--count is 0, expected at least 1".to_string()).into())
            }
            Job::Interpolation { frames } if !(2..=MAX_CELLS).contains(&frames) => {
                let text = format!("--interpolate is {frames}, expected 2 to {MAX_CELLS} frames");
                Err(WrongUse(text).into())
            }
            job => Ok(job),
        }
    }
}

impl Job {
    /// A point in the plane has no picture of its own.
    fn check_points(&self, generator: &dyn Generator) -> Result<()> {
        if generator.image_shape() != Toy::SHAPE {
            return Ok(());
        }
        let option = match self {
            Self::Files { .. } => "--count",
            Self::Interpolation { .. } => "--interpolate",
            _ => return Ok(()),
        };
        let text = format!(
            "{option}: the generator draws points, not images; leave it out for one \
             picture of {TOY_POINTS} points, or give --count N --format npy for numbers"
        );
        Err(WrongUse(text).into())
    }

    fn draw(
        &self,
        sampler: &Sampler<'_>,
        generator: &dyn Generator,
        range: PixelRange,
        place: &Place,
        console: &Console,
    ) -> Result<(), SampleError> {
        let out = place.path.as_path();
        match *self {
            Self::Grid { .. } if generator.image_shape() == Toy::SHAPE => {
                let points = sampler.images(0..TOY_POINTS)?;
                write_png(out, &Scatter::default().generated(&points)?.raster())
            }
            Self::Grid { shape, count } => {
                let grid = ImageGrid {
                    rows: shape.rows,
                    columns: shape.columns,
                    range,
                };
                write_png(out, &grid.render(&sampler.images(0..count)?)?)
            }
            Self::Files { count } => {
                let blocks = watched(sampler, count, console);
                write_png_sequence(out, place.replace, blocks).map(drop)
            }
            Self::Npy { count } => {
                let blocks = watched(sampler, count, console);
                write_npy(out, count, generator.image_shape(), blocks)
            }
            Self::Interpolation { frames } => {
                let path = spherical_path(&sampler.latent(0)?, &sampler.latent(1)?, frames)?;
                let images = sampler.decode(&path)?;
                let strip = ImageGrid {
                    rows: 1,
                    columns: frames,
                    range,
                };
                let (strip, frames) =
                    (strip.render(&images)?, Raster::from_images(&images, range)?);
                let Some((strip_path, animation)) = strip_and_animation(out) else {
                    return Ok(());
                };
                write_png(&strip_path, &strip)?;
                write_gif(&animation, &frames, FRAME_DELAY)
            }
        }
    }
}

/// The blocks of a sample, under a progress bar.
fn watched<'a>(
    sampler: &'a Sampler<'_>,
    count: u64,
    console: &Console,
) -> impl Iterator<Item = Result<candle_core::Tensor, SampleError>> + 'a {
    let bar = console.progress(count, "images");
    sampler.blocks(count).inspect(move |block| {
        let drawn = block.as_ref().map_or(0, |images| images.dims()[0]);
        bar.inc(drawn as u64);
    })
}

fn generator_file(run: &Path) -> PathBuf {
    if run.is_dir() {
        RunFolder::open(run).generator()
    } else {
        run.to_path_buf()
    }
}
