//! `report.html`: an evaluation with its images, in one file that needs no network.

use crate::table::{
    PAPER_LIKELIHOODS, PARZEN_WARNING, better, figure, label, parzen_width, value, with_uncertainty,
};
use crate::{DataReference, EvalError, Evaluated, EvaluationFile};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candle_core::{Device, Tensor};
use gan_core::{byte_to_value, write_atomically};
use gan_metrics::{Embedding, Evaluation, ImageSet, Metric, NearestNeighbors, TrainingReference};
use gan_sample::{ImageGrid, PixelRange, encode_png};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::io::Write;
use std::path::Path;

/// Images in a row of a grid.
const COLUMNS: usize = 15;
/// The most classes that get a row of images.
const MOST_CLASS_ROWS: usize = 100;
/// Images in a grid of samples.
const SAMPLES: usize = 150;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}\
th:first-child,td:first-child{text-align:left}img{image-rendering:pixelated;max-width:100%}\
.bar{display:inline-block;height:.8rem;background:#4878a8}.data{background:#bbb}.note{color:#555}";

impl Evaluated {
    /// Writes the report, with pictures of the images of the first seed.
    ///
    /// # Errors
    /// When it cannot be drawn or written.
    pub fn write_report(&self, path: &Path) -> Result<(), EvalError> {
        let page = page(&self.file, &self.data, &self.generated, &self.evaluation)?.into_string();
        let written = write_atomically(path, |out| out.write_all(page.as_bytes()));
        written.map_err(|source| EvalError::Write {
            path: path.to_path_buf(),
            source,
        })
    }
}

fn page(
    file: &EvaluationFile,
    data: &DataReference,
    generated: &Embedding,
    evaluation: &Evaluation,
) -> Result<Markup, EvalError> {
    let subject = file.subject.path.display().to_string();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Evaluation of " (subject) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Evaluation of " (subject) }
                (facts(file))
                (scores(file))
                @for note in &file.notes { p.note { (note) } }
                h2 { "Generated images" }
                (generated_images(file, generated)?)
                h2 { "Real images" }
                (picture(&data.reference.real.images, 0..SAMPLES)?)
                (classes(file))
                @if let Some(training) = &data.reference.training {
                    @if let Some(nearest) = &evaluation.nearest_by_pixels {
                        (neighbors("pixels", &generated.images, training, nearest)?)
                    }
                    @if let Some(nearest) = &evaluation.nearest_by_features {
                        (neighbors("features", &generated.images, training, nearest)?)
                    }
                }
                (parzen(file))
                (reading())
            }
        }
    })
}

/// The first images; for a class-conditional generator, a row with the first of each class.
fn generated_images(file: &EvaluationFile, generated: &Embedding) -> Result<Markup, EvalError> {
    let images = &generated.images;
    let first = SAMPLES.min(images.count());
    let (Some(labels), Some(classes)) = (images.labels(), &file.conditions) else {
        return Ok(html! {
            p { "The first " (first) ", not selected." }
            (picture(images, 0..SAMPLES)?)
        });
    };
    let row = |class: usize| {
        let of_class = (0..images.count()).filter(move |k| labels[*k] as usize == class);
        picture(images, of_class.take(COLUMNS))
    };
    let rows = classes.iter().enumerate().take(MOST_CLASS_ROWS);
    let rows = rows.filter(|(_, (_, share))| *share > 0.0);
    let rows = rows.map(|(class, (name, share))| Ok((name, share, row(class)?)));
    let rows = rows.collect::<Result<Vec<_>, EvalError>>()?;
    Ok(html! {
        p { "The first of each class, not selected, with the class's share of the data." }
        table {
            @for (name, share, picture) in rows {
                tr { td { (name) } td { (format!("{:.1} %", 100.0 * share)) } td { (picture) } }
            }
        }
    })
}

