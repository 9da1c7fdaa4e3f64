//! `gan-cli sample`: trained generator → pictures or numbers.

use super::{by_name, check_free};
use crate::config::RunConfig;
use crate::console::Console;
use crate::device::device;
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::Result;
use clap::ValueEnum;
use gan_core::{Generator, Mode, Seed};
use gan_data::Toy;
use gan_models::{GeneratorHeader, TrainingData};
use gan_sample::{
    ClassShares, Classes, ImageGrid, PixelRange, Raster, SampleError, Sampler, Scatter,
    spherical_path, write_gif, write_npy, write_png, write_png_sequence,
};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Grids and strips are held in memory whole; more images than this go into files of their own.
const MAX_CELLS: usize = 10_000;

/// Points of a picture of them.
const TOY_POINTS: u64 = 2000;

/// With more classes than this, a grid with a row for each is no good default.
const MOST_CLASS_ROWS: usize = 40;

/// An animation's frame, so that 30 frames take two seconds.
const FRAME_DELAY: Duration = Duration::from_millis(66);

#[derive(clap::Args)]
pub(crate) struct SampleArguments {
    /// A run folder, or a generator.safetensors
    run: PathBuf,
    /// Draw images 0 to N-1 [default: as many as the grid has cells]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Draw one picture of so many rows and columns [default: 5x5, CLASSESx10 of a class-conditional generator, unless --count is given]
    #[arg(long, value_name = "ROWSxCOLUMNS")]
    grid: Option<GridShape>,
    /// Each image has a latent vector of its own that this seed and its number determine
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// FILE.png for a grid, DIR for single PNG files, FILE.npy [default: in the run folder]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Standard deviation of the latent vectors; below 1 images are more typical and less diverse
    /// [default: the model's]
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true)]
    deviation: Option<f64>,
    /// Draw images of this class alone, by its name or its number, of a class-conditional generator
    /// [default: a class a row of a grid, else each as often as the data has it]
    #[arg(long, value_name = "NAME|K")]
    class: Option<String>,
    /// Walk from image 0 to image 1 in N frames: a strip FILE.png and an animation FILE.gif
    #[arg(long, value_name = "N", conflicts_with_all = ["count", "grid", "format"])]
    interpolate: Option<usize>,
    /// Pictures, or numbers: one array [n, c, h, w] of float32 in [-1, 1]
    #[arg(long, value_enum, default_value_t = Format::Png)]
    format: Format,
    /// Normalize by the statistics of each block of 256 images, as in training, not the running ones
    #[arg(long)]
    batch_statistics: bool,
    /// Brightness of a grid: fixed maps [-1, 1], min-max stretches to what occurs [default: fixed]
    #[arg(long, value_parser = by_name::<PixelRange>)]
    pixel_range: Option<PixelRange>,
    /// Replace what --out names
    #[arg(long)]
    force: bool,
    /// cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Png,
    Npy,
}

#[derive(Clone, Copy)]
struct GridShape {
    rows: usize,
    columns: usize,
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
                "expected ROWSxCOLUMNS, as 5x5, of at most {MAX_CELLS} cells"
            )),
        }
    }
}

/// What is to be drawn, once the arguments have been made sense of.
enum Job {
    Grid { shape: GridShape, count: u64 },
    Files { count: u64 },
    Npy { count: u64 },
    Interpolation { frames: usize },
}

pub(crate) fn run(arguments: &SampleArguments, console: &Console) -> Result<()> {
    arguments.job(None)?;
    let device = device(&arguments.device)?;
    let file = generator_file(&arguments.run);
    let (header, generator) = GeneratorHeader::load(&file, &device)?;
    let rows = generator.classes().map(|known| match &header.data {
        Some(data) => data.classes_with_images().len().min(known),
        None => known,
    });
    let job = arguments.job(rows)?;
    let run = RunFolder::open(&arguments.run);
    if run.config().is_file() {
        run.check_generator(&RunConfig::read(&run.config())?, &header)?;
    }
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => file.with_file_name(arguments.default_name(&job)),
    };
    for path in job.outputs(&out) {
        check_free(&path, arguments.force)?;
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
    let classes = arguments.classes(&job, &header, generator.classes())?;
    let captions = captions(&job, &classes, &header, generator.classes());
    let sampler = sampler.of_classes(classes)?;
    job.draw(
        &sampler,
        generator.as_ref(),
        arguments.pixel_range.unwrap_or_default(),
        &out,
        console,
    )?;
    for path in job.outputs(&out) {
        console.result(path.display().to_string());
    }
    for caption in captions {
        console.line(caption);
    }
    Ok(())
}

/// Which class is which, of a class-conditional generator: the rows of a grid, or the only class.
fn captions(
    job: &Job,
    classes: &Classes,
    header: &GeneratorHeader,
    known: Option<usize>,
) -> Vec<String> {
    let Some(known) = known else {
        return Vec::new();
    };
    let caption = |class: u32| match &header.data {
        Some(data) => data.caption(class),
        None => class.to_string(),
    };
    match (classes, job) {
        (Classes::One(class), _) => vec![format!("class {}", caption(*class))],
        (Classes::Rows { columns, .. }, Job::Grid { shape, count }) => {
            let rows = (0..shape.rows as u64).filter(|row| row * columns < *count);
            let class = |row: u64| caption(classes.of(row * columns, known));
            rows.map(|row| format!("row {}: class {}", row + 1, class(row)))
                .collect()
        }
        _ => Vec::new(),
    }
}

