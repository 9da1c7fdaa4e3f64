//! What a Parzen window's log-likelihood is worth: that of real digits, by how many there are, and of the same digits
//! when they are blurred or drawn toward the mean image. `docs/paper2014.md` has the table.
//!
//! ```text
//! cargo run -p gan-metrics --example parzen
//! ```

#![allow(clippy::print_stdout, reason = "a program for people")]

use gan_core::{Seed, byte_to_value};
use gan_data::{Channels, Parts, ReadOptions, open};
use gan_metrics::{
    Draw, Embedding, Evaluation, FeatureNetwork, ImageRounding, ImageSet, Metric, ParzenReference,
    RealImages, Reference, ScoreKind,
};
use std::error::Error;
use std::path::Path;

/// As in the recipe `paper-2014`.
const VALIDATION_SHARE: f64 = 0.16667;

/// How far pixels are moved toward the mean image.
const TOWARD_MEAN: f64 = 0.15;

/// The seed of every score.
const SEED: Seed = Seed(0);

fn main() -> Result<(), Box<dyn Error>> {
    let options = ReadOptions::new(Channels::Auto, None, Some(VALIDATION_SHARE))?;
    let splits = open(Path::new("data/mnist"), &options, Parts::All)?;
    let (Some(test), Some(validation)) = (&splits.held_out, &splits.validation) else {
        return Err("data/mnist has a test split".into());
    };
    let test = ImageSet::new("test images", test.images().clone())?;
    let validation = ImageSet::new("validation images", validation.images.images().clone())?;
    let network = FeatureNetwork::load(Path::new("data/mnist.classifier.safetensors"))?;
    let parzen = ParzenReference {
        width_images: validation.draw(Draw::ParzenWidth, 1000, SEED)?,
        held_out: test.clone(),
    };
    let real = Embedding::new(&network, test)?;
    let reference = Reference::new(real, RealImages::HeldOut, None, None).with_parzen(Some(parzen));

    let training = ImageSet::new("training images", splits.training.images().clone())?;
    let drawn = |count| training.draw(Draw::Control, count, SEED);
    let mean = splits.training.mean_image();
    let rows = [
        ("1,000 real images", drawn(1000)?),
        ("2,000", drawn(2000)?),
        ("5,000", drawn(5000)?),
        ("10,000", drawn(10_000)?),
        ("10,000, blurred", drawn(10_000)?.blurred("blurred images")?),
        ("10,000, toward the mean", toward(&drawn(10_000)?, &mean)?),
    ];
    println!("| samples | nats | FID | gradient energy |\n|---|---|---|---|");
    let metrics = [Metric::Parzen, Metric::Fid, Metric::Sharpness];
    for (name, images) in rows {
        let scores = Evaluation::new(
            &reference,
            &Embedding::new(&network, images)?,
            &metrics,
            SEED,
        );
        let shown = |kind| {
            let score = scores.scores.iter().find(|score| score.kind == kind);
            score.map_or(String::new(), |score| {
                let error = score.uncertainty.unwrap_or_default();
                format!("{:.2} ± {error:.2}", score.value)
            })
        };
        println!(
            "| {name} | {} | {} | {} |",
            shown(ScoreKind::ParzenLogLikelihood),
            shown(ScoreKind::FrechetDistance),
            shown(ScoreKind::GradientEnergyRatio)
        );
    }
    Ok(())
}

/// Each pixel moved toward that of the mean image, which has values in [0, 1].
fn toward(images: &ImageSet, mean: &[f64]) -> Result<ImageSet, Box<dyn Error>> {
    let mut moved = ImageRounding::new("images toward the mean", images.shape(), images.count());
    for image in images.images() {
        let pixels = image.iter().zip(mean).map(|(byte, mean)| {
            let mean = (2.0 * mean - 1.0) as f32;
            byte_to_value(*byte) + TOWARD_MEAN as f32 * (mean - byte_to_value(*byte))
        });
        moved.push(&pixels.collect::<Vec<_>>())?;
    }
    Ok(moved.finish()?)
}
