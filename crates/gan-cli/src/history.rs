//! Reads the files that a run writes line by line.

use crate::exit::WrongUse;
use crate::json_lines::{complete_lines, warn_of_damaged};
use anyhow::{Context, Result};
use gan_train::doctor::{ClassBalance, GeneratedImages, HistoryRecord};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;

/// A line of `metrics.jsonl`. JSON has no NaN: numbers that are not finite are null.
#[derive(Deserialize)]
struct MetricsLine {
    step: u64,
    discriminator_loss: Option<f64>,
    generator_loss: Option<f64>,
    d_real: Option<f64>,
    d_fake: Option<f64>,
    fake_deviation: Option<f64>,
    fake_saturated_share: Option<f64>,
    data_saturated_share: Option<f64>,
}

/// A line of `scores.jsonl`.
#[derive(Deserialize)]
struct ScoresLine {
    step: u64,
    class_shares: Option<Vec<f64>>,
    data_class_shares: Option<Vec<f64>>,
}

/// The logged steps of a run.
pub(crate) fn read_history(path: &Path) -> Result<Vec<HistoryRecord>> {
    Ok(read_lines(path)?.iter().map(record).collect())
}

fn record(line: &MetricsLine) -> HistoryRecord {
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let measured = line.fake_deviation.zip(line.fake_saturated_share);
    HistoryRecord {
        step: line.step,
        discriminator_loss: number(line.discriminator_loss),
        generator_loss: number(line.generator_loss),
        d_real: number(line.d_real),
        d_fake: number(line.d_fake),
        generated: measured.zip(line.data_saturated_share).map(
            |((deviation, saturated_share), data_saturated_share)| GeneratedImages {
                deviation,
                saturated_share,
                data_saturated_share,
            },
        ),
    }
}

/// The seconds that a run has taken, according to `timing.jsonl`; 0 if that cannot be read.
pub(crate) fn read_elapsed(path: &Path) -> f64 {
    #[derive(Deserialize)]
    struct TimingLine {
        elapsed_seconds: f64,
    }
    let lines: Vec<TimingLine> = read_lines(path).unwrap_or_else(|error| {
        tracing::warn!("{error:#}; the time starts at 0");
        Vec::new()
    });
    let last = lines.last().map_or(0.0, |line| line.elapsed_seconds);
    // Somebody may have changed the file; a wrong time is not a reason to refuse a run.
    if (0.0..1e12).contains(&last) {
        last
    } else {
        0.0
    }
}

/// The lowest value that a run had of the score with this name.
pub(crate) fn read_lowest_score(path: &Path, name: &str) -> Result<f64> {
    #[derive(Deserialize)]
    struct ScoresLine {
        scores: BTreeMap<String, Option<f64>>,
    }
    let lines: Vec<ScoresLine> = read_lines(path)?;
    let scores = lines.iter().filter_map(|line| *line.scores.get(name)?);
    Ok(scores.fold(f64::INFINITY, f64::min))
}

/// The class shares of the last line that has any.
pub(crate) fn read_class_shares(path: &Path) -> Result<Option<ClassBalance>> {
    let lines: Vec<ScoresLine> = read_lines(path)?;
    let shares = lines.into_iter().rev().find_map(|line| {
        let (generated, data) = line.class_shares.zip(line.data_class_shares)?;
        let step = line.step;
        Some(ClassBalance {
            step,
            generated,
            data,
        })
    });
    Ok(shares)
}

/// One value per line. A last line without its end was cut short by a stop, and is skipped; so is a
/// damaged one, with a warning.
fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = gan_core::read_regular(path).with_context(|| {
        WrongUse(format!(
            "{}: cannot be read; is this a run folder?",
            path.display()
        ))
    })?;
    let (mut values, mut damaged) = (Vec::new(), Vec::new());
    for (number, line) in complete_lines(&text) {
        match serde_json::from_slice(line) {
            Ok(value) => values.push(value),
            Err(_) => damaged.push(number),
        }
    }
    if let (true, Some(first)) = (values.is_empty(), damaged.first()) {
        return Err(WrongUse(format!(
            "{}: no line is a record of a step, from line {first} on; expected a JSON object per line, as \
             `train` writes them",
            path.display()
        ))
        .into());
    }
    warn_of_damaged(path, &damaged, "left out");
    Ok(values)
}
