//! A graph as a table for people.

use super::op::{Op, Weight};
use super::window::Window;
use super::{Graph, GraphParameter, Node, NodeId};
use crate::{ParameterKind, grouped};
use std::fmt;

/// The cells of a line; a number that is 0 is left out.
struct Line {
    number: String,
    operation: String,
    output: String,
    parameters: u64,
    multiply_adds: u64,
}

impl fmt::Display for Graph {
    /// A line for each operation: its number, itself with its sizes and, unless it is the result before, its
    /// inputs; the shape of its result; its trained values; the millions of floating-point operations of its
    /// linear map for an example. Then their sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![Line {
            number: "0".to_string(),
            operation: "input".to_string(),
            output: self.input().to_string(),
            parameters: 0,
            multiply_adds: 0,
        }];
        lines.extend(
            (1..)
                .zip(self.nodes())
                .map(|(number, node)| self.line(number, node)),
        );
        lines.push(Line {
            number: String::new(),
            operation: "total".to_string(),
            output: String::new(),
            parameters: trained(&self.parameters()),
            multiply_adds: self.multiply_adds(),
        });
        let rows: Vec<_> = lines.iter().map(Line::cells).collect();
        write_table(f, &rows)
    }
}

impl Graph {
    fn line(&self, number: usize, node: &Node) -> Line {
        let is_next = node.inputs() == [NodeId(number - 1)];
        let operation = match is_next {
            true => operation(node.op()),
            false => format!("{} of {}", operation(node.op()), numbers(node.inputs())),
        };
        Line {
            number: number.to_string(),
            operation,
            output: node.shape().to_string(),
            parameters: trained(&self.parameters_of(node)),
            multiply_adds: self.multiply_adds_of(node),
        }
    }
}

impl Line {
    fn cells(&self) -> [String; 5] {
        let shown = |number, text: String| if number == 0 { String::new() } else { text };
        let mflop = 2.0 * self.multiply_adds as f64 / 1e6;
        [
            self.number.clone(),
            self.operation.clone(),
            self.output.clone(),
            shown(self.parameters, grouped(self.parameters)),
            shown(self.multiply_adds, format!("{mflop:.3}")),
        ]
    }
}

const TITLES: [&str; 5] = ["#", "operation", "output", "parameters", "MFLOP"];

/// Columns as wide as their widest cell, two spaces apart; numbers end at the right.
fn write_table(f: &mut fmt::Formatter<'_>, rows: &[[String; 5]]) -> fmt::Result {
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.fold(TITLES[column].len(), usize::max)
    });
    let titles = TITLES.map(str::to_string);
    for [number, operation, output, parameters, mflop] in [&titles].into_iter().chain(rows) {
        let [a, b, c, d, e] = widths;
        let line =
            format!("{number:>a$}  {operation:b$}  {output:c$}  {parameters:>d$}  {mflop:>e$}");
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn trained(parameters: &[GraphParameter]) -> u64 {
    let trained = parameters
        .iter()
        .filter(|p| p.kind == ParameterKind::Trainable);
    trained
        .map(|p| p.shape.iter().product::<usize>() as u64)
        .sum()
}

/// Such as `4 and 7`.
fn numbers(ids: &[NodeId]) -> String {
    let numbers: Vec<_> = ids.iter().map(|id| id.index().to_string()).collect();
    numbers.join(" and ")
}

/// An operation with the sizes that its output's shape does not show.
fn operation(op: &Op) -> String {
    let name = op.name();
    match op {
        Op::Linear { weight, .. } => format!("{name}{}", normalization(weight)),
        Op::Convolution { weight, window, .. }
        | Op::TransposedConvolution { weight, window, .. } => {
            format!("{name} {}{}", sizes(window), normalization(weight))
        }
        Op::AveragePooling { size } => format!("{name} {size} x {size}"),
        Op::Upsampling { factor } => format!("{name} {factor} x {factor}"),
        Op::BatchNorm { eps, .. } => format!("{name}, eps {eps}"),
        Op::LeakyRelu { slope } if *slope > 0.0 => format!("{name} {slope}"),
        Op::Affine { scale, shift } => format!("{name}, {scale} x + {shift}"),
        Op::Maxout { pieces } => format!("{name} of {pieces}"),
        Op::Dropout { kept, .. } => format!("{name}, {kept} kept"),
        Op::AppendClass { classes } | Op::ClassLogit { classes } => format!("{name} of {classes}"),
        _ => name.to_string(),
    }
}

fn normalization(weight: &Weight) -> &'static str {
    match weight.spectral {
        Some(_) => ", spectral norm",
        None => "",
    }
}

/// Such as `4 x 4, stride 2, padding 1`; what is as [`Window::of`] makes it is left out.
fn sizes(window: &Window) -> String {
    let [height, width] = window.kernel;
    let usual = Window::of(window.kernel);
    let mut text = format!("{height} x {width}");
    for (name, size, usual) in [
        ("stride", window.stride, usual.stride),
        ("padding", window.padding, usual.padding),
        (
            "output padding",
            window.output_padding,
            usual.output_padding,
        ),
        ("groups", window.groups, usual.groups),
    ] {
        if size != usual {
            text += &format!(", {name} {size}");
        }
    }
    text
}
