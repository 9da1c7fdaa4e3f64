//! The log of a run of images as a table of 80 columns.

use crate::{MetricsLine, ScoresLine, TimingLine};
use gan_core::{grouped, packed};
use gan_eval::value;
use gan_metrics::{FeatureNetworkKind, Score, ScoreKind};
use std::time::Duration;

/// What the line of an evaluation shows.
const SHOWN: [(ScoreKind, &str); 8] = [
    (ScoreKind::FrechetDistance, "FID"),
    (ScoreKind::KernelDistance, "KID"),
    (ScoreKind::Precision, "precision"),
    (ScoreKind::Recall, "recall"),
    (ScoreKind::Coverage, "coverage"),
    (ScoreKind::ClassesCovered, "classes"),
    (ScoreKind::StackedModes, "modes"),
    (ScoreKind::StackedKl, "KL"),
];

/// The columns of a log.
const COLUMNS: [&str; 9] = [
    "step", "epoch", "D loss", "G loss", "D(x)", "D(G(z))", "V", "images/s", "time",
];

/// The names of the columns.
pub fn log_heading() -> String {
    row(&COLUMNS.map(str::to_string))
}

/// A line of the log under these columns.
pub fn log_row(line: &MetricsLine, timing: &TimingLine) -> String {
    let figure = |name: &str| line.figures.get(name).unwrap_or(f64::NAN);
    let rate = timing.rates.iter().next().map_or(0.0, |(_, rate)| rate);
    row(&[
        grouped(line.step),
        (line.epoch + 1).to_string(),
        fitted(figure("discriminator_loss"), 7, 4),
        fitted(figure("generator_loss"), 7, 4),
        fitted(figure("d_real"), 5, 3),
        fitted(figure("d_fake"), 7, 3),
        fitted(figure("value"), 7, 4),
        grouped(rate as u64),
        clock(Duration::try_from_secs_f64(timing.elapsed_seconds).unwrap_or_default()),
    ])
}

/// The scores under these columns, on as many lines as needed.
pub fn scores_row(line: &ScoresLine) -> String {
    let random = serde_json::to_value(FeatureNetworkKind::Random).ok();
    let is_random = random.is_some_and(|name| name.as_str() == line.features.as_deref());
    let heading = match is_random {
        true => "scores in random features:",
        false => "scores:",
    };
    let mut parts = vec![format!("{:>9}", grouped(line.step)), heading.to_string()];
    parts.extend(SHOWN.iter().filter_map(|(kind, name)| {
        let score = Score {
            kind: *kind,
            value: (*line.scores.get(kind.name())?)?,
            uncertainty: None,
        };
        Some(format!("{name} {}", value(score)))
    }));
    if line.best {
        parts.push("the best so far".to_string());
    }
    packed(parts.iter().map(String::as_str), "  ", 11)
}

/// Cells in columns; 79 characters in all, unless a cell is too long.
fn row(cells: &[String; 9]) -> String {
    let widths = [9, 5, 7, 7, 5, 7, 7, 8, 8];
    let cells = cells.iter().zip(widths);
    let cells: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:>width$}"))
        .collect();
    cells.join("  ")
}

/// With `places` decimal places, or as many as fit in `width` characters.
pub(crate) fn fitted(value: f64, width: usize, places: usize) -> String {
    let texts = (0..=places).rev().map(|places| format!("{value:.places$}"));
    let mut fitting = texts.filter(|text| text.len() <= width);
    fitting.next().unwrap_or_else(|| format!("{value:.0e}"))
}

/// Hours, minutes and seconds, such as `0:06:10`.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_any_size_fit_their_columns() {
        for (value, text) in [
            (0.712_345, "0.7123"),
            (-1.386_29, "-1.3863"),
            (123.456_78, "123.457"),
            (-123_456.7, "-123457"),
            (-1_234_567.0, "-1e6"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(fitted(value, 7, 4), text);
        }
        assert_eq!(row(&COLUMNS.map(str::to_string)).len(), 79);
    }
}
