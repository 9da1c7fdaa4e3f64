//! What the adversarial steps gained over temperature: both generators where they vary as much.

use super::{
    ComparedScore, Figure, TemperatureCurve, TextControl, TextEvaluationFile, TextScore,
    TextScoreKind, TextVerdict,
};
use crate::table::{error_figure, figure};
use gan_metrics::Better;

/// A difference of so many standard errors is none of chance.
const CERTAIN: f64 = 2.0;

/// The scores that decide, the first that both have first.
const DECIDING: [TextScoreKind; 5] = [
    TextScoreKind::NllOracle,
    TextScoreKind::EncoderFrechet,
    TextScoreKind::Bleu5,
    TextScoreKind::ReverseNll,
    TextScoreKind::ClassifierAccuracy,
];

/// The α at which a curve's NLL_div has this value, between two of its points; none if it has it nowhere.
pub(crate) fn alpha_at(curve: &TemperatureCurve, nll_div: f64) -> Option<f64> {
    let points = curve.points.iter().filter_map(|point| {
        let found = point.score(TextScoreKind::NllDiv)?;
        Some((point.alpha, found.value))
    });
    let points: Vec<(f64, f64)> = points.collect();
    points.windows(2).find_map(|pair| {
        let [(a, one), (b, other)] = [pair[0], pair[1]];
        let part = (nll_div - one) / (other - one);
        (0.0..=1.0).contains(&part).then_some(a + part * (b - a))
    })
}

/// Compares the scores of `file` with those of `tempered`, the pretrained generator at that α.
pub(crate) fn verdict(file: &TextEvaluationFile, tempered: &TextControl) -> Option<TextVerdict> {
    let alpha = tempered.alpha?;
    let compared: Vec<ComparedScore> = DECIDING
        .into_iter()
        .filter_map(|kind| {
            let real = file.real_score(kind);
            compare(file.score(kind)?, tempered.score(kind)?, real)
        })
        .collect();
    let diversity = file.score(TextScoreKind::NllDiv)?;
    let matched = tempered.score(TextScoreKind::NllDiv)?;
    let first = compared.first()?;
    let others = compared[1..].iter().map(in_words);
    let others: Vec<String> = others.collect();
    let mut sentence = format!(
        "At equal NLL_div ({} nats a token; {} of the pretrained generator at α = {alpha:.3}), {}: {}.",
        figure(diversity.value),
        figure(matched.value),
        in_words(first),
        in_a_word(first),
    );
    if !others.is_empty() {
        sentence += &format!(" Besides, {}.", others.join("; "));
    }
    Some(TextVerdict {
        alpha,
        compared,
        sentence,
    })
}

/// By how much the subject's score is better.
fn compare(subject: TextScore, tempered: TextScore, real: Option<f64>) -> Option<ComparedScore> {
    let badness = |score: TextScore| match score.kind.better() {
        Better::Lower => Some(score.value),
        Better::Higher => Some(-score.value),
        Better::Near(value) => Some((score.value - value).abs()),
        // An oracle's own sequences are the best that there can be, not the most likely ones.
        Better::NearData => Some((score.value - real?).abs()),
    };
    let of = |score: TextScore| Figure {
        value: score.value,
        standard_error: score.uncertainty.unwrap_or_default(),
    };
    let (own, other) = (of(subject), of(tempered));
    Some(ComparedScore {
        score: subject.kind,
        gain: Figure {
            value: badness(tempered)? - badness(subject)?,
            standard_error: own.standard_error.hypot(other.standard_error),
        },
        subject: own,
        tempered: other,
    })
}

fn in_words(compared: &ComparedScore) -> String {
    let with_error = |number: Figure| {
        format!(
            "{} ± {}",
            figure(number.value),
            error_figure(number.standard_error)
        )
    };
    format!(
        "{} is {} after the adversarial steps and {} with temperature alone",
        compared.score.label(),
        with_error(compared.subject),
        with_error(compared.tempered)
    )
}

fn in_a_word(compared: &ComparedScore) -> String {
    let Figure {
        value,
        standard_error,
    } = compared.gain;
    let size = format!("{} ± {}", figure(value.abs()), error_figure(standard_error));
    match value.abs() > CERTAIN * standard_error {
        false => format!(
            "the adversarial steps gained nothing that is certain over temperature ({size})"
        ),
        true if value > 0.0 => format!("the adversarial steps gained {size} over temperature"),
        true => format!("the adversarial steps lost {size} to temperature"),
    }
}
