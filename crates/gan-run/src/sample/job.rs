//! The kinds of results, and how each is drawn.

use super::Place;
use super::names::strip_and_animation;
use crate::RunError;
use crate::picture::GridShape;
use gan_core::Generator;
use gan_data::Toy;
use gan_sample::{
    ImageGrid, PixelRange, Raster, SampleError, Sampler, Scatter, spherical_path, write_gif,
    write_npy, write_png, write_png_sequence,
};
use std::time::Duration;

/// Grids and strips are held in memory; more images than this go into separate files.
pub const MAX_CELLS: usize = 10_000;

/// Points in a picture of a toy data set.
const TOY_POINTS: u64 = 2000;

/// Duration of an animation's frame, so that 30 frames take two seconds.
const FRAME_DELAY: Duration = Duration::from_millis(66);

/// What to draw, from a checked request.
pub(super) enum Job {
    Grid { shape: GridShape, count: u64 },
    Files { count: u64 },
    Npy { count: u64 },
    Interpolation { frames: usize },
}

impl Job {
    /// Refuses a count of 0, and more images than fit.
    pub(super) fn check_size(&self) -> Result<(), RunError> {
        match *self {
            Self::Grid { shape, count } if count > shape.cells() => {
                Err(RunError::Refused(format!(
                    "`sample.count` is {count}, but `sample.grid` {}x{} has {} cells; leave `sample.grid` out for single files",
                    shape.rows,
                    shape.columns,
                    shape.cells(),
                )))
            }
            Self::Grid { count: 0, .. } | Self::Files { count: 0 } | Self::Npy { count: 0 } => Err(
                RunError::Refused("`sample.count` is 0, expected at least 1".to_string()),
            ),
            Self::Interpolation { frames } if !(2..=MAX_CELLS).contains(&frames) => {
                Err(RunError::Refused(format!(
                    "`sample.interpolate` is {frames}, expected 2 to {MAX_CELLS} frames"
                )))
            }
            _ => Ok(()),
        }
    }

    /// A point in the plane has no picture of its own.
    pub(super) fn check_points(&self, generator: &dyn Generator) -> Result<(), RunError> {
        if generator.image_shape() != Toy::SHAPE {
            return Ok(());
        }
        let option = match self {
            Self::Files { .. } => "sample.count",
            Self::Interpolation { .. } => "sample.interpolate",
            _ => return Ok(()),
        };
        Err(RunError::Refused(format!(
            "`{option}`: the generator draws points, not images; leave it out for one picture of \
             {TOY_POINTS} points, or give `sample.count` and `sample.format = npy` for numbers"
        )))
    }

    pub(super) fn draw(
        &self,
        sampler: &Sampler<'_>,
        generator: &dyn Generator,
        range: PixelRange,
        place: &Place,
        drawn: &mut dyn FnMut(u64, u64),
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
                let blocks = watched(sampler, count, drawn);
                write_png_sequence(out, place.replace, blocks).map(drop)
            }
            Self::Npy { count } => {
                let blocks = watched(sampler, count, drawn);
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

/// The blocks of a sample, each reported when it is drawn.
fn watched<'a>(
    sampler: &'a Sampler<'_>,
    count: u64,
    drawn: &'a mut dyn FnMut(u64, u64),
) -> impl Iterator<Item = Result<candle_core::Tensor, SampleError>> + 'a {
    let mut done = 0;
    drawn(done, count);
    sampler.blocks(count).inspect(move |block| {
        done += block.as_ref().map_or(0, |images| images.dims()[0]) as u64;
        drawn(done, count);
    })
}
