//! What is in the pictures of an evaluation.

use super::super::fixture::evaluation;
use super::super::{CurveGenerator, TextControlKind, TextScoreKind};
use super::{length_plots, trade_off_plots};
use crate::plot::Plot;

fn names(plot: &Plot) -> Vec<&str> {
    plot.series
        .iter()
        .map(|series| series.name.as_str())
        .collect()
}

#[test]
fn a_subject_stands_between_its_controls_and_the_curve_that_it_must_leave() {
    let file = evaluation(0.3);
    let plots = trade_off_plots(&[("ours", &file)]);
    assert_eq!(plots.len(), 3);
    let oracle = &plots[0];
    assert_eq!(names(oracle), ["ours", "pretrained generator", "controls"]);
    // The oracle drew held-out text, so that its NLL_div is its NLL_oracle.
    let controls = oracle.series[2].points.iter();
    let controls: Vec<_> = controls
        .map(|point| (point.label.as_str(), point.x, point.y))
        .collect();
    assert_eq!(controls[0], ("held-out text", 5.75, 5.75));
    // Those of the pretrained generator are on its curve.
    assert_eq!(controls.len(), 1);
    // All others have no NLL_div and are lines; n-grams are shared by all.
    assert_eq!(oracle.references.len(), 7);
    assert_eq!(oracle.references[0].label, "as varied as ours at α 1");
    assert!(
        oracle
            .references
            .iter()
            .any(|line| line.label == "uniform 11.45")
    );
    assert_eq!(
        (plots[2].series[2].points.len(), plots[2].references.len()),
        (7, 1)
    );
    assert_eq!(oracle.series[0].points[2].label, "α 1");
}

#[test]
fn texts_without_a_generator_are_a_point() {
    let mut file = evaluation(0.0);
    file.curves.clear();
    file.scores
        .retain(|score| score.kind != TextScoreKind::NllDiv);
    let plots = trade_off_plots(&[("file", &file)]);
    assert_eq!(plots.len(), 1);
    assert_eq!(names(&plots[0]), ["file", "controls"]);
    assert_eq!(
        (
            plots[0].series[0].points[0].x,
            plots[0].series[0].points[0].y
        ),
        (0.44, 0.22)
    );
    file.scores.clear();
    assert!(trade_off_plots(&[("file", &file)]).is_empty());
}

#[test]
fn a_pretrained_generator_that_runs_share_is_shown_once() {
    let (first, second) = (evaluation(0.0), evaluation(0.3));
    let plots = trade_off_plots(&[("a", &first), ("b", &second)]);
    assert_eq!(
        names(&plots[0]),
        ["a", "b", "pretrained generator", "controls"]
    );
    let mut third = evaluation(0.3);
    let place = third
        .curves
        .iter()
        .position(|curve| curve.generator == CurveGenerator::Pretrained);
    third.curves[place.unwrap()].points.pop();
    let plots = trade_off_plots(&[("a", &first), ("b", &third)]);
    let pretrained = &names(&plots[0])[2..4];
    assert_eq!(
        pretrained,
        ["pretrained generator of a", "pretrained generator of b"]
    );
}

#[test]
fn real_text_stands_beside_every_length() {
    let file = evaluation(0.3);
    let plots = length_plots(&[("ours", &file)]);
    assert_eq!(plots.len(), 4);
    for plot in &plots[..2] {
        assert_eq!(
            names(plot),
            ["ours", "pretrained generator", "real text", "5-grams"]
        );
    }
    let lengths: Vec<_> = plots[0]
        .x
        .names
        .iter()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(lengths, ["5", "10", "20", "40"]);
    assert!(plots[2].title.starts_with("BLEU-4") && plots[3].title.starts_with("clean texts"));
    assert_eq!(names(&plots[2]), ["ours", "pretrained", "5-grams"]);
    let bins: Vec<_> = plots[2]
        .x
        .names
        .iter()
        .map(|(place, name)| (*place, name.as_str()))
        .collect();
    assert_eq!(
        bins,
        [(0.0, "0–5"), (1.0, "6–10"), (2.0, "11–20"), (3.0, "21–40")]
    );
    assert_eq!(plots[2].references[0].value, 1.0);
}

#[test]
fn positions_that_few_texts_reach_are_left_out() {
    let mut file = evaluation(0.3);
    for texts in &mut file.by_position {
        texts
            .clean
            .iter_mut()
            .skip(1)
            .for_each(|figure| figure.texts = 29);
        texts.losses.clear();
    }
    file.by_length
        .retain(|one| one.control == Some(TextControlKind::FiveGram));
    let plots = length_plots(&[("ours", &file)]);
    assert!(
        plots
            .iter()
            .all(|plot| plot.title.contains("over that of real text"))
    );
}
