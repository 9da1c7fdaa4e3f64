//! From operations to stages: pointwise operations join the map before them, so that a machine can do all of a
//! stage while its numbers are near.

use super::{Graph, Node, NodeId, Op};
use crate::ImageShape;
use candle_core::Result;

/// A graph's stages in order.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphStages<'a> {
    /// Each reads the results of earlier ones.
    pub stages: Vec<GraphStage<'a>>,
    /// The input as the stages read it. An image that is flattened at once is a vector.
    pub input: ImageShape,
    /// The output as the last stage makes it. An image that is made of a vector at the end is a vector.
    pub output: ImageShape,
}

/// activation(norm(map(x) + bias) + shortcut)
#[derive(Clone, Debug, PartialEq)]
pub struct GraphStage<'a> {
    /// Where x is found.
    pub input: Source,
    /// The map; `None` keeps the numbers, in PyTorch's order, and may change their shape.
    pub map: Option<&'a Op>,
    /// The name of the bias.
    pub bias: Option<&'a str>,
    /// The batch normalization.
    pub norm: Option<&'a Op>,
    /// Where the shortcut is found; it has the stage's shape.
    pub shortcut: Option<Source>,
    /// The activation function.
    pub activation: Option<&'a Op>,
    /// The shape of x.
    pub input_shape: ImageShape,
    /// The shape of the result.
    pub shape: ImageShape,
}

/// Where a stage finds its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The network's input.
    Input,
    /// The result of the stage with this number.
    Stage(usize),
}

/// The order in which a stage does what follows its map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Filled {
    Map,
    Bias,
    Norm,
    Shortcut,
    Activation,
}

struct Lowering<'a> {
    graph: &'a Graph,
    stages: Vec<(GraphStage<'a>, Filled)>,
    /// Where each node's result is found, the input's first.
    sources: Vec<Source>,
    /// How many nodes read each node's result.
    readers: Vec<usize>,
    /// The shape that a result has in its stage.
    shapes: Vec<ImageShape>,
}

impl Graph {
    /// Its operations as stages.
    ///
    /// # Errors
    /// When there is no operation, the last one does nothing, or nothing uses the result of another.
    pub fn stages(&self) -> Result<GraphStages<'_>> {
        let mut lowering = Lowering {
            graph: self,
            stages: Vec::new(),
            sources: vec![Source::Input],
            readers: readers(self)?,
            shapes: vec![self.input],
        };
        for (index, node) in self.nodes.iter().enumerate() {
            lowering.add(index, node)?;
        }
        if lowering.stages.is_empty() {
            candle_core::bail!("a network without operations");
        }
        let last = self.output().index();
        if lowering.sources[last] != Source::Stage(lowering.stages.len() - 1) {
            candle_core::bail!("a network whose last operation does nothing");
        }
        Ok(GraphStages {
            input: lowering.input(),
            output: lowering.shapes[last],
            stages: lowering
                .stages
                .into_iter()
                .map(|(stage, _)| stage)
                .collect(),
        })
    }
}

/// How many nodes read each result; every one but the last must be read.
fn readers(graph: &Graph) -> Result<Vec<usize>> {
    let mut readers = vec![0; graph.nodes.len() + 1];
    for node in &graph.nodes {
        for input in &node.inputs {
            readers[input.index()] += 1;
        }
    }
    if let Some(unread) = readers[..graph.nodes.len()].iter().position(|n| *n == 0) {
        candle_core::bail!("nothing uses the result of operation {unread}");
    }
    Ok(readers)
}

impl<'a> Lowering<'a> {
    fn input(&self) -> ImageShape {
        let flattened = self.sources[1..].iter().zip(&self.shapes[1..]);
        let mut flattened = flattened.filter(|(source, _)| **source == Source::Input);
        flattened.next().map_or(self.shapes[0], |(_, shape)| *shape)
    }

