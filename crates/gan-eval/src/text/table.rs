//! Scores of text as lines.

use super::{TextControl, TextControlKind, TextEvaluationFile, TextScore, TextScoreKind};
use crate::table::{aligned, better_word, figure, number, number_with_error};

/// A table with a heading: the scores, the controls beside them, and which direction is better.
pub fn text_score_table(file: &TextEvaluationFile) -> Vec<String> {
    let mut header = vec!["score".to_string(), "value".to_string()];
    header.extend(
        file.controls
            .iter()
            .map(|control| label(control, file.count)),
    );
    header.push("better".to_string());
    let mut rows = vec![header];
    for kind in TextScoreKind::ALL {
        let Some(score) = file.score(*kind) else {
            continue;
        };
        let mut row = vec![kind.label().to_string(), with_uncertainty(score)];
        for control in &file.controls {
            row.push(control.score(*kind).map_or(String::new(), value));
        }
        row.push(better_word(kind.better()));
        rows.push(row);
    }
    aligned(&rows)
}

/// Several evaluations side by side, under short names, with held-out text's scores.
pub fn text_comparison_table(files: &[(String, TextEvaluationFile)]) -> Vec<String> {
    let held_out = TextControlKind::HeldOutText;
    let real = files.first().and_then(|(_, file)| file.control(held_out));
    let mut header = vec!["score".to_string()];
    header.extend(files.iter().map(|(name, _)| name.clone()));
    header.extend(real.map(|_| held_out.label().to_string()));
    header.push("better".to_string());
    let mut rows = vec![header];
    for kind in TextScoreKind::ALL {
        let scores: Vec<_> = files.iter().map(|(_, file)| file.score(*kind)).collect();
        if scores.iter().all(Option::is_none) {
            continue;
        }
        let mut row = vec![kind.label().to_string()];
        row.extend(
            scores
                .into_iter()
                .map(|score| score.map_or("-".to_string(), with_uncertainty)),
        );
        row.extend(real.map(|real| real.score(*kind).map_or(String::new(), value)));
        row.push(better_word(kind.better()));
        rows.push(row);
    }
    aligned(&rows)
}

/// A control's name when `scored` texts are scored.
fn label(control: &TextControl, scored: usize) -> String {
    let label = match control.alpha {
        Some(alpha) => format!("{}, α = {}", control.kind.label(), figure(alpha)),
        None => control.kind.label().to_string(),
    };
    match control.count < scored {
        true => format!("{label} ({})", control.count),
        false => label,
    }
}

/// The value alone; counts unrounded.
pub(super) fn value(score: TextScore) -> String {
    number(score.value, score.uncertainty)
}

pub(super) fn with_uncertainty(score: TextScore) -> String {
    number_with_error(score.value, score.uncertainty)
}
