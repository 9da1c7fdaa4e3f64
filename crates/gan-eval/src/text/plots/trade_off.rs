//! Quality against diversity: a generator that is merely sharper moves along its own curve over temperature, and one
//! that is better leaves it.

use super::super::{
    CurveGenerator, TemperatureCurve, TextControl, TextControlKind, TextEvaluationFile, TextScore,
    TextScoreKind,
};
use super::distinct;
use crate::plot::{Axis, AxisKind, Plot, PlotPoint, ReferenceLine, Scale, Series};
use crate::table::figure;

/// A measure of diversity and one of quality, with what to look for in the picture of both.
struct TradeOff {
    x: TextScoreKind,
    y: TextScoreKind,
    scale: Scale,
    title: &'static str,
    x_title: &'static str,
    y_title: &'static str,
}

/// The most telling first. Of several with the same number one is shown.
const TRADE_OFFS: [(u8, TradeOff); 4] = [
    (
        0,
        TradeOff {
            x: TextScoreKind::NllDiv,
            y: TextScoreKind::NllOracle,
            scale: Scale::Linear,
            title: "How likely texts are to the oracle, against how much they vary",
            x_title: "NLL_div, nats a token: varied texts are to the right",
            y_title: "NLL_oracle, nats a token: likely texts are below",
        },
    ),
    (
        1,
        TradeOff {
            x: TextScoreKind::NllDiv,
            y: TextScoreKind::EncoderFrechet,
            scale: Scale::Log,
            title: "How far texts are from real ones, against how much they vary",
            x_title: "NLL_div, nats a token: varied texts are to the right",
            y_title: "Fréchet distance (encoder): texts like real ones are below",
        },
    ),
    (
        1,
        TradeOff {
            x: TextScoreKind::NllDiv,
            y: TextScoreKind::HashedFrechet,
            scale: Scale::Log,
            title: "How far texts are from real ones, against how much they vary",
            x_title: "NLL_div, nats a token: varied texts are to the right",
            y_title: "Fréchet distance (n-grams): texts like real ones are below",
        },
    ),
    (
        2,
        TradeOff {
            x: TextScoreKind::SelfBleu5,
            y: TextScoreKind::Bleu5,
            scale: Scale::Linear,
            title: "n-grams shared with real text, against n-grams shared with one another",
            x_title: "self-BLEU-5: varied texts are to the left",
            y_title: "BLEU-5: texts with real text's n-grams are above",
        },
    ),
];

/// Pictures of quality against diversity, of evaluations under short names, the most telling first: each subject over
/// its temperatures, the generators that adversarial steps began with, and the first evaluation's controls. Points are
/// labelled with the inverse temperature α.
pub fn trade_off_plots(files: &[(&str, &TextEvaluationFile)]) -> Vec<Plot> {
    let mut shown = Vec::new();
    let mut plots = Vec::new();
    for (number, trade_off) in TRADE_OFFS {
        let subjects = trade_off.subjects(files);
        if shown.contains(&number) || subjects.is_empty() {
            continue;
        }
        shown.push(number);
        plots.push(trade_off.plot(files, subjects));
    }
    plots
}

impl TradeOff {
    fn plot(&self, files: &[(&str, &TextEvaluationFile)], subjects: Vec<Series>) -> Plot {
        let pretrained = distinct(files, "pretrained generator", |file| {
            file.curve(CurveGenerator::Pretrained)
        });
        let pretrained = pretrained.into_iter();
        let mut series = subjects;
        series.extend(pretrained.map(|(name, curve)| Series::line(name, self.curve(curve))));
        let controls: &[TextControl] = files.first().map_or(&[], |(_, file)| &file.controls);
        let on_curves = files
            .iter()
            .any(|(_, file)| file.curve(CurveGenerator::Pretrained).is_some());
        let controls = controls
            .iter()
            .filter(|control| !(on_curves && is_of_pretrained(control.kind)));
        let points = controls.clone().filter_map(|control| self.control(control));
        series.push(Series::controls("controls", points.collect()));
        let references = controls.filter_map(|control| self.reference(control));
        Plot {
            series,
            references: self
                .compared_at(files)
                .into_iter()
                .chain(references)
                .collect(),
            ..Plot::new(
                self.title,
                Axis::new(self.x_title, Scale::Linear),
                Axis::new(self.y_title, self.scale),
            )
        }
    }

    /// Where a single subject's curve and that of its pretrained generator are to be compared.
    fn compared_at(&self, files: &[(&str, &TextEvaluationFile)]) -> Option<ReferenceLine> {
        let [(name, file)] = files else {
            return None;
        };
        file.curve(CurveGenerator::Pretrained)?;
        Some(ReferenceLine {
            on: AxisKind::X,
            value: file.score(self.x)?.value,
            label: format!("as varied as {name} at α 1"),
        })
    }

    /// Each subject that has both scores: its curve, and the scores of all its texts.
    fn subjects(&self, files: &[(&str, &TextEvaluationFile)]) -> Vec<Series> {
        let subject = |(name, file): &(&str, &TextEvaluationFile)| {
            let all = self.point(file.score(self.x), file.score(self.y), String::new());
            let curve = file.curve(CurveGenerator::Subject);
            let curve = curve.map_or(Vec::new(), |curve| self.curve(curve));
            let points = if curve.is_empty() {
                all.into_iter().collect()
            } else {
                curve
            };
            Series::line(*name, points)
        };
        let subjects = files.iter().map(subject);
        subjects
            .filter(|series| !series.points.is_empty())
            .collect()
    }

    fn curve(&self, curve: &TemperatureCurve) -> Vec<PlotPoint> {
        let points = curve.points.iter().filter_map(|point| {
            self.point(
                point.score(self.x),
                point.score(self.y),
                format!("α {}", point.alpha),
            )
        });
        points.collect()
    }

    fn point(
        &self,
        x: Option<TextScore>,
        y: Option<TextScore>,
        label: String,
    ) -> Option<PlotPoint> {
        let (x, y) = (x?, y?);
        Some(PlotPoint {
            x_error: x.uncertainty,
            y_error: y.uncertainty,
            label,
            ..PlotPoint::new(x.value, y.value)
        })
    }

    fn control(&self, control: &TextControl) -> Option<PlotPoint> {
        self.point(
            self.diversity(control),
            control.score(self.y),
            label(control),
        )
    }

    /// A control's diversity. Held-out text's NLL_div is its NLL_oracle, for the oracle drew it.
    fn diversity(&self, control: &TextControl) -> Option<TextScore> {
        let drawn_by_oracle =
            control.kind == TextControlKind::HeldOutText && self.y == TextScoreKind::NllOracle;
        control.score(if drawn_by_oracle { self.y } else { self.x })
    }

    /// A control that only has a quality: no model says how much it varies.
    fn reference(&self, control: &TextControl) -> Option<ReferenceLine> {
        let quality = control.score(self.y)?;
        let nowhere = self.diversity(control).is_none();
        nowhere.then(|| ReferenceLine {
            on: AxisKind::Y,
            value: quality.value,
            label: format!("{} {}", label(control), figure(quality.value)),
        })
    }
}

fn label(control: &TextControl) -> String {
    match control.alpha {
        Some(alpha) if alpha != 1.0 => format!("{}, α {alpha:.2}", control.kind.label()),
        _ => control.kind.label().to_owned(),
    }
}

/// Whether a control is a point of the pretrained generator's curve.
fn is_of_pretrained(kind: TextControlKind) -> bool {
    matches!(
        kind,
        TextControlKind::Pretrained | TextControlKind::PretrainedMatched
    )
}
