//! From a graph to stages: pointwise operations join the map before them.

use super::stage::{Source, Stage, StageMap};
use super::variables::Variables;
use crate::features::Size;
use crate::kernels::sliding::Sliding;
use crate::ops::activation::Activation;
use crate::ops::resampling::Resampling;
use candle_core::{Result, Var};
use gan_core::{Graph, Node, NodeId, Op, ParameterStore};

/// A network's stages in order.
pub(crate) struct Program {
    pub(crate) stages: Vec<Stage>,
    pub(crate) variables: Variables,
    /// The last stage that reads each stage's output; its own number if none does.
    pub(crate) last_readers: Vec<usize>,
    pub(crate) input: Size,
    pub(crate) output: Size,
    /// How many passes have drawn dropout's factors, `[]`.
    pub(crate) dropout_count: Option<Var>,
}

/// Whether another operation may join a stage: the order in which a stage does what follows its map.
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
    variables: &'a Variables,
    stages: Vec<(Stage, Filled)>,
    /// Where each node's result is found, the input's first.
    sources: Vec<Source>,
    /// How many nodes read each node's result.
    readers: Vec<usize>,
    /// The size that a result has in its stage.
    sizes: Vec<Size>,
    dropout_count: Option<Var>,
}

impl Program {
    /// Finds the graph's tensors by name.
    pub(crate) fn new(graph: &Graph, parameters: &ParameterStore) -> Result<Self> {
        let variables = Variables::new(graph, parameters)?;
        let mut lowering = Lowering {
            graph,
            variables: &variables,
            stages: Vec::new(),
            sources: vec![Source::Input],
            readers: readers(graph)?,
            sizes: vec![Size::of(graph.input())],
            dropout_count: None,
        };
        for (index, node) in graph.nodes().iter().enumerate() {
            lowering.add(index, node)?;
        }
        if lowering.stages.is_empty() {
            candle_core::bail!("a network without operations");
        }
        let last = graph.output().index();
        if lowering.sources[last] != Source::Stage(lowering.stages.len() - 1) {
            candle_core::bail!("a network whose last operation does nothing");
        }
        Ok(Self {
            last_readers: lowering.last_readers(),
            input: lowering.input_size(),
            output: lowering.sizes[last],
            dropout_count: lowering.dropout_count,
            stages: lowering
                .stages
                .into_iter()
                .map(|(stage, _)| stage)
                .collect(),
            variables,
        })
    }
}

/// How many nodes read each result; every one but the last must be read.
fn readers(graph: &Graph) -> Result<Vec<usize>> {
    let mut readers = vec![0; graph.nodes().len() + 1];
    for node in graph.nodes() {
        for input in node.inputs() {
            readers[input.index()] += 1;
        }
    }
    if let Some(unread) = readers[..graph.nodes().len()].iter().position(|n| *n == 0) {
        candle_core::bail!("nothing uses the result of operation {unread}");
    }
    Ok(readers)
}