    fn add(&mut self, index: usize, node: &'a Node) -> Result<()> {
        let x = node.inputs[0];
        let source = self.sources[x.index()];
        // Numbers lie in PyTorch's order where a network begins and ends: there a reshape is no work.
        let begins = x == NodeId::INPUT && self.readers[0] == 1;
        let ends = index + 1 == self.graph.nodes.len() && self.readers[x.index()] == 1;
        let (source, shape) = match &node.op {
            Op::Flatten if begins => (Source::Input, node.shape),
            Op::Unflatten { .. } if ends && source != Source::Input => {
                (source, self.shapes[x.index()])
            }
            op => {
                self.compute(op, node)?;
                (Source::Stage(self.stages.len() - 1), node.shape)
            }
        };
        self.sources.push(source);
        self.shapes.push(shape);
        Ok(())
    }

    /// Lets the operation join a stage, or begins one.
    fn compute(&mut self, op: &'a Op, node: &'a Node) -> Result<()> {
        match op {
            Op::Bias { bias } => self.follow(node, Filled::Bias)?.bias = Some(bias),
            Op::BatchNorm { .. } => self.follow(node, Filled::Norm)?.norm = Some(op),
            Op::LeakyRelu { .. } | Op::Tanh | Op::Affine { .. } => {
                self.follow(node, Filled::Activation)?.activation = Some(op);
            }
            Op::Add => self.add_shortcut(node),
            Op::Flatten | Op::Unflatten { .. } => self.begin(node, None, Filled::Map),
            // Maxout's derivative finds the largest piece by the result itself: nothing joins it.
            Op::Maxout { .. } => self.begin(node, Some(op), Filled::Activation),
            Op::Linear { .. }
            | Op::Convolution { .. }
            | Op::TransposedConvolution { .. }
            | Op::AveragePooling { .. }
            | Op::Upsampling { .. }
            | Op::Dropout { .. }
            | Op::AppendClass { .. }
            | Op::ClassLogit { .. } => self.begin(node, Some(op), Filled::Map),
        }
        Ok(())
    }

    /// A stage of a node on its first input.
    fn begin(&mut self, node: &Node, map: Option<&'a Op>, filled: Filled) {
        self.begin_on(node.inputs[0], node, map, filled);
    }

    fn begin_on(&mut self, input: NodeId, node: &Node, map: Option<&'a Op>, filled: Filled) {
        let stage = GraphStage {
            input: self.sources[input.index()],
            map,
            bias: None,
            norm: None,
            shortcut: None,
            activation: None,
            input_shape: self.shapes[input.index()],
            shape: node.shape,
        };
        self.stages.push((stage, filled));
    }

    /// Whether an operation that reads `x` can join the last stage.
    fn can_join(&self, x: NodeId, filled: Filled) -> bool {
        let last = self.stages.len().checked_sub(1).map(Source::Stage);
        let Some((stage, so_far)) = self.stages.last() else {
            return false;
        };
        Some(self.sources[x.index()]) == last
            && self.readers[x.index()] == 1
            && *so_far < filled
            && (filled != Filled::Shortcut || stage.norm.is_none())
    }

    /// The stage that a pointwise operation joins: the one before it, or a new one.
    fn follow(&mut self, node: &Node, filled: Filled) -> Result<&mut GraphStage<'a>> {
        if !self.can_join(node.inputs[0], filled) {
            self.begin(node, None, filled);
        }
        match self.stages.last_mut() {
            Some((stage, so_far)) => {
                *so_far = filled;
                Ok(stage)
            }
            None => candle_core::bail!("a network without stages"),
        }
    }

    fn add_shortcut(&mut self, node: &Node) {
        let [a, b] = [node.inputs[0], node.inputs[1]];
        let (x, shortcut) = match self.can_join(b, Filled::Shortcut) {
            true => (b, self.sources[a.index()]),
            false => (a, self.sources[b.index()]),
        };
        if !self.can_join(x, Filled::Shortcut) {
            self.begin_on(x, node, None, Filled::Map);
        }
        if let Some((stage, so_far)) = self.stages.last_mut() {
            *so_far = Filled::Shortcut;
            stage.shortcut = Some(shortcut);
        }
    }
}
