//! `gan-cli sample`: trained generator → pictures or numbers, or texts.

use super::{Done, by_name};
use crate::console::{Bar, Console};
use crate::exit::Failure;
use gan_core::Seed;
use gan_models::KnownNetworks;
use gan_run::sample::{Format, MAX_CELLS, Sample};
use gan_run::{GridShape, Kind, PICTURE_SEED, RunError, TextSample};
use gan_sample::PixelRange;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct SampleArguments {
    /// A run folder or a generator.safetensors
    run: PathBuf,
    /// Draw images or texts 0 to N-1 [default: as many images as the grid has cells, 20 texts]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Rows and columns of the picture [default: 5x5, CLASSESx10 of a class-conditional generator, unless --count is given]
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = grid_shape)]
    grid: Option<GridShape>,
    /// The seed; it and the number of an image or text determine it
    #[arg(long, default_value_t = PICTURE_SEED.0)]
    seed: u64,
    /// FILE.png for a grid, FILE.npy for numbers, a folder for the PNG files of --count; other names
    /// are refused; FILE.txt or FILE.jsonl for texts [default: beside the generator; texts are printed]
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
    /// png for pictures; npy for numbers: one array [n, c, h, w] of float32 in [-1, 1]; txt or jsonl for
    /// texts [default: by the name of --out, else png; txt]
    #[arg(long)]
    format: Option<String>,
    /// Texts: below 1 more typical and less diverse, above 1 the contrary
    #[arg(
        long,
        value_name = "T",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    temperature: f64,
    /// Texts: the most tokens, with the prompt [default: as many as the longest training text has, and one more
    /// than the prompt at least]
    #[arg(long, value_name = "N")]
    length: Option<usize>,
    /// Texts: what each begins with
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
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
}

pub(crate) fn run(arguments: &SampleArguments, console: &Console) -> Done {
    match Kind::of_subject(&arguments.run) {
        Kind::Images => images(arguments, console),
        Kind::Text => texts(arguments, console),
    }
}

fn texts(arguments: &SampleArguments, console: &Console) -> Done {
    arguments.refuse(&[
        ("grid", arguments.grid.is_some()),
        ("deviation", arguments.deviation.is_some()),
        ("class", arguments.class.is_some()),
        ("interpolate", arguments.interpolate.is_some()),
        ("batch-statistics", arguments.batch_statistics),
        ("pixel-range", arguments.pixel_range.is_some()),
    ])?;
    let sample = TextSample {
        count: arguments.count.unwrap_or(20),
        temperature: arguments.temperature,
        length: arguments.length,
        prompt: arguments.prompt.clone(),
        format: arguments.format()?,
        seed: Seed(arguments.seed),
        out: arguments.out.clone(),
        replace: arguments.force,
    };
    sample.draw(&arguments.run, &mut |line| {
        if arguments.out.is_none() {
            console.result(line);
        }
        Ok(())
    })?;
    if let Some(out) = &arguments.out {
        console.result(out.display().to_string());
    }
    Ok(())
}

impl SampleArguments {
    /// Refuses flags of the other kind of generator.
    fn refuse(&self, flags: &[(&str, bool)]) -> Done {
        match flags.iter().find(|(_, is_set)| *is_set) {
            Some((name, _)) => Err(RunError::Refused(format!(
                "--{name} does not fit the generator of {}; leave it out",
                self.run.display()
            ))
            .into()),
            None => Ok(()),
        }
    }

    fn format<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        let format = self.format.as_deref().map(by_name::<T>).transpose();
        format.map_err(|error| RunError::Refused(format!("--format: {error}")).into())
    }
}

fn images(arguments: &SampleArguments, console: &Console) -> Done {
    arguments.refuse(&[
        ("temperature", arguments.temperature != 1.0),
        ("length", arguments.length.is_some()),
        ("prompt", arguments.prompt.is_some()),
    ])?;
    let sample = Sample {
        count: arguments.count,
        grid: arguments.grid,
        interpolate: arguments.interpolate,
        format: arguments.format::<Format>()?,
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
    let drawn = sample.draw(&arguments.run, &KnownNetworks, &mut |done, all| {
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
