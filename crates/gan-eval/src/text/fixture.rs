//! An evaluation of a generator of an oracle's sequences, with figures of the usual size, for tests.

use super::{
    BinFigures, CurveGenerator, EncoderFacts, Figure, NearestText, PositionFigure, PositionTexts,
    TemperatureCurve, TemperaturePoint, TextByLength, TextByPosition, TextControl, TextControlKind,
    TextDataFacts, TextEvaluationFile, TextExamples, TextLengthBin, TextPartFacts, TextScore,
    TextScoreKind, TextSubjectFacts, TextVerdict,
};
use std::path::PathBuf;

/// A score with an error of a hundredth of it.
fn score(kind: TextScoreKind, value: f64) -> TextScore {
    TextScore {
        kind,
        value,
        uncertainty: Some(0.01 * value),
    }
}

/// NLL_div, NLL_oracle, Fréchet distance, BLEU-5 and self-BLEU-5; a NaN is a score that there is not.
fn scores(values: [f64; 5]) -> Vec<TextScore> {
    let kinds = [
        TextScoreKind::Bleu5,
        TextScoreKind::SelfBleu5,
        TextScoreKind::NllDiv,
        TextScoreKind::NllOracle,
        TextScoreKind::EncoderFrechet,
    ];
    let [nll_div, nll_oracle, frechet, bleu, self_bleu] = values;
    let values = [bleu, self_bleu, nll_div, nll_oracle, frechet];
    let scores = kinds.into_iter().zip(values);
    scores
        .filter(|(_, value)| value.is_finite())
        .map(|(kind, value)| score(kind, value))
        .collect()
}

/// Sharper texts are likelier, less varied and, beyond α = 1.25, farther from real ones.
fn curve(generator: CurveGenerator, gain: f64) -> TemperatureCurve {
    let alphas = [0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0];
    let points = alphas.map(|alpha: f64| TemperaturePoint {
        alpha,
        scores: scores([
            9.5 - 2.1 * alpha - 0.05 * gain,
            6.0 + 3.1 / alpha - gain,
            0.4 + 2.0 * (alpha - 1.25).powi(2) - 0.1 * gain,
            0.12 + 0.09 * alpha,
            0.25 + 0.2 * alpha - 0.04 * gain,
        ]),
    });
    TemperatureCurve {
        generator,
        points: points.to_vec(),
    }
}

fn controls() -> Vec<TextControl> {
    const NONE: f64 = f64::NAN;
    let controls = [
        (
            TextControlKind::TrainingText,
            [NONE, 5.75, 0.02, 0.31, 0.36],
        ),
        (TextControlKind::HeldOutText, [NONE, 5.75, 0.03, 0.31, 0.35]),
        (TextControlKind::FiveGram, [NONE, 8.9, 1.4, 0.25, 0.41]),
        (TextControlKind::ShuffledText, [NONE, 10.4, 9.0, 0.09, 0.16]),
        (
            TextControlKind::UnigramTokens,
            [NONE, 10.29, 9.4, 0.07, 0.13],
        ),
        (
            TextControlKind::UniformTokens,
            [NONE, 11.45, 20.0, 0.02, 0.02],
        ),
        (TextControlKind::RepeatedText, [NONE, 5.4, 45.0, 0.35, 1.0]),
        (TextControlKind::Pretrained, [7.4, 9.1, 0.53, 0.21, 0.45]),
        (
            TextControlKind::PretrainedMatched,
            [7.3, 8.95, 0.5, 0.22, 0.46],
        ),
    ];
    let control = |(kind, values)| TextControl {
        kind,
        alpha: match kind {
            TextControlKind::Pretrained => Some(1.0),
            TextControlKind::PretrainedMatched => Some(1.05),
            _ => None,
        },
        count: 10_000,
        scores: scores(values),
        note: (kind == TextControlKind::RepeatedText).then(|| "It is a training text.".to_string()),
    };
    controls.map(control).to_vec()
}

/// Means that a step of length or position multiplies by `ratio`.
fn figures(positions: &[usize], first: f64, ratio: f64) -> Vec<PositionFigure> {
    let figure = |(place, position): (usize, &usize)| PositionFigure {
        position: *position,
        texts: 2000,
        mean: Figure {
            value: first * ratio.powi(place as i32),
            standard_error: 0.01,
        },
    };
    positions.iter().enumerate().map(figure).collect()
}

