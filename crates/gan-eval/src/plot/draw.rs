//! The elements of a picture, from the back to the front.

use super::elements::{label, stroke, text};
use super::frame::{
    Frame, LEADING, LEGEND_MARKER, TEXT_SIZE, TICK_GAP, TITLE_SIZE, WIDTH, has_place,
};
use super::labels::{Area, Room, along_horizontal, along_vertical, around_point};
use super::points::{error_bars, lines, markers, stretches};
use super::style::{GRID, GROUND, INK, Look, MUTED, sheet};
use super::text::{coordinate, escape};
use super::{AxisKind, Plot, ReferenceLine, Series};

pub(super) fn svg(plot: &Plot) -> String {
    let frame = Frame::new(plot);
    let looks = looks(&plot.series);
    let inside = inside(&frame);
    let mut room = room(plot, &frame, inside);
    let mut parts = vec![opening(plot, &frame), axes(&frame)];
    let mut labels = Vec::new();
    for reference in &plot.references {
        let (line, label) = reference_line(&frame, &mut room, reference);
        parts.push(line);
        labels.push(label);
    }
    for (series, look) in plot.series.iter().zip(&looks).rev() {
        parts.push(lines(plot, &frame, series, *look));
        parts.push(error_bars(plot, &frame, series, *look));
    }
    for (series, look) in plot.series.iter().zip(&looks).rev() {
        parts.push(markers(plot, &frame, series, *look));
    }
    // What others are compared with has names at its points alone, the others have some in the legend too.
    for muted in [true, false] {
        let series = plot.series.iter().filter(|series| series.muted == muted);
        for point in series.flat_map(|series| stretches(plot, series)).flatten() {
            let places = around_point(&point.label, frame.place(point));
            let placed = room.label(places, muted);
            labels.extend(placed.map(|placed| label(&placed, &point.label)));
        }
    }
    parts.extend(labels);
    parts.push(legend(plot, &frame, &looks));
    if !plot
        .series
        .iter()
        .flat_map(|series| &series.points)
        .any(|point| has_place(plot, point))
    {
        let (x, y) = (
            (inside.left + inside.right) / 2.0,
            (inside.top + inside.bottom) / 2.0,
        );
        parts.push(text(x, y, "middle", TEXT_SIZE, "Nothing to show"));
    }
    parts.push("</svg>\n".to_owned());
    parts.concat()
}

/// The number of a series decides how it looks, counted among those in colour or those in grey.
fn looks(series: &[Series]) -> Vec<Look> {
    let mut counts = [0, 0];
    let look = |series: &Series| {
        let count = &mut counts[usize::from(series.muted)];
        *count += 1;
        Look::new(*count - 1, series.muted)
    };
    series.iter().map(look).collect()
}

fn inside(frame: &Frame) -> Area {
    Area {
        left: frame.left,
        top: frame.top,
        right: frame.right,
        bottom: frame.bottom,
    }
}

/// The picture's room without what points, lines and reference lines take of it.
fn room(plot: &Plot, frame: &Frame, inside: Area) -> Room {
    let mut room = Room::new(inside);
    for series in &plot.series {
        for stretch in stretches(plot, series) {
            let places: Vec<_> = stretch.iter().map(|point| frame.place(point)).collect();
            places.iter().for_each(|(x, y)| room.take_marker(*x, *y));
            if series.line {
                places
                    .windows(2)
                    .for_each(|ends| room.take_line(ends[0], ends[1]));
            }
        }
    }
    for reference in &plot.references {
        let (from, to) = ends(frame, reference);
        room.take_line(from, to);
    }
    room
}

fn opening(plot: &Plot, frame: &Frame) -> String {
    let (width, height) = (coordinate(WIDTH), coordinate(frame.height));
    let mut parts = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gan-plot\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" role=\"img\" \
             aria-label=\"{}\">\n",
            escape(&plot.title)
        ),
        sheet(),
        format!(
            "<rect class=\"ground\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            GROUND.0
        ),
    ];
    for (number, line) in frame.title.iter().enumerate() {
        let baseline = 12.0 + TITLE_SIZE * (0.85 + LEADING * number as f64);
        parts.push(text(WIDTH / 2.0, baseline, "middle", TITLE_SIZE, line));
    }
    parts.concat()
}

