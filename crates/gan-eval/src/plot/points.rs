//! The elements of a series: its line, its error bars and its markers.

use super::elements::stroke;
use super::frame::{Frame, has_place};
use super::style::Look;
use super::text::{coordinate, escape};
use super::{Plot, PlotPoint, Series};
use crate::table::figure;

/// Half the width of an error bar's ends.
const CAP: f64 = 3.0;

/// The points between those that have no place.
pub(super) fn stretches<'a>(
    plot: &'a Plot,
    series: &'a Series,
) -> impl Iterator<Item = &'a [PlotPoint]> {
    let stretches = series.points.split(|point| !has_place(plot, point));
    stretches.filter(|stretch| !stretch.is_empty())
}

pub(super) fn lines(plot: &Plot, frame: &Frame, series: &Series, look: Look) -> String {
    if !series.line {
        return String::new();
    }
    let line = |stretch: &[PlotPoint]| {
        let places = stretch.iter().map(|point| frame.place(point));
        let places = places.map(|(x, y)| format!("{},{}", coordinate(x), coordinate(y)));
        format!(
            "<polyline class=\"{} stroke\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{}\"/>\n",
            look.class,
            look.colour,
            places.collect::<Vec<_>>().join(" ")
        )
    };
    stretches(plot, series).map(line).collect()
}

pub(super) fn error_bars(plot: &Plot, frame: &Frame, series: &Series, look: Look) -> String {
    let class = format!("{} stroke", look.class);
    let bar = |from, to| stroke(&class, look.colour, from, to, "");
    let known = |error: Option<f64>| error.filter(|error| error.is_finite() && *error > 0.0);
    let mut parts = Vec::new();
    for point in stretches(plot, series).flatten() {
        let (x, y) = frame.place(point);
        if let Some(error) = known(point.x_error) {
            let ends = [point.x - error, point.x + error].map(|end| frame.x_place(end));
            parts.push(bar((ends[0], y), (ends[1], y)));
            parts.extend(ends.map(|end| bar((end, y - CAP), (end, y + CAP))));
        }
        if let Some(error) = known(point.y_error) {
            let ends = [point.y - error, point.y + error].map(|end| frame.y_place(end));
            parts.push(bar((x, ends[0]), (x, ends[1])));
            parts.extend(ends.map(|end| bar((x - CAP, end), (x + CAP, end))));
        }
    }
    parts.concat()
}

pub(super) fn markers(plot: &Plot, frame: &Frame, series: &Series, look: Look) -> String {
    let marker = |point: &PlotPoint| {
        let (x, y) = frame.place(point);
        look.marker(x, y, &tooltip(plot, series, point))
    };
    stretches(plot, series).flatten().map(marker).collect()
}

/// A point in words: `<title>`, which browsers show when a pointer rests on it.
fn tooltip(plot: &Plot, series: &Series, point: &PlotPoint) -> String {
    let value = |names: &[(f64, String)], value: f64, error: Option<f64>| {
        let name = names.iter().find(|(named, _)| *named == value);
        let text = name.map_or_else(|| figure(value), |(_, name)| name.clone());
        error.map_or(text.clone(), |error| format!("{text} ± {}", figure(error)))
    };
    let x = value(&plot.x.names, point.x, point.x_error);
    let y = value(&plot.y.names, point.y, point.y_error);
    let name = [series.name.as_str(), point.label.as_str()];
    let name: Vec<&str> = name.into_iter().filter(|name| !name.is_empty()).collect();
    let colon = if name.is_empty() { "" } else { ": " };
    format!(
        "<title>{}{colon}{} | {}</title>",
        escape(&name.join(", ")),
        escape(&x),
        escape(&y)
    )
}