fn by_position(of: PositionTexts, loss: f64, clean: f64) -> TextByPosition {
    TextByPosition {
        of,
        score: TextScoreKind::NllOracle,
        losses: figures(&(1..=40).collect::<Vec<_>>(), loss, 1.002),
        clean: figures(&[5, 10, 20, 40], clean.sqrt(), clean),
    }
}

fn by_length(control: Option<TextControlKind>, score: TextScoreKind, ratio: f64) -> TextByLength {
    let bin = |place: i32| {
        let figure = |value: f64| Figure {
            value,
            standard_error: 0.02 * value,
        };
        let side = |value: f64| BinFigures {
            texts: 500,
            mean: Some(figure(value)),
        };
        let value = ratio.powi(place + 1);
        TextLengthBin {
            shortest: if place == 0 {
                0
            } else {
                (5 << (place - 1)) + 1
            },
            longest: 5 << place,
            generated: side(0.3 * value),
            real: side(0.3),
            ratio: Some(figure(value)),
        }
    };
    TextByLength {
        control,
        score,
        bins: (0..4).map(bin).collect(),
    }
}

/// The evaluation; `gain` is what its adversarial steps gained, in nats of NLL_oracle.
pub(crate) fn evaluation(gain: f64) -> TextEvaluationFile {
    let part = |texts: usize| TextPartFacts {
        texts,
        tokens: 20 * texts,
        sha256: "0".repeat(64),
    };
    let subject = TextSubjectFacts {
        path: PathBuf::from("runs/seqgan"),
        kind: "run".to_string(),
        step: Some(9_000),
        pretrained_step: Some(8_000),
    };
    let data = TextDataFacts {
        path: PathBuf::from("oracle"),
        tokens: None,
        tokenizer_sha256: None,
        oracle_sha256: Some("a".repeat(64)),
        vocabulary: 5000,
        training: part(10_000),
        held_out: part(10_000),
    };
    let mut file = TextEvaluationFile::new(subject, data);
    (file.count, file.distance_count, file.curve_count) = (10_000, 1500, 2000);
    file.encoder = Some(EncoderFacts {
        sha256: "b".repeat(64),
        dimensions: 128,
        held_out_nll: Some(8.5),
    });
    file.scores = scores([7.3, 9.1 - gain, 0.5, 0.22, 0.44]);
    file.controls = controls();
    file.curves = vec![
        curve(CurveGenerator::Subject, gain),
        curve(CurveGenerator::Pretrained, 0.0),
    ];
    file.by_position = vec![
        by_position(PositionTexts::Subject, 8.6 - gain, 0.55),
        by_position(PositionTexts::FiveGram, 8.4, 0.5),
        by_position(PositionTexts::Real, 5.7, 0.99),
        by_position(PositionTexts::Pretrained, 8.6, 0.45),
    ];
    for score in [TextScoreKind::Bleu4, TextScoreKind::CleanShare] {
        file.by_length.extend([
            by_length(None, score, 0.8),
            by_length(Some(TextControlKind::FiveGram), score, 0.9),
            by_length(Some(TextControlKind::Pretrained), score, 0.7),
        ]);
    }
    file.verdict = Some(TextVerdict {
        alpha: 1.05,
        compared: Vec::new(),
        sentence: "At equal NLL_div, the adversarial steps gained 0.3 ± 0.1 over temperature."
            .to_string(),
    });
    file.examples = examples();
    file.most_frequent = "a man".to_string();
    file
}

fn examples() -> TextExamples {
    let text = |text: &str, nearest: Option<&str>, shared: &str| NearestText {
        text: text.to_string(),
        tokens: text.split_whitespace().count(),
        nearest: nearest.map(str::to_string),
        shared: shared.to_string(),
        shared_tokens: shared.split_whitespace().count(),
    };
    TextExamples {
        generated: vec![
            text(
                "a man <b>riding</b> a wave",
                Some("a man riding a wave on a board"),
                "a wave",
            ),
            text(
                "오늘은 날씨가 좋네요 .",
                Some("오늘은 날씨가 참 좋아요 ."),
                "오늘은 날씨가",
            ),
            text(
                "القط على الطاولة",
                Some("القط الصغير على الطاولة"),
                "على الطاولة",
            ),
            text("\u{0}\u{7f} \u{202e}evil", None, ""),
            text("", None, ""),
        ],
        held_out: vec![text(
            "a cat on a table",
            Some("a cat on a mat"),
            "a cat on a",
        )],
        training: vec!["a man riding a wave on a board".to_string()],
    }
}