/// The grid, the numbers at it, the axes and their titles.
fn axes(frame: &Frame) -> String {
    let Frame {
        left,
        right,
        top,
        bottom,
        ..
    } = *frame;
    let mut parts = Vec::new();
    let baseline = bottom + TICK_GAP + 0.85 * TEXT_SIZE;
    for (tick, name) in &frame.x_ticks {
        let x = frame.x_place(*tick);
        parts.push(stroke("grid", GRID.0, (x, top), (x, bottom), ""));
        parts.push(text(x, baseline, "middle", TEXT_SIZE, name));
    }
    for (tick, name) in &frame.y_ticks {
        let y = frame.y_place(*tick);
        parts.push(stroke("grid", GRID.0, (left, y), (right, y), ""));
        parts.push(text(
            left - TICK_GAP,
            y + 0.35 * TEXT_SIZE,
            "end",
            TEXT_SIZE,
            name,
        ));
    }
    parts.push(stroke("axis", INK.0, (left, top), (left, bottom), ""));
    parts.push(stroke("axis", INK.0, (left, bottom), (right, bottom), ""));
    let middle = (left + right) / 2.0;
    let below = frame.x_title.iter().map(|line| (line, middle, "middle"));
    let below = below.chain(frame.notes.iter().map(|line| (line, 12.0, "start")));
    for (number, (line, x, anchor)) in below.enumerate() {
        let baseline = baseline + LEADING * TEXT_SIZE * (number + 1) as f64;
        parts.push(text(x, baseline, anchor, TEXT_SIZE, line));
    }
    let step = LEADING * TEXT_SIZE;
    for (number, line) in frame.y_title.iter().enumerate() {
        parts.push(format!(
            "<text class=\"ink\" fill=\"{}\" font-size=\"{TEXT_SIZE}\" text-anchor=\"middle\" \
             transform=\"translate({} {}) rotate(-90)\">{}</text>\n",
            INK.0,
            coordinate(12.0 + TEXT_SIZE + step * number as f64),
            coordinate((top + bottom) / 2.0),
            escape(line)
        ));
    }
    parts.concat()
}

fn ends(frame: &Frame, reference: &ReferenceLine) -> ((f64, f64), (f64, f64)) {
    match reference.on {
        AxisKind::X => {
            let x = frame.x_place(reference.value);
            ((x, frame.top), (x, frame.bottom))
        }
        AxisKind::Y => {
            let y = frame.y_place(reference.value);
            ((frame.left, y), (frame.right, y))
        }
    }
}

/// The line, and its label.
fn reference_line(frame: &Frame, room: &mut Room, reference: &ReferenceLine) -> (String, String) {
    if !frame.shows(reference) {
        return (String::new(), String::new());
    }
    let (from, to) = ends(frame, reference);
    let line = stroke(
        "muted stroke",
        MUTED.0,
        from,
        to,
        " stroke-dasharray=\"5 4\"",
    );
    let placed = match reference.on {
        AxisKind::X => room.label(
            along_vertical(&reference.label, inside(frame), from.0),
            true,
        ),
        AxisKind::Y => room.label(
            along_horizontal(&reference.label, inside(frame), from.1),
            true,
        ),
    };
    let label = placed.map_or(String::new(), |placed| label(&placed, &reference.label));
    (line, label)
}

fn legend(plot: &Plot, frame: &Frame, looks: &[Look]) -> String {
    let mut parts = Vec::new();
    let (left, step) = (frame.right + 0.4 * LEGEND_MARKER, LEADING * TEXT_SIZE);
    for entry in &frame.legend {
        let look = looks[entry.series];
        let (x, y) = (left, entry.top + TEXT_SIZE / 2.0);
        if plot.series[entry.series].line {
            let class = format!("{} stroke", look.class);
            parts.push(stroke(
                &class,
                look.colour,
                (x - 9.0, y),
                (x + 9.0, y),
                " stroke-width=\"2\"",
            ));
        }
        parts.push(look.marker(x, y, ""));
        for (number, line) in entry.lines.iter().enumerate() {
            let baseline = entry.top + 0.85 * TEXT_SIZE + step * number as f64;
            parts.push(text(
                frame.right + LEGEND_MARKER - 4.0,
                baseline,
                "start",
                TEXT_SIZE,
                line,
            ));
        }
    }
    parts.concat()
}