impl SampleArguments {
    /// Which class each image is of, where there are any.
    fn classes(
        &self,
        job: &Job,
        header: &GeneratorHeader,
        known: Option<usize>,
    ) -> Result<Classes> {
        if let Some(text) = &self.class {
            return Ok(Classes::One(class_named(text, header, known)?));
        }
        let data = header.data.as_ref().filter(|_| known.is_some());
        let among = || data.map_or(Vec::new(), TrainingData::classes_with_images);
        Ok(match job {
            // One class all along the way.
            Job::Interpolation { .. } => Classes::Rows {
                columns: u64::MAX,
                among: among(),
            },
            Job::Grid { shape, .. } => Classes::Rows {
                columns: shape.columns as u64,
                among: among(),
            },
            Job::Files { .. } | Job::Npy { .. } => data
                .and_then(|data| ClassShares::of_counts(&data.class_counts))
                .map_or(Classes::InTurn, Classes::Shares),
        })
    }

    /// classes: how many of a class-conditional generator have images.
    fn job(&self, classes: Option<usize>) -> Result<Job> {
        let default_grid = match classes {
            Some(classes @ 1..=MOST_CLASS_ROWS) if self.class.is_none() => GridShape {
                rows: classes,
                columns: 10,
            },
            _ => GridShape {
                rows: 5,
                columns: 5,
            },
        };
        let cells = |shape: GridShape| (shape.rows * shape.columns) as u64;
        let job = match (self.interpolate, self.format, self.grid, self.count) {
            (Some(frames), ..) => Job::Interpolation { frames },
            (_, Format::Npy, grid, count) => Job::Npy {
                count: count.unwrap_or(cells(grid.unwrap_or(default_grid))),
            },
            (_, _, Some(shape), count) => Job::Grid {
                shape,
                count: count.unwrap_or(cells(shape)),
            },
            (_, _, None, Some(count)) => Job::Files { count },
            (_, _, None, None) => Job::Grid {
                shape: default_grid,
                count: cells(default_grid),
            },
        };
        match job {
            Job::Grid { shape, count } if count > cells(shape) => Err(WrongUse(format!(
                "--count is {count}, but --grid {}x{} has {} cells; leave --grid out for single files",
                shape.rows, shape.columns, cells(shape),
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

    fn default_name(&self, job: &Job) -> String {
        let seed = self.seed;
        match job {
            Job::Grid { shape, .. } => {
                format!("sample-{}x{}-seed-{seed}.png", shape.rows, shape.columns)
            }
            Job::Files { .. } => format!("sample-seed-{seed}"),
            Job::Npy { .. } => format!("sample-seed-{seed}.npy"),
            Job::Interpolation { .. } => format!("interpolation-seed-{seed}.png"),
        }
    }
}

/// The class that is meant by a name or a number.
fn class_named(text: &str, header: &GeneratorHeader, known: Option<usize>) -> Result<u32> {
    let Some(known) = known else {
        let text = format!(
            "--class {text}: the generator knows no classes; train one with --classes auto"
        );
        return Err(WrongUse(text).into());
    };
    let by_number = || text.parse().ok().filter(|class| (*class as usize) < known);
    let class = match &header.data {
        Some(data) => data.class_named(text).or_else(by_number),
        None => by_number(),
    };
    if let (Some(class), Some(data)) = (class, &header.data)
        && data.class_counts.get(class as usize) == Some(&0)
    {
        let text = format!("--class {text}: the generator was trained on no image of that class");
        return Err(WrongUse(text).into());
    }
    class.ok_or_else(|| {
        let mut expected = format!("one of the classes 0 to {}", known - 1);
        if let Some(data) = &header.data {
            let names = data.class_names.iter().take(MOST_CLASS_ROWS);
            let names: Vec<String> = names.map(|name| name.escape_debug().to_string()).collect();
            expected += &format!(" ({})", names.join(", "));
        }
        WrongUse(format!("--class {text}, expected {expected}")).into()
    })
}

impl Job {
    /// Every path that is written.
    fn outputs(&self, out: &Path) -> Vec<PathBuf> {
        match self {
            Self::Interpolation { .. } => {
                vec![out.with_extension("png"), out.with_extension("gif")]
            }
            _ => vec![out.to_path_buf()],
        }
    }

    fn draw(
        &self,
        sampler: &Sampler<'_>,
        generator: &dyn Generator,
        range: PixelRange,
        out: &Path,
        console: &Console,
    ) -> Result<(), SampleError> {
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
                write_png_sequence(out, blocks).map(drop)
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
                write_png(&out.with_extension("png"), &strip.render(&images)?)?;
                let frames = Raster::from_images(&images, range)?;
                write_gif(&out.with_extension("gif"), &frames, FRAME_DELAY)
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
