//! Scores as lines of text.

use crate::EvaluationFile;
use gan_metrics::{Better, FeatureNetworkKind, RealImages, Score, ScoreKind};

/// What the 2014 paper reports for MNIST, table 1: mean log-likelihood in nats and standard error.
pub(crate) const PAPER_LIKELIHOODS: [(&str, f64, f64); 4] = [
    ("DBN", 138.0, 2.0),
    ("stacked CAE", 121.0, 1.6),
    ("Deep GSN", 214.0, 1.1),
    ("adversarial nets", 225.0, 2.0),
];

/// How this estimate differs from the paper's; nothing if it does not.
pub(crate) fn parzen_width(file: &EvaluationFile) -> Option<&'static str> {
    (file.data.validation_images == 0).then_some(
        "The window's width is chosen on training images here, on other images in the paper.",
    )
}

/// The known weakness of the estimator, for the reader.
pub(crate) const PARZEN_WARNING: &str = "Parzen estimates have high variance, do poorly in high \
    dimensions and can rank models wrongly (Theis et al., 2016, arXiv 1511.01844).";

/// A table with a heading: the scores, the controls beside them, and which direction is better.
pub fn score_table(file: &EvaluationFile) -> Vec<String> {
    let mut header = vec!["score".to_string(), "value".to_string()];
    header.extend(
        file.controls
            .iter()
            .map(|control| control.label(file.count)),
    );
    header.push("better".to_string());
    let mut rows = vec![header];
    for score in &file.scores {
        let mut row = vec![label(file, score.kind), with_uncertainty(*score)];
        for control in &file.controls {
            row.push(control.score(score.kind).map_or(String::new(), value));
        }
        row.push(better(score.kind));
        rows.push(row);
    }
    aligned(&rows)
}

/// The name of an evaluation's score, with whatever is unusual about it.
pub(crate) fn label(file: &EvaluationFile, kind: ScoreKind) -> String {
    let mut label = kind.label().to_string();
    if kind.uses_features() && file.features.kind == FeatureNetworkKind::Random {
        label += ", random features";
    }
    if kind.metric().compares_distributions() && file.data.against == RealImages::Training {
        label += &format!(", against {}", file.data.against);
    }
    label
}

/// The paper's figures, printed under a Parzen estimate.
pub fn parzen_lines(file: &EvaluationFile) -> Vec<String> {
    let models = PAPER_LIKELIHOODS.map(|(model, mean, error)| format!("{model} {mean} ± {error}"));
    let mut lines = vec![format!("Parzen, in the 2014 paper: {}", models.join(", "))];
    lines.extend(parzen_width(file).map(str::to_string));
    lines.push(PARZEN_WARNING.to_string());
    lines
}

/// Several evaluations side by side, under short names.
pub fn comparison_table(files: &[(String, EvaluationFile)]) -> Vec<String> {
    let mut header = vec!["score".to_string()];
    header.extend(files.iter().map(|(name, _)| name.clone()));
    header.push("better".to_string());
    let mut rows = vec![header];
    let mut kinds: Vec<ScoreKind> = Vec::new();
    for score in files.iter().flat_map(|(_, file)| &file.scores) {
        if !kinds.contains(&score.kind) {
            kinds.push(score.kind);
        }
    }
    for kind in kinds {
        let mut row = vec![
            files
                .first()
                .map_or(String::new(), |(_, file)| label(file, kind)),
        ];
        let values = files.iter().map(|(_, file)| file.score(kind));
        row.extend(values.map(|score| score.map_or("-".to_string(), with_uncertainty)));
        row.push(better(kind));
        rows.push(row);
    }
    aligned(&rows)
}

/// Which direction is better, in a word.
pub(crate) fn better(kind: ScoreKind) -> String {
    better_word(kind.better())
}

/// The same of scores of text.
pub(crate) fn better_word(better: Better) -> String {
    match better {
        Better::Lower => "lower".to_string(),
        Better::Higher => "higher".to_string(),
        Better::Near(value) => format!("near {value}"),
        Better::NearData => "near the data's".to_string(),
    }
}

/// Four digits, a leading 0 included; small values to five decimal places. NaN and infinities are
/// `not a number`.
pub(crate) fn figure(value: f64) -> String {
    if !value.is_finite() {
        return "not a number".to_string();
    }
    let places = match value.abs() {
        small if small < 0.1 => 5,
        medium if medium < 1.0 => 3,
        large => 3_usize.saturating_sub(large.log10() as usize),
    };
    let text = format!("{value:.places$}");
    if is_zero(&text) {
        "0".to_string()
    } else {
        text
    }
}

fn is_zero(figure: &str) -> bool {
    !figure.chars().any(|digit| ('1'..='9').contains(&digit))
}

/// The value alone; counts, which have no uncertainty, unrounded.
pub fn value(score: Score) -> String {
    number(score.value, score.uncertainty)
}

/// The same of any score.
pub(crate) fn number(value: f64, uncertainty: Option<f64>) -> String {
    if uncertainty.is_none() && value.fract() == 0.0 {
        return value.to_string();
    }
    figure(value)
}

/// Such as `12.31 ± 0.050`; an uncertainty that would round to 0 gets two digits, since no score is
/// certain.
pub(crate) fn with_uncertainty(score: Score) -> String {
    number_with_error(score.value, score.uncertainty)
}

/// The same of any score.
pub(crate) fn number_with_error(value: f64, uncertainty: Option<f64>) -> String {
    let number = number(value, uncertainty);
    match uncertainty {
        Some(error) => format!("{number} ± {}", error_figure(error)),
        None => number,
    }
}

/// An uncertainty.
pub(crate) fn error_figure(uncertainty: f64) -> String {
    let text = figure(uncertainty);
    match is_zero(&text) {
        true => format!("{uncertainty:.1e}"),
        false => text,
    }
}

/// Columns of equal width; the first to the left, the others to the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits() {
        for (value, text) in [
            (0.012_34, "0.01234"),
            (0.123_4, "0.123"),
            (1.0, "1.000"),
            (-12.345, "-12.35"),
            (9_999.6, "10000"),
            (0.0, "0"),
            (-0.000_001, "0"),
            (f64::NAN, "not a number"),
            (f64::INFINITY, "not a number"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn no_figure_is_certain_to_zero() {
        let score = |value, uncertainty| {
            with_uncertainty(Score {
                kind: ScoreKind::KernelDistance,
                value,
                uncertainty,
            })
        };
        assert_eq!(score(0.25, Some(0.01)), "0.250 ± 0.01000");
        assert_eq!(score(0.25, Some(3e-8)), "0.250 ± 3.0e-8");
        assert_eq!(score(0.25, None), "0.250");
        assert_eq!(score(9.0, None), "9");
    }

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_string).to_vec();
        let lines = aligned(&[row(["score", "a ± b", "x"]), row(["k", "1", "10"])]);
        assert_eq!(lines, ["score  a ± b   x", "k          1  10"]);
    }
}
