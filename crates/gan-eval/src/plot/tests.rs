//! Pictures as a whole.

use super::*;

fn plot(series: Vec<Series>) -> Plot {
    Plot {
        series,
        ..Plot::new(
            "A title",
            Axis::new("x, in units", Scale::Linear),
            Axis::new("y", Scale::Log),
        )
    }
}

fn points(places: &[(f64, f64)]) -> Vec<PlotPoint> {
    places.iter().map(|(x, y)| PlotPoint::new(*x, *y)).collect()
}

/// How often a piece of text occurs.
fn count(svg: &str, piece: &str) -> usize {
    svg.matches(piece).count()
}

#[test]
fn every_value_becomes_a_finite_coordinate() {
    let extreme = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        -1e99,
        -1.0,
        0.0,
        1e-99,
        1e99,
    ];
    for scale in [Scale::Linear, Scale::Log] {
        let mut all = Vec::new();
        for x in extreme {
            for y in extreme {
                all.push(PlotPoint {
                    x_error: Some(y),
                    y_error: Some(x),
                    label: "here".to_owned(),
                    ..PlotPoint::new(x, y)
                });
            }
        }
        let mut plot = plot(vec![Series::line("all", all)]);
        (plot.x.scale, plot.y.scale) = (scale, scale);
        plot.references = extreme
            .map(|value| ReferenceLine {
                on: AxisKind::Y,
                value,
                label: String::new(),
            })
            .to_vec();
        let svg = plot.svg();
        let drawn: String = svg
            .split('<')
            .filter(|part| !part.starts_with("title"))
            .collect();
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}

#[test]
fn what_is_left_out_is_said_and_breaks_the_line() {
    let places = [
        (0.0, 1.0),
        (1.0, 2.0),
        (2.0, 0.0),
        (3.0, f64::NAN),
        (4.0, 3.0),
    ];
    let svg = plot(vec![Series::line("ours", points(&places))]).svg();
    assert!(
        svg.contains("Without a place on these axes: 2 of 5 of ours."),
        "{svg}"
    );
    assert_eq!(count(&svg, "<polyline"), 2);
    // Three points and the legend's marker.
    assert_eq!(count(&svg, "<circle"), 4);
}

#[test]
fn a_picture_of_nothing_says_so() {
    for series in [vec![], vec![Series::line("empty", vec![])]] {
        let svg = plot(series).svg();
        assert!(svg.contains("Nothing to show") && !svg.contains("Without a place"));
    }
    let svg = plot(vec![Series::line("one", points(&[(2.0, 5.0)]))]).svg();
    assert!(!svg.contains("Nothing to show"));
}

#[test]
fn nothing_of_a_name_is_markup() {
    let evil = "</title><script>\"&'\u{0}";
    let axis = |names: Vec<(f64, String)>| Axis {
        names,
        ..Axis::new(evil, Scale::Linear)
    };
    let mut series = Series::line(evil, points(&[(1.0, 1.0), (f64::NAN, 1.0)]));
    series.points[0].label = evil.to_owned();
    let svg = Plot {
        series: vec![series],
        references: vec![ReferenceLine {
            on: AxisKind::X,
            value: 1.0,
            label: evil.to_owned(),
        }],
        ..Plot::new(evil, axis(vec![(1.0, evil.to_owned())]), axis(Vec::new()))
    }
    .svg();
    assert!(
        !svg.contains("<script") && !svg.contains("\"&'") && !svg.contains('\u{0}'),
        "{svg}"
    );
    assert_eq!(count(&svg, "<title>"), count(&svg, "</title>"));
}

#[test]
fn a_picture_grows_with_its_legend() {
    let many = (0..40).map(|k| Series::line(format!("run {k}"), points(&[(f64::from(k), 1.0)])));
    let svg = plot(many.collect()).svg();
    let height = svg
        .split("height=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let height: f64 = height.unwrap().parse().unwrap();
    assert!(height > 800.0, "{height}");
    assert!((0..40).all(|k| svg.contains(&format!(">run {k}</text>"))));
}

#[test]
fn a_marker_stands_at_its_value_and_its_error_bar_around_it() {
    let mut middle = PlotPoint::new(5.0, 10.0);
    middle.y_error = Some(2.5);
    let mut plot = plot(vec![Series::line("", vec![middle])]);
    plot.y.scale = Scale::Linear;
    plot.references = [0.0, 10.0]
        .map(|value| ReferenceLine {
            on: AxisKind::X,
            value,
            label: String::new(),
        })
        .to_vec();
    let svg = plot.svg();
    let number = |from: &str, name: &str| -> f64 {
        let at = svg.find(from).unwrap();
        let rest = &svg[at..];
        let from = rest.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        rest[from..].split('"').next().unwrap().parse().unwrap()
    };
    let (x, y) = (number("<circle", "cx"), number("<circle", "cy"));
    let bar = "<line class=\"c0 stroke\"";
    assert_eq!(number(bar, "x1"), x);
    let (low, high) = (number(bar, "y1"), number(bar, "y2"));
    assert!(low > y && y > high && ((low - y) - (y - high)).abs() <= 0.11);
}
