//! Where things stand in a picture: its margins, and the rectangle that values are placed in.

use super::range::{Range, is_shown};
use super::text::{lines, width};
use super::{Axis, AxisKind, Plot, PlotPoint, ReferenceLine, Series};

/// The picture's width, and the least height.
pub(super) const WIDTH: f64 = 720.0;
const LEAST_HEIGHT: f64 = 440.0;
/// Between the picture's edge and what is in it.
const EDGE: f64 = 12.0;
pub(super) const TITLE_SIZE: f64 = 15.0;
pub(super) const TEXT_SIZE: f64 = 12.0;
/// From one line of text to the next, in font sizes.
pub(super) const LEADING: f64 = 1.3;
/// The widest text of a legend.
const LEGEND_TEXT: f64 = 170.0;
/// A legend's marker with its distances to both sides.
pub(super) const LEGEND_MARKER: f64 = 30.0;
/// Between a legend's names.
const LEGEND_GAP: f64 = 6.0;
/// About what stands below the axes.
const BELOW: f64 = 60.0;
/// From the axes to the ticks' numbers.
pub(super) const TICK_GAP: f64 = 6.0;

/// The places of everything but the points.
pub(super) struct Frame {
    pub(super) x: Range,
    pub(super) y: Range,
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) y_ticks: Vec<(f64, String)>,
    /// The rectangle that values are placed in.
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The whole picture's height.
    pub(super) height: f64,
    pub(super) title: Vec<String>,
    pub(super) x_title: Vec<String>,
    pub(super) y_title: Vec<String>,
    pub(super) legend: Vec<Entry>,
    /// What is not shown, below the picture.
    pub(super) notes: Vec<String>,
}

/// A series in the legend.
pub(super) struct Entry {
    pub(super) series: usize,
    pub(super) lines: Vec<String>,
    /// The top of its first line.
    pub(super) top: f64,
}

/// Whether a point has a place in the picture.
pub(super) fn has_place(plot: &Plot, point: &PlotPoint) -> bool {
    is_shown(plot.x.scale, point.x) && is_shown(plot.y.scale, point.y)
}

impl Frame {
    pub(super) fn new(plot: &Plot) -> Self {
        let (x, y) = (range(plot, AxisKind::X), range(plot, AxisKind::Y));
        let (x_ticks, y_ticks) = (ticks(&plot.x, &x), ticks(&plot.y, &y));
        let line = LEADING * TEXT_SIZE;
        let title = lines(&plot.title, TITLE_SIZE, WIDTH - 2.0 * EDGE);
        let top = EDGE + LEADING * TITLE_SIZE * title.len() as f64 + EDGE;
        let (legend, legend_bottom) = legend(plot, top);
        let widest = legend.iter().flat_map(|entry| &entry.lines);
        let widest = widest
            .map(|line| width(line, TEXT_SIZE))
            .fold(0.0, f64::max);
        let right = match legend.is_empty() {
            true => WIDTH - 2.0 * EDGE,
            false => WIDTH - EDGE - widest - LEGEND_MARKER,
        };
        let numbers = y_ticks.iter().map(|(_, text)| width(text, TEXT_SIZE));
        let y_title = lines(&plot.y.title, TEXT_SIZE, LEAST_HEIGHT - top - BELOW);
        let left =
            EDGE + line * y_title.len() as f64 + TICK_GAP + numbers.fold(0.0, f64::max) + TICK_GAP;
        let x_title = lines(&plot.x.title, TEXT_SIZE, right - left);
        let notes = lines(&left_out(plot), TEXT_SIZE, WIDTH - 2.0 * EDGE);
        let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        let below = TICK_GAP + line + line * (x_title.len() + notes.len()) as f64 + EDGE;
        let height = LEAST_HEIGHT.max(legend_bottom + EDGE);
        Self {
            x,
            y,
            x_ticks,
            y_ticks,
            left,
            right,
            top,
            bottom: height - below,
            height,
            title,
            x_title,
            y_title,
            legend,
            notes,
        }
    }

    /// Where a point lies, in pixels.
    pub(super) fn place(&self, point: &PlotPoint) -> (f64, f64) {
        (self.x_place(point.x), self.y_place(point.y))
    }

    /// Whether a reference line has a place.
    pub(super) fn shows(&self, line: &ReferenceLine) -> bool {
        match line.on {
            AxisKind::X => self.x.holds(line.value),
            AxisKind::Y => self.y.holds(line.value),
        }
    }

    pub(super) fn x_place(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    pub(super) fn y_place(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }
}

/// What an axis must reach: points that have a place, their error bars and reference lines.
fn range(plot: &Plot, on: AxisKind) -> Range {
    let scale = match on {
        AxisKind::X => plot.x.scale,
        AxisKind::Y => plot.y.scale,
    };
    let points = plot.series.iter().flat_map(|series| &series.points);
    let points = points.filter(|point| has_place(plot, point));
    let spans = points.flat_map(|point| {
        let (value, error) = match on {
            AxisKind::X => (point.x, point.x_error),
            AxisKind::Y => (point.y, point.y_error),
        };
        let error = error.unwrap_or(0.0);
        [value, value - error, value + error]
    });
    let references = plot.references.iter().filter(|line| line.on == on);
    Range::of(scale, spans.chain(references.map(|line| line.value)))
}

fn ticks(axis: &Axis, range: &Range) -> Vec<(f64, String)> {
    if axis.names.is_empty() {
        return range.ticks();
    }
    let names = axis.names.iter();
    names
        .filter(|(value, _)| range.holds(*value))
        .cloned()
        .collect()
}

/// The named series that have something to show, and where their names end.
fn legend(plot: &Plot, top: f64) -> (Vec<Entry>, f64) {
    let mut entries = Vec::new();
    let mut next = top;
    for (number, series) in plot.series.iter().enumerate() {
        if series.name.is_empty() || !series.points.iter().any(|point| has_place(plot, point)) {
            continue;
        }
        let lines = lines(&series.name, TEXT_SIZE, LEGEND_TEXT);
        let height = LEADING * TEXT_SIZE * lines.len() as f64 + LEGEND_GAP;
        entries.push(Entry {
            series: number,
            lines,
            top: next,
        });
        next += height;
    }
    (entries, next)
}

/// What has no place, in a sentence.
fn left_out(plot: &Plot) -> String {
    let missing = |series: &Series| {
        let points = series.points.iter();
        points.filter(|point| !has_place(plot, point)).count()
    };
    let parts = plot.series.iter().map(|series| (series, missing(series)));
    let parts = parts.filter(|(_, missing)| *missing > 0);
    let parts = parts.map(|(series, missing)| {
        let name = if series.name.is_empty() {
            "the points"
        } else {
            &series.name
        };
        format!("{missing} of {} of {name}", series.points.len())
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("Without a place on these axes: {}.", parts.join(", "))
}
