//! `gan-cli sample`: trained generator → pictures or numbers.

use super::{Done, by_name};
use crate::console::{Bar, Console};
use gan_core::Seed;
use gan_models::KnownNetworks;
use gan_run::sample::{Format, MAX_CELLS, Sample};
use gan_run::{GridShape, PICTURE_SEED, device};
use gan_sample::PixelRange;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct SampleArguments {
    /// A run folder or a generator.safetensors
    run: PathBuf,
    /// Draw images 0 to N-1 [default: as many as the grid has cells]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Rows and columns of the picture [default: 5x5, CLASSESx10 of a class-conditional generator, unless --count is given]
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = grid_shape)]
    grid: Option<GridShape>,
    /// Seed of the latent vectors; this seed and an image's number determine the image
    #[arg(long, default_value_t = PICTURE_SEED.0)]
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
    #[arg(long, value_parser = by_name::<Format>)]
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

pub(crate) fn run(arguments: &SampleArguments, console: &Console) -> Done {
    let sample = Sample {
        count: arguments.count,
        grid: arguments.grid,
        interpolate: arguments.interpolate,
        format: arguments.format,
        seed: Seed(arguments.seed),
        class: arguments.class.clone(),
        deviation: arguments.deviation,
        batch_statistics: arguments.batch_statistics,
        pixel_range: arguments.pixel_range.unwrap_or_default(),
        out: arguments.out.clone(),
        replace: arguments.force,
    };
    let mut bar: Option<Bar> = None;
    let mut told = 0;
    let device = device(&arguments.device)?;
    let drawn = sample.draw(&arguments.run, &KnownNetworks, &device, &mut |done, all| {
        let bar = bar.get_or_insert_with(|| console.progress(all, "images"));
        bar.inc(done - told);
        told = done;
    })?;
    drop(bar);
    for path in drawn.outputs {
        console.result(path.display().to_string());
    }
    for caption in drawn.captions {
        console.line(caption);
    }
    Ok(())
}

fn grid_shape(text: &str) -> Result<GridShape, String> {
    let parse = |part: &str| part.parse().ok().filter(|n| (1..=MAX_CELLS).contains(n));
    let sides = text
        .split_once('x')
        .and_then(|(r, c)| Some((parse(r)?, parse(c)?)));
    match sides {
        Some((rows, columns)) if rows * columns <= MAX_CELLS => Ok(GridShape { rows, columns }),
        _ => Err(format!(
            "expected ROWSxCOLUMNS, such as 5x5, of at most {MAX_CELLS} cells"
        )),
    }
}
