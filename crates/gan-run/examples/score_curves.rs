//! How a score changed while runs were trained, as an SVG: a line for each run, from its `scores.jsonl`.
//!
//! ```text
//! cargo run -p gan-run --example score_curves -- parzen-log-likelihood RUN "the paper=225" > curve.svg
//! ```

#![allow(clippy::print_stdout, reason = "a program for people")]

use gan_eval::{Axis, AxisKind, Plot, PlotPoint, ReferenceLine, Scale, Series};
use gan_metrics::ScoreKind;
use gan_run::ScoresLine;
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("which score?")?;
    // An unknown name is refused with all that there are.
    let score: ScoreKind = serde_json::from_value(name.into())?;
    let axis = |title: &str| Axis::new(title, Scale::Linear);
    let label = score.label();
    let title = format!("{label} while training");
    let mut plot = Plot::new(title, axis("epochs"), axis(label));
    for argument in arguments {
        match argument.split_once('=') {
            Some((label, value)) => plot.references.push(ReferenceLine {
                on: AxisKind::Y,
                value: value.parse()?,
                label: label.to_string(),
            }),
            None => plot.series.push(series(Path::new(&argument), score)?),
        }
    }
    println!("{}", plot.svg());
    Ok(())
}

/// The scores of a run after each epoch that has one.
fn series(run: &Path, score: ScoreKind) -> Result<Series, Box<dyn Error>> {
    let path = run.join("scores.jsonl");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut points = Vec::new();
    for line in text.lines() {
        let line: ScoresLine = serde_json::from_str(line)?;
        let value = line.scores.get(score.name()).copied().flatten();
        let value = value.ok_or_else(|| format!("{}: no {}", path.display(), score.name()))?;
        points.push(PlotPoint::new((line.epoch + 1) as f64, value));
    }
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    Ok(Series::line(name, points))
}
