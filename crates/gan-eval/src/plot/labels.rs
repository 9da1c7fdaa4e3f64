//! Where labels fit: beside their point, inside the picture, over no other label and over little else.

use super::frame::{LEADING, TEXT_SIZE};
use super::style::MARKER;
use super::text::width;

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// A label in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) x: f64,
    /// The line that its letters stand on.
    pub(super) baseline: f64,
    /// SVG's `text-anchor`: which part of the text is at `x`.
    pub(super) anchor: &'static str,
    area: Area,
}

/// What has been drawn in a picture.
pub(super) struct Room {
    inside: Area,
    labels: Vec<Area>,
    markers: Vec<Area>,
    lines: Vec<Area>,
}

impl Area {
    /// A square around a place.
    pub(super) fn around(x: f64, y: f64, half: f64) -> Self {
        Self {
            left: x - half,
            top: y - half,
            right: x + half,
            bottom: y + half,
        }
    }

    fn meets(&self, other: &Area) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn holds(&self, other: &Area) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

impl Room {
    pub(super) fn new(inside: Area) -> Self {
        Self {
            inside,
            labels: Vec::new(),
            markers: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// A marker, which a label would hide.
    pub(super) fn take_marker(&mut self, x: f64, y: f64) {
        self.markers.push(Area::around(x, y, MARKER));
    }

    /// A line that labels should not lie on.
    pub(super) fn take_line(&mut self, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) {
        const STEP: f64 = 8.0;
        let steps = ((x1 - x0).hypot(y1 - y0) / STEP).ceil().max(1.0);
        for step in 0..=steps as usize {
            let share = step as f64 / steps;
            let (x, y) = (x0 + share * (x1 - x0), y0 + share * (y1 - y0));
            self.lines.push(Area::around(x, y, 1.5));
        }
    }

    /// The best of the places that are inside and on no other label; `None` if there is none. A label that is
    /// `needed` may lie on markers, if it must.
    pub(super) fn label(
        &mut self,
        places: impl Iterator<Item = Placed>,
        needed: bool,
    ) -> Option<Placed> {
        let on = |areas: &[Area], place: &Placed| {
            areas.iter().filter(|area| area.meets(&place.area)).count()
        };
        let best = places
            .filter(|place| self.inside.holds(&place.area))
            .filter(|place| on(&self.labels, place) == 0)
            .filter(|place| needed || on(&self.markers, place) == 0)
            .min_by_key(|place| (on(&self.markers, place), on(&self.lines, place)))?;
        self.labels.push(best.area);
        Some(best)
    }
}

/// Places for a text around a point, the usual ones first.
pub(super) fn around_point(text: &str, (x, y): (f64, f64)) -> impl Iterator<Item = Placed> {
    const SIDES: [(f64, f64); 8] = [
        (1.0, 0.0),
        (0.0, -1.0),
        (-1.0, 0.0),
        (0.0, 1.0),
        (0.7, -0.9),
        (0.7, 0.9),
        (-0.7, -0.9),
        (-0.7, 0.9),
    ];
    let (wide, high) = (width(text, TEXT_SIZE), TEXT_SIZE);
    let rings = [MARKER + 3.0, MARKER + 11.0];
    let sides = rings
        .into_iter()
        .flat_map(|ring| SIDES.map(|side| (ring, side)));
    let sides = if text.is_empty() { None } else { Some(sides) };
    sides
        .into_iter()
        .flatten()
        .map(move |(ring, (right, down))| {
            let middle = y + down * (ring + high / 2.0);
            at(x + right * ring, middle - high / 2.0, wide, right)
        })
}

/// Places for the name of a horizontal line, along it.
pub(super) fn along_horizontal(text: &str, inside: Area, y: f64) -> impl Iterator<Item = Placed> {
    let wide = width(text, TEXT_SIZE);
    let rows = [y - TEXT_SIZE - 3.0, y + 3.0];
    let ends = [
        (inside.right - 4.0, -1.0),
        (inside.left + 4.0, 1.0),
        ((inside.left + inside.right) / 2.0, 0.0),
    ];
    ends.into_iter()
        .flat_map(move |(x, side)| rows.map(|row| at(x, row, wide, side)))
}

/// Places for the name of a vertical line, at its top or bottom.
pub(super) fn along_vertical(text: &str, inside: Area, x: f64) -> impl Iterator<Item = Placed> {
    let wide = width(text, TEXT_SIZE);
    let step = LEADING * TEXT_SIZE;
    let rows = (0..4).map(move |row| f64::from(row) * step + 4.0);
    let rows = rows
        .clone()
        .map(move |row| inside.top + row)
        .chain(rows.map(move |row| inside.bottom - row - TEXT_SIZE));
    rows.flat_map(move |row| [at(x + 4.0, row, wide, 1.0), at(x - 4.0, row, wide, -1.0)])
}

/// A text whose top is known, to the right of `x`, to the left of it, or in the middle.
fn at(x: f64, top: f64, wide: f64, side: f64) -> Placed {
    let (anchor, left) = match side {
        right if right > 0.0 => ("start", x),
        left if left < 0.0 => ("end", x - wide),
        _ => ("middle", x - wide / 2.0),
    };
    Placed {
        x,
        baseline: top + 0.82 * TEXT_SIZE,
        anchor,
        area: Area {
            left,
            top,
            right: left + wide,
            bottom: top + TEXT_SIZE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 200.0,
        bottom: 100.0,
    };

    #[test]
    fn labels_keep_off_each_other_and_the_edges() {
        let mut room = Room::new(INSIDE);
        let places = [(100.0, 50.0), (104.0, 50.0), (198.0, 2.0), (2.0, 98.0)];
        let placed = places.map(|place| room.label(around_point("label", place), false).unwrap());
        for (number, label) in placed.iter().enumerate() {
            assert!(INSIDE.holds(&label.area));
            assert!(
                placed[..number]
                    .iter()
                    .all(|other| !other.area.meets(&label.area))
            );
        }
        assert_eq!(placed[0].anchor, "start");
        assert!(room.label(around_point("", (100.0, 20.0)), true).is_none());
        assert!(
            room.label(around_point(&"wide".repeat(20), (100.0, 20.0)), true)
                .is_none()
        );
    }

    #[test]
    fn a_label_evades_a_line() {
        let mut room = Room::new(INSIDE);
        room.take_line((0.0, 50.0), (200.0, 50.0));
        let label = room
            .label(around_point("label", (100.0, 50.0)), false)
            .unwrap();
        assert!(label.area.bottom < 50.0, "{label:?}");
    }

    #[test]
    fn only_needed_labels_hide_markers() {
        let mut room = Room::new(INSIDE);
        for x in 0..20 {
            for y in 0..10 {
                room.take_marker(f64::from(10 * x), f64::from(10 * y));
            }
        }
        let places = || around_point("label", (100.0, 50.0));
        assert!(room.label(places(), false).is_none());
        assert!(room.label(places(), true).is_some());
    }
}
