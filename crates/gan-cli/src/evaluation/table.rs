//! Scores as lines of text.

use super::EvaluationFile;
use gan_metrics::{Better, Score, ScoreKind};

/// What the 2014 paper reports for MNIST, table 1: mean log-likelihood in nats and standard error.
pub(crate) const PAPER_LIKELIHOODS: [(&str, f64, f64); 4] = [
    ("DBN", 138.0, 2.0),
    ("stacked CAE", 121.0, 1.6),
    ("Deep GSN", 214.0, 1.1),
    ("adversarial nets", 225.0, 2.0),
];

/// The known weakness of the estimator, for whoever reads the figure.
pub(crate) const PARZEN_WARNING: &str = "Parzen estimates have high variance, do poorly in high \
    dimensions and can rank models wrongly (Theis et al., 2016, arXiv 1511.01844).";

/// A table with a heading: the scores, the controls beside them, which way is better.
pub(crate) fn score_table(file: &EvaluationFile) -> Vec<String> {
    let mut header = vec!["score".to_string(), "value".to_string()];
    header.extend(
        file.controls
            .iter()
            .map(|control| control.kind.label().to_string()),
    );
    header.push("better".to_string());
    let mut rows = vec![header];
    for score in &file.scores {
        let mut row = vec![score.kind.label().to_string(), with_uncertainty(*score)];
        for control in &file.controls {
            row.push(control.score(score.kind).map_or(String::new(), value));
        }
        row.push(better(score.kind));
        rows.push(row);
    }
    aligned(&rows)
}

/// The paper's figures, to be read under a Parzen window's.
pub(crate) fn parzen_lines() -> Vec<String> {
    let models = PAPER_LIKELIHOODS.map(|(model, mean, error)| format!("{model} {mean} ± {error}"));
    vec![
        format!("Parzen, in the 2014 paper: {}", models.join(", ")),
        PARZEN_WARNING.to_string(),
    ]
}

/// Several evaluations side by side, under short names.
pub(crate) fn comparison_table(files: &[(String, EvaluationFile)]) -> Vec<String> {
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
        let mut row = vec![kind.label().to_string()];
        let values = files.iter().map(|(_, file)| file.score(kind));
        row.extend(values.map(|score| score.map_or("-".to_string(), with_uncertainty)));
        row.push(better(kind));
        rows.push(row);
    }
    aligned(&rows)
}

/// Which way is better, in a word.
pub(crate) fn better(kind: ScoreKind) -> String {
    match kind.better() {
        Better::Lower => "lower".to_string(),
        Better::Higher => "higher".to_string(),
        Better::Near(value) => format!("near {value}"),
    }
}

/// Four digits, as many of them behind the point as there are left; small values to five places.
pub(crate) fn figure(value: f64) -> String {
    let places = match value.abs() {
        small if small < 0.1 => 5,
        medium if medium < 1.0 => 3,
        large => 3_usize.saturating_sub(large.log10() as usize),
    };
    let text = format!("{value:.places$}");
    if text.chars().any(|digit| ('1'..='9').contains(&digit)) {
        text
    } else {
        "0".to_string()
    }
}

/// The value alone; counts, which have no uncertainty, as they are.
pub(crate) fn value(score: Score) -> String {
    match score.uncertainty {
        Some(_) => figure(score.value),
        None => score.value.to_string(),
    }
}

/// As `12.31 ± 0.050`.
pub(crate) fn with_uncertainty(score: Score) -> String {
    match score.uncertainty {
        Some(uncertainty) => format!("{} ± {}", value(score), figure(uncertainty)),
        None => value(score),
    }
}

/// Columns of equal width; the first to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
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
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_string).to_vec();
        let lines = aligned(&[row(["score", "a ± b", "x"]), row(["k", "1", "10"])]);
        assert_eq!(lines, ["score  a ± b   x", "k          1  10"]);
    }
}
