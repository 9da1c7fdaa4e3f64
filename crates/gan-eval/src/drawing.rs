//! A generator's images, and those of an array, as bytes that can be scored.

use crate::{EvalError, SCORE_SEED};
use gan_core::{Generator, Mode, Seed};
use gan_data::Dataset;
use gan_metrics::{Draw, ImageRounding, ImageSet, MetricError};
use gan_models::ModelConfig;
use gan_sample::{ClassShares, Classes, NpyImages, SampleError, Sampler};
use std::path::Path;

/// How many real images show which values are usual.
const RANGE_IMAGES: usize = 1000;

/// An array in [-1, 1] as bytes. An array does not say its range: if hardly any value is below 0, though
/// many of the data are, the values are probably in [0, 1], and are refused.
pub(crate) fn round(
    path: &Path,
    images: NpyImages,
    name: &str,
    training: &Dataset,
) -> Result<ImageSet, EvalError> {
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
        return Err(EvalError::subject(
            path,
            format!(
                "{:.2} % of the values are below 0, of the data {:.0} %",
                100.0 * found,
                100.0 * expected,
            ),
            "-1 (black) to 1 (white). Convert values in [0, 1] by 2 x - 1, or give a folder of PNG files",
        ));
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
pub fn classes_like(generator: &dyn Generator, training: &Dataset) -> Classes {
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
fn as_of_set(error: SampleError, name: &str) -> EvalError {
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

/// Images 0 to `count` - 1 of a generator under `seed`, in evaluation mode, with their classes. `name` is
/// that of the images in messages.
///
/// # Errors
/// [`MetricError::NotFinite`] when a value is not finite; when the generator cannot draw.
pub fn draw(
    generator: &dyn Generator,
    model: &ModelConfig,
    classes: &Classes,
    count: usize,
    seed: Seed,
    name: &str,
) -> Result<ImageSet, EvalError> {
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
