//! Quality against length: whether texts get worse the longer they are.

use super::super::{
    Figure, PositionFigure, PositionTexts, TextByLength, TextByPosition, TextControlKind,
    TextEvaluationFile, TextLengthBin, TextScoreKind,
};
use super::distinct;
use crate::plot::{Axis, AxisKind, Plot, PlotPoint, ReferenceLine, Scale, Series};
use gan_metrics::Better;

/// A position that fewer texts reach says little.
const FEWEST_TEXTS: usize = 30;
/// The most positions of a line, so that markers can be told apart.
const MOST_POSITIONS: usize = 30;
/// The longest texts of the first bin; each later one's are twice as long.
const FIRST_BIN: f64 = 5.0;

/// Pictures of quality against length, of evaluations under short names, the most telling first: clean beginnings of
/// texts, losses by position, and each score by length as a multiple of real text's. Only those of which there is
/// something to see.
pub fn length_plots(files: &[(&str, &TextEvaluationFile)]) -> Vec<Plot> {
    let mut plots = vec![clean_plot(files), loss_plot(files)];
    let kinds = TextScoreKind::ALL.iter();
    plots.extend(kinds.map(|kind| ratio_plot(files, *kind)));
    let has_points = |plot: &Plot| plot.series.iter().any(|series| series.points.len() > 1);
    plots.retain(has_points);
    plots
}

/// The share of texts whose first tokens are all as likely as real text's.
fn clean_plot(files: &[(&str, &TextEvaluationFile)]) -> Plot {
    let series = by_position(files, |texts| &texts.clean);
    let mut lengths: Vec<usize> = files
        .iter()
        .flat_map(|(_, file)| &file.by_position)
        .flat_map(|texts| &texts.clean)
        .map(|figure| figure.position)
        .collect();
    lengths.sort_unstable();
    lengths.dedup();
    let names = lengths
        .into_iter()
        .map(|length| (length as f64, length.to_string()));
    let x = Axis {
        names: names.collect(),
        ..Axis::new("length, tokens", Scale::Log)
    };
    let y = Axis::new("share of the texts of at least that length", Scale::Linear);
    Plot {
        series,
        ..Plot::new("Texts that are clean up to a length", x, y)
    }
}

/// The mean loss of the tokens at each position.
fn loss_plot(files: &[(&str, &TextEvaluationFile)]) -> Plot {
    let mut scores = files
        .iter()
        .flat_map(|(_, file)| &file.by_position)
        .map(|texts| texts.score);
    let model = match scores.next() {
        Some(TextScoreKind::NllOracle) => "the oracle",
        _ => "5-grams",
    };
    let mut series = by_position(files, |texts| &texts.losses);
    for series in &mut series {
        let step = series.points.len().div_ceil(MOST_POSITIONS).max(1);
        series.points = series.points.iter().step_by(step).cloned().collect();
    }
    Plot {
        series,
        ..Plot::new(
            format!("How unlikely tokens are to {model}, by their position"),
            Axis::new("position in the text, tokens", Scale::Linear),
            Axis::new("−ln p, nats a token", Scale::Linear),
        )
    }
}

/// A line for each subject and each pretrained generator, and lines in grey for real text and 5-grams.
fn by_position<'a>(
    files: &[(&str, &'a TextEvaluationFile)],
    figures: impl Fn(&'a TextByPosition) -> &'a Vec<PositionFigure> + Copy,
) -> Vec<Series> {
    let find = |of: PositionTexts| {
        move |file: &'a TextEvaluationFile| {
            let mut texts = file.by_position.iter();
            texts.find(|texts| texts.of == of).map(figures)
        }
    };
    let line = |name: &str, figures: &[PositionFigure], muted: bool| {
        let known = figures.iter().filter(|figure| figure.texts >= FEWEST_TEXTS);
        let points = known.map(|figure| point(figure.position as f64, figure.mean));
        Series {
            muted,
            ..Series::line(name, points.collect())
        }
    };
    let mut all = Vec::new();
    for (name, file) in files {
        all.extend(find(PositionTexts::Subject)(file).map(|figures| line(name, figures, false)));
    }
    for (of, label, muted) in [
        (PositionTexts::Pretrained, "pretrained generator", false),
        (PositionTexts::Real, "real text", true),
        (PositionTexts::FiveGram, "5-grams", true),
    ] {
        let found = distinct(files, label, find(of)).into_iter();
        all.extend(found.map(|(name, figures)| line(&name, figures, muted)));
    }
    all.retain(|series| !series.points.is_empty());
    all
}

/// A score by length as a multiple of real text's.
fn ratio_plot(files: &[(&str, &TextEvaluationFile)], kind: TextScoreKind) -> Plot {
    let find = |control: Option<TextControlKind>| {
        move |file: &TextEvaluationFile| {
            let mut all = file.by_length.iter();
            all.position(|one| one.score == kind && one.control == control)
        }
    };
    let mut series = Vec::new();
    for (name, file) in files {
        let found = find(None)(file).map(|place| ratios(name, &file.by_length[place], false));
        series.extend(found);
    }
    for (control, muted) in [
        (TextControlKind::Pretrained, false),
        (TextControlKind::PretrainedMatched, false),
        (TextControlKind::FiveGram, true),
    ] {
        let found = distinct(files, control.label(), |file| {
            find(Some(control))(file).map(|place| &file.by_length[place])
        });
        series.extend(
            found
                .into_iter()
                .map(|(name, found)| ratios(&name, found, muted)),
        );
    }
    let bins = files.iter().flat_map(|(_, file)| &file.by_length);
    let bins = bins
        .filter(|one| one.score == kind)
        .flat_map(|one| &one.bins);
    let mut names: Vec<(f64, String)> = Vec::new();
    for bin in bins {
        let name = (place(bin), format!("{}–{}", bin.shortest, bin.longest));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let better = match kind.better() {
        Better::Lower => ", lower is better",
        Better::Higher => ", higher is better",
        Better::Near(_) | Better::NearData => "",
    };
    Plot {
        series,
        references: vec![ReferenceLine {
            on: AxisKind::Y,
            value: 1.0,
            label: "real text of that length".to_owned(),
        }],
        ..Plot::new(
            format!(
                "{}, over that of real text of the same length",
                kind.label()
            ),
            Axis {
                names,
                ..Axis::new("length, tokens", Scale::Linear)
            },
            Axis::new(format!("multiple of real text's{better}"), Scale::Linear),
        )
    }
}

fn ratios(name: &str, scores: &TextByLength, muted: bool) -> Series {
    let points = scores.bins.iter();
    let points = points.filter_map(|bin| Some(point(place(bin), bin.ratio?)));
    Series {
        muted,
        ..Series::line(name, points.collect())
    }
}

/// Where a bin stands: 0 for the shortest texts, 1 more each time that lengths double.
fn place(bin: &TextLengthBin) -> f64 {
    (bin.longest as f64 / FIRST_BIN).log2().round()
}

fn point(x: f64, figure: Figure) -> PlotPoint {
    PlotPoint {
        y_error: (figure.standard_error > 0.0).then_some(figure.standard_error),
        ..PlotPoint::new(x, figure.value)
    }
}