impl Lowering<'_> {
    fn last_readers(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (0..self.stages.len()).collect();
        for (index, (stage, _)) in self.stages.iter().enumerate() {
            for source in [Some(stage.input), stage.shortcut].into_iter().flatten() {
                if let Source::Stage(earlier) = source {
                    last[earlier] = index;
                }
            }
        }
        last
    }

    fn input_size(&self) -> Size {
        let flattened = self.graph.nodes().iter().zip(&self.sources[1..]);
        let mut flattened = flattened.zip(&self.sizes[1..]);
        let found = flattened.find(|((_, source), _)| **source == Source::Input);
        found.map_or(self.sizes[0], |(_, size)| *size)
    }

    fn add(&mut self, index: usize, node: &Node) -> Result<()> {
        let x = node.inputs()[0];
        let source = self.sources[x.index()];
        // Numbers lie in PyTorch's order where a network begins and ends: there a reshape is no work.
        let begins = x == NodeId::INPUT && self.readers[0] == 1;
        let ends = index + 1 == self.graph.nodes().len() && self.readers[x.index()] == 1;
        let (source, size) = match node.op() {
            Op::Flatten if begins => (Source::Input, Size::of(node.shape())),
            Op::Unflatten { .. } if ends && source != Source::Input => {
                (source, self.sizes[x.index()])
            }
            op => {
                self.compute(op, node)?;
                let stage = self.stages.len() - 1;
                (Source::Stage(stage), Size::of(node.shape()))
            }
        };
        self.sources.push(source);
        self.sizes.push(size);
        Ok(())
    }

    /// Lets the operation join a stage, or begins one.
    fn compute(&mut self, op: &Op, node: &Node) -> Result<()> {
        match op {
            Op::Bias { bias } => {
                let bias = self.variables.get(bias)?;
                self.follow(node, Filled::Bias)?.bias = Some(bias);
            }
            Op::BatchNorm { .. } => {
                let norm = self.variables.batch_norm(op)?;
                self.follow(node, Filled::Norm)?.norm = Some(norm);
            }
            Op::LeakyRelu { slope } => {
                let slope = *slope;
                self.follow(node, Filled::Activation)?.activation = Activation::LeakyRelu { slope };
            }
            Op::Tanh => self.follow(node, Filled::Activation)?.activation = Activation::Tanh,
            Op::Affine { scale, shift } => {
                let (scale, shift) = (*scale, *shift);
                self.follow(node, Filled::Activation)?.activation =
                    Activation::Affine { scale, shift };
            }
            Op::Add => self.add_shortcut(node)?,
            _ => {
                let map = self.map(op, node)?;
                // Maxout's derivative finds the largest piece by the result itself: nothing joins it.
                let filled = match map {
                    StageMap::Maxout(_) => Filled::Activation,
                    _ => Filled::Map,
                };
                self.begin(node.inputs()[0], map, Size::of(node.shape()), filled);
            }
        }
        Ok(())
    }

    fn begin(&mut self, input: NodeId, map: StageMap, size: Size, filled: Filled) {
        let stage = Stage {
            input: self.sources[input.index()],
            map,
            bias: None,
            norm: None,
            shortcut: None,
            activation: Activation::Identity,
            input_size: self.sizes[input.index()],
            size,
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
    fn follow(&mut self, node: &Node, filled: Filled) -> Result<&mut Stage> {
        let x = node.inputs()[0];
        if !self.can_join(x, filled) {
            self.begin(x, StageMap::Reshape, Size::of(node.shape()), filled);
        }
        match self.stages.last_mut() {
            Some((stage, so_far)) => {
                *so_far = filled;
                Ok(stage)
            }
            None => candle_core::bail!("a network without stages"),
        }
    }

    fn add_shortcut(&mut self, node: &Node) -> Result<()> {
        let [a, b] = [node.inputs()[0], node.inputs()[1]];
        let (x, shortcut) = match self.can_join(b, Filled::Shortcut) {
            true => (b, self.sources[a.index()]),
            false => (a, self.sources[b.index()]),
        };
        if !self.can_join(x, Filled::Shortcut) {
            self.begin(x, StageMap::Reshape, Size::of(node.shape()), Filled::Map);
        }
        if let Some((stage, so_far)) = self.stages.last_mut() {
            *so_far = Filled::Shortcut;
            stage.shortcut = Some(shortcut);
        }
        Ok(())
    }

    fn map(&mut self, op: &Op, node: &Node) -> Result<StageMap> {
        let (from, to) = (self.graph.shape(node.inputs()[0]), node.shape());
        Ok(match op {
            Op::Linear { weight, .. } => StageMap::Linear(self.variables.weight(weight)?),
            Op::Convolution { weight, window, .. } => StageMap::Shrinking(
                self.variables.weight(weight)?,
                Sliding::new(*window, from, to),
            ),
            Op::TransposedConvolution { weight, window, .. } => StageMap::Enlarging(
                self.variables.weight(weight)?,
                Sliding::new(*window, to, from),
            ),
            Op::AveragePooling { size } => StageMap::Pooling(Resampling {
                small: to,
                factor: *size,
            }),
            Op::Upsampling { factor } => StageMap::Upsampling(Resampling {
                small: from,
                factor: *factor,
            }),
            Op::Maxout { pieces } => StageMap::Maxout(*pieces),
            Op::Dropout { kept, count } => {
                self.dropout_count = Some(self.variables.get(count)?);
                StageMap::Dropout(*kept)
            }
            Op::AppendClass { .. } => StageMap::AppendClass,
            Op::ClassLogit { .. } => StageMap::ClassLogit,
            _ => StageMap::Reshape,
        })
    }
}
