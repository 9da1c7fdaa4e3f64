//! Plots as SVG: points, lines and error bars over two axes, in one file of the same bytes everywhere.

mod draw;
mod elements;
mod frame;
mod labels;
mod points;
mod range;
mod style;
mod text;

/// A picture of some series of points.
///
/// Points that are no number, or not positive on a logarithmic axis, are left out, and a line below the picture says
/// how many. Text may be in any script and needs no escaping.
///
/// ```
/// use gan_eval::{Axis, Plot, PlotPoint, Scale, Series};
///
/// let axis = |title: &str| Axis::new(title, Scale::Linear);
/// let points = [(1.0, 9.13), (1.5, 7.97)].map(|(alpha, nll)| PlotPoint::new(alpha, nll));
/// let plot = Plot {
///     series: vec![Series::line("MLE", points.to_vec())],
///     ..Plot::new("Sharper is likelier", axis("α"), axis("NLL, nats per token"))
/// };
/// assert!(plot.svg().starts_with("<svg "));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// One line above the picture.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first on top.
    pub series: Vec<Series>,
    /// Values to compare with.
    pub references: Vec<ReferenceLine>,
}

/// One of the two axes. It reaches as far as the points, their error bars and the reference lines do.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit.
    pub title: String,
    /// How values are placed on it.
    pub scale: Scale,
    /// Names at values, in place of round numbers; usually none.
    pub names: Vec<(f64, String)>,
}

/// How values are placed on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart.
    Log,
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// In the order of the line through them.
    pub points: Vec<PlotPoint>,
    /// Whether there is a line through them. It has a gap where a point is left out.
    pub line: bool,
    /// Whether it is in the grey of what others are compared with.
    pub muted: bool,
}

/// A point of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotPoint {
    /// Its place on the horizontal axis.
    pub x: f64,
    /// And on the vertical one.
    pub y: f64,
    /// Half the length of its horizontal error bar.
    pub x_error: Option<f64>,
    /// Half the length of its vertical error bar.
    pub y_error: Option<f64>,
    /// A few words beside it, where there is room for them; they are in its tooltip in any case.
    pub label: String,
}

/// A line over the whole width or height.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceLine {
    /// The axis that has the value.
    pub on: AxisKind,
    /// The value.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// Which axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// The horizontal one.
    X,
    /// The vertical one.
    Y,
}

impl Plot {
    /// A picture of nothing yet.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            series: Vec::new(),
            references: Vec::new(),
        }
    }

    /// The picture, an `<svg>` element 720 wide and at least 440 high that stands in a page or in a file by itself.
    /// Its colours follow the reader's choice of light or dark.
    pub fn svg(&self) -> String {
        draw::svg(self)
    }
}

impl Axis {
    /// An axis with round numbers.
    pub fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self {
            title: title.into(),
            scale,
            names: Vec::new(),
        }
    }
}

impl Series {
    /// Points that a line connects.
    pub fn line(name: impl Into<String>, points: Vec<PlotPoint>) -> Self {
        Self {
            name: name.into(),
            points,
            line: true,
            muted: false,
        }
    }

    /// Points in grey, each usually with a label, that others are compared with.
    pub fn controls(name: impl Into<String>, points: Vec<PlotPoint>) -> Self {
        Self {
            line: false,
            muted: true,
            ..Self::line(name, points)
        }
    }
}

impl PlotPoint {
    /// A point without error bars or label.
    pub fn new(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            x_error: None,
            y_error: None,
            label: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