fn facts(file: &EvaluationFile) -> Markup {
    let (features, data) = (&file.features, &file.data);
    html! {
        p {
            (file.count) " images"
            @if let Some(step) = file.subject.step { " of a generator after " (step) " steps" }
            @if !file.seeds.is_empty() {
                ", seed " (file.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
            }
            ", against " (data.real_images) " " (data.against.to_string()) " of "
            (data.path.display().to_string()) ", which has " (data.training_images)
            " training images and " (data.held_out_images) " held-out ones. Features: "
            (features.in_words()) ", SHA-256 " code { (features.sha256) } ". Protocol "
            (file.protocol) "."
        }
    }
}

fn scores(file: &EvaluationFile) -> Markup {
    html! {
        table {
            tr {
                th { "score" } th { "value" }
                @for control in &file.controls {
                    th { (control.label(file.count)) }
                }
                th { "better" } th { "± is" }
            }
            @for score in &file.scores {
                tr {
                    td { (label(file, score.kind)) }
                    td { b { (with_uncertainty(*score)) } }
                    @for control in &file.controls {
                        td { @if let Some(score) = control.score(score.kind) { (value(score)) } }
                    }
                    td { (better(score.kind)) }
                    td.note {
                        @if file.seeds.len() > 1 { "deviation over the seeds" }
                        @else if score.uncertainty.is_some() { (score.kind.uncertainty()) }
                    }
                }
            }
        }
        p.note {
            "Controls show what a score means. Real images in place of generated ones give about the \
             best possible distances, and training images show what copying looks like to the \
             memorization scores; noise and one repeated image show what bad scores look like."
        }
    }
}

fn classes(file: &EvaluationFile) -> Markup {
    let Some(classes) = &file.classes else {
        return html! {};
    };
    let largest = classes
        .generated
        .iter()
        .chain(&classes.data)
        .copied()
        .fold(0.0, f64::max);
    let bar = |share: f64| format!("width:{:.1}rem", 24.0 * share / largest.max(1e-9));
    html! {
        h2 { "Classes" }
        p.note { "Generated images above, the data below, by the class that the classifier finds most likely." }
        table {
            @for (name, (generated, data)) in classes.names.iter().zip(classes.generated.iter().zip(&classes.data)) {
                tr {
                    td { (name) }
                    td style="text-align:left" {
                        span.bar style=(bar(*generated)) {} " " (format!("{:.1} %", 100.0 * generated))
                        br;
                        span.bar.data style=(bar(*data)) {} " " (format!("{:.1} %", 100.0 * data))
                    }
                }
            }
        }
    }
}

/// Pairs of a generated image and its nearest training image: the first images, and the closest.
fn neighbors(
    space: &str,
    generated: &ImageSet,
    training: &TrainingReference,
    nearest: &NearestNeighbors,
) -> Result<Markup, EvalError> {
    let count = COLUMNS.min(generated.count());
    let mut closest: Vec<usize> = (0..generated.count()).collect();
    closest.sort_by(|a, b| nearest.distances[*a].total_cmp(&nearest.distances[*b]));
    closest.truncate(count);
    let pairs = |images: &[usize]| -> Result<Markup, EvalError> {
        let neighbors: Vec<usize> = images.iter().map(|image| nearest.rows[*image]).collect();
        Ok(html! {
            (picture(generated, images.iter().copied())?)
            br;
            (picture(&training.images, neighbors.into_iter())?)
        })
    };
    Ok(html! {
        h2 { "Nearest training images, in " (space) }
        p { "Generated images above, the nearest training image below each. The first " (count) ":" }
        (pairs(&(0..count).collect::<Vec<_>>())?)
        p { "The " (count) " closest of all:" }
        (pairs(&closest)?)
    })
}

fn parzen(file: &EvaluationFile) -> Markup {
    let score = file
        .scores
        .iter()
        .find(|score| score.kind.metric() == Metric::Parzen);
    let Some(score) = score else {
        return html! {};
    };
    html! {
        h2 { "Log-likelihood, as the 2014 paper estimated it" }
        table {
            tr { th { "model" } th { "nats" } }
            tr { td { "these images" } td { (with_uncertainty(*score)) } }
            @for (model, mean, error) in PAPER_LIKELIHOODS {
                tr { td { (model) " (Goodfellow et al., 2014)" } td { (figure(mean)) " ± " (figure(error)) } }
            }
        }
        p.note { (parzen_width(file).unwrap_or_default()) " " (PARZEN_WARNING) }
    }
}

fn reading() -> Markup {
    html! {
        h2 { "How to read this" }
        ul {
            li { "FID and KID measure how far apart the distributions are. Lower is better. They depend on both quality and variety, and cannot tell which of them is missing." }
            li { "Precision is the share of generated images that look real; recall is the share of real images that the generator covers. Good-looking pictures with a recall near 0 hide lost modes." }
            li { "A distance to training images far below 1, or far more than 1 % too close, means copying." }
            li { "Sharpness below 1 means blur, above 1 noise." }
            li { "D(training) above D(held-out) means that the discriminator has memorized its training images." }
            li { "Compare only evaluations with the same features, data and number of images; `compare` refuses the others." }
        }
    }
}

/// A grid of some images, as part of the page.
fn picture(images: &ImageSet, numbers: impl Iterator<Item = usize>) -> Result<Markup, EvalError> {
    let shape = images.shape();
    let numbers: Vec<usize> = numbers
        .take_while(|number| *number < images.count())
        .collect();
    let pixels: Vec<f32> = numbers
        .iter()
        .flat_map(|number| images.image(*number))
        .copied()
        .map(byte_to_value)
        .collect();
    let dims = (numbers.len(), shape.channels, shape.height, shape.width);
    let grid = ImageGrid {
        rows: numbers.len().div_ceil(COLUMNS),
        columns: COLUMNS,
        range: PixelRange::Fixed,
    };
    let raster = grid.render(&Tensor::from_vec(pixels, dims, &Device::Cpu)?)?;
    let (width, height) = (2 * raster.width(), 2 * raster.height());
    let source = format!(
        "data:image/png;base64,{}",
        STANDARD.encode(encode_png(&raster)?)
    );
    Ok(html! { img src=(source) width=(width) height=(height) alt="a grid of images"; })
}
