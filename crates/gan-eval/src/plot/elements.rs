//! Lines and texts as elements.

use super::frame::TEXT_SIZE;
use super::labels::Placed;
use super::style::{GROUND, INK};
use super::text::{coordinate, escape};

pub(super) fn stroke(
    class: &str,
    colour: &str,
    from: (f64, f64),
    to: (f64, f64),
    more: &str,
) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
    format!(
        "<line class=\"{class}\" stroke=\"{colour}\"{more} x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>\n"
    )
}

/// A label, set off from lines below it by an outline of the ground's colour.
pub(super) fn label(placed: &Placed, content: &str) -> String {
    let (x, baseline, anchor) = (placed.x, placed.baseline, placed.anchor);
    let outline = format!(
        "<text class=\"halo\" aria-hidden=\"true\" fill=\"none\" stroke=\"{}\" stroke-width=\"3\" \
         stroke-linejoin=\"round\" font-size=\"{TEXT_SIZE}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\">{}</text>\n",
        GROUND.0,
        coordinate(x),
        coordinate(baseline),
        escape(content)
    );
    outline + &text(x, baseline, anchor, TEXT_SIZE, content)
}

pub(super) fn text(x: f64, baseline: f64, anchor: &str, size: f64, content: &str) -> String {
    format!(
        "<text class=\"ink\" fill=\"{}\" font-size=\"{size}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\">{}</text>\n",
        INK.0,
        coordinate(x),
        coordinate(baseline),
        escape(content)
    )
}
