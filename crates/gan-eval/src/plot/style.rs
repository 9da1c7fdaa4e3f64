//! Colours and markers. Colours differ for every kind of colour blindness, on white and on black, and markers differ
//! for those who see no colours.

use super::text::coordinate;

/// Each series' colour, on a light ground and on a dark one.
pub(super) const COLOURS: [(&str, &str); 5] = [
    ("#3a94d6", "#56b4e9"),
    ("#d55e00", "#ff8a3d"),
    ("#332288", "#f0e442"),
    ("#117733", "#2e9e6b"),
    ("#882255", "#ffaabb"),
];
/// Of what others are compared with.
pub(super) const MUTED: (&str, &str) = ("#707070", "#a0a0a0");
/// Text and axes.
pub(super) const INK: (&str, &str) = ("#222222", "#dddddd");
/// Behind all.
pub(super) const GROUND: (&str, &str) = ("#ffffff", "#181a1b");
/// Lines at ticks.
pub(super) const GRID: (&str, &str) = ("#e4e4e4", "#34383a");

/// Half a marker's width.
pub(super) const MARKER: f64 = 5.0;

/// The corners of each series' marker, in parts of [`MARKER`] from its middle; a circle has none.
const MARKERS: [&[(f64, f64)]; 7] = [
    &[],
    &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
    &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
    &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
    &[
        (-0.4, -1.1),
        (0.4, -1.1),
        (0.4, -0.4),
        (1.1, -0.4),
        (1.1, 0.4),
        (0.4, 0.4),
        (0.4, 1.1),
        (-0.4, 1.1),
        (-0.4, 0.4),
        (-1.1, 0.4),
        (-1.1, -0.4),
        (-0.4, -0.4),
    ],
    &[
        (-1.1, -0.6),
        (-0.6, -1.1),
        (0.0, -0.5),
        (0.6, -1.1),
        (1.1, -0.6),
        (0.5, 0.0),
        (1.1, 0.6),
        (0.6, 1.1),
        (0.0, 0.5),
        (-0.6, 1.1),
        (-1.1, 0.6),
        (-0.5, 0.0),
    ],
];

/// How a series looks: its class in the style sheet, its colour on a light ground, and its marker's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) class: &'static str,
    pub(super) colour: &'static str,
    marker: usize,
}

const CLASSES: [&str; COLOURS.len()] = ["c0", "c1", "c2", "c3", "c4"];

impl Look {
    /// Of series number `index` of those in colour, or in grey.
    pub(super) fn new(index: usize, muted: bool) -> Self {
        let colour = index % COLOURS.len();
        if muted {
            // Diamonds first, then on from there: the first series in colour have the others.
            let marker = (index + 3) % MARKERS.len();
            return Self {
                class: "muted",
                colour: MUTED.0,
                marker,
            };
        }
        Self {
            class: CLASSES[colour],
            colour: COLOURS[colour].0,
            marker: index % MARKERS.len(),
        }
    }

    /// The marker around a place, with an outline that sets it off from others.
    pub(super) fn marker(self, x: f64, y: f64, tooltip: &str) -> String {
        let Self {
            class,
            colour,
            marker,
        } = self;
        let paint = format!(
            "class=\"{class} mark\" fill=\"{colour}\" stroke=\"{}\" stroke-width=\"1\"",
            GROUND.0
        );
        let corners = MARKERS[marker];
        if corners.is_empty() {
            let (x, y, r) = (coordinate(x), coordinate(y), coordinate(MARKER));
            return format!("<circle {paint} cx=\"{x}\" cy=\"{y}\" r=\"{r}\">{tooltip}</circle>\n");
        }
        let corners = corners.iter().map(|(dx, dy)| {
            format!(
                "{},{}",
                coordinate(x + MARKER * dx),
                coordinate(y + MARKER * dy)
            )
        });
        let corners = corners.collect::<Vec<_>>().join(" ");
        format!("<polygon {paint} points=\"{corners}\">{tooltip}</polygon>\n")
    }
}

/// Colours for a reader who chose a dark ground. Those for a light one are attributes, which programs without style
/// sheets know too.
pub(super) fn sheet() -> String {
    let rule = |selector: &str, property: &str, colour: &str| {
        format!(".gan-plot .{selector}{{{property}:{colour}}}")
    };
    let mut rules = vec![
        rule("ground", "fill", GROUND.1),
        rule("ink", "fill", INK.1),
        rule("axis", "stroke", INK.1),
        rule("grid", "stroke", GRID.1),
    ];
    let colours = CLASSES.into_iter().zip(COLOURS.map(|(_, dark)| dark));
    for (class, dark) in colours.chain([("muted", MUTED.1)]) {
        rules.push(rule(&format!("{class}.mark"), "fill", dark));
        rules.push(rule(&format!("{class}.stroke"), "stroke", dark));
    }
    rules.push(rule("mark", "stroke", GROUND.1));
    rules.push(rule("halo", "stroke", GROUND.1));
    let rules = rules.concat();
    format!("<style>@media(prefers-color-scheme:dark){{{rules}}}</style>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn thirty_five_series_look_different() {
        let looks = (0..35).map(|index| Look::new(index, false));
        let looks: HashSet<_> = looks.map(|look| (look.colour, look.marker)).collect();
        assert_eq!(looks.len(), 35);
    }
}
