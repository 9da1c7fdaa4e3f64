//! A network as plain data: operations, each on the results of earlier ones, with all shapes known.

mod op;
mod shape;
mod stages;
mod table;
mod window;

pub use op::{GraphParameter, Op, Weight};
pub use stages::{GraphStage, GraphStages, Source};
pub use window::Window;

use crate::{ImageShape, hex};
use candle_core::Result;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

/// Values of one example between two operations; far beyond any use.
const MOST_VALUES: usize = 1 << 26;
/// Values of one tensor, 1 GiB as f32.
const MOST_PARAMETERS: usize = 1 << 28;
const MOST_NODES: usize = 4096;

/// A network: an input and operations, of which the last one's result is the output.
///
/// It says which tensors there are and what is computed with them, for one example; their values are in a
/// [`ParameterStore`](crate::ParameterStore). As JSON it describes the network in a file. What is read is
/// checked like what is built: shapes fit, no number is out of range, nothing is larger than 2²⁶ values
/// for an example or 2²⁸ for a tensor, and there are at most 4,096 operations.
///
/// ```
/// use gan_core::{Graph, ImageShape, NodeId, Op, Weight};
///
/// let mut graph = Graph::new(ImageShape { channels: 100, height: 1, width: 1 })?;
/// let weight = Weight::plain("model.0.weight");
/// let hidden = graph.push(Op::Linear { weight, outputs: 8 }, &[NodeId::INPUT])?;
/// graph.push(Op::LeakyRelu { slope: 0.2 }, &[hidden])?;
/// assert_eq!(graph.output_shape().channels, 8);
/// assert_eq!(graph.parameters()[0].shape, [8, 100]);
/// # Ok::<(), gan_core::candle_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedGraph")]
pub struct Graph {
    input: ImageShape,
    nodes: Vec<Node>,
}

/// A result in a graph: 0 is the graph's input, k > 0 the output of node k − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(usize);

/// An operation of a graph.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    op: Op,
    inputs: Vec<NodeId>,
    #[serde(skip)]
    shape: ImageShape,
}

impl NodeId {
    /// The graph's input.
    pub const INPUT: Self = Self(0);

    /// Its number.
    pub fn index(self) -> usize {
        self.0
    }
}

impl Node {
    /// What it computes.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// From what, in the operation's order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The shape of its result.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }
}

impl Graph {
    /// A graph without operations, whose output is its input.
    ///
    /// # Errors
    /// When an image has no values, or more than 2²⁶.
    pub fn new(input: ImageShape) -> Result<Self> {
        check_values(input)?;
        let nodes = Vec::new();
        Ok(Self { input, nodes })
    }

    /// Adds an operation on earlier results.
    ///
    /// # Errors
    /// When the inputs are not earlier results or do not fit the operation, one of its numbers is out of
    /// range, a name of a tensor is in use, or it is too large. The graph is then as it was.
    pub fn push(&mut self, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        let number = self.nodes.len() + 1;
        let shape = self.checked(&op, inputs).map_err(|error| {
            let name = op.name();
            candle_core::Error::Msg(format!("node {number} ({name}): {error}"))
        })?;
        let inputs = inputs.to_vec();
        self.nodes.push(Node { op, inputs, shape });
        Ok(NodeId(number))
    }

    /// The shape of its input.
    pub fn input(&self) -> ImageShape {
        self.input
    }

    /// The last result.
    pub fn output(&self) -> NodeId {
        NodeId(self.nodes.len())
    }

    /// The shape of its output.
    pub fn output_shape(&self) -> ImageShape {
        self.shape(self.output())
    }

    /// The shape of a result of this graph.
    ///
    /// # Panics
    /// When there is no such result, because `id` is of another graph.
    pub fn shape(&self, id: NodeId) -> ImageShape {
        match id.0.checked_sub(1) {
            None => self.input,
            Some(node) => self.nodes[node].shape,
        }
    }

    /// Its operations in order: each uses results of earlier ones only.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All of its tensors, each once, in the order of their use.
    pub fn parameters(&self) -> Vec<GraphParameter> {
        let mut all: Vec<GraphParameter> = Vec::new();
        for parameter in self.nodes.iter().flat_map(|node| self.parameters_of(node)) {
            if all.iter().all(|other| other.name != parameter.name) {
                all.push(parameter);
            }
        }
        all
    }

    /// The number of classes that it expects of labels; `None` if it does not use them.
    pub fn classes(&self) -> Option<usize> {
        self.nodes.iter().find_map(|node| node.op.classes())
    }

    /// The multiplications, each with an addition, of its linear maps for one example.
    pub fn multiply_adds(&self) -> u64 {
        let all = self.nodes.iter().map(|node| self.multiply_adds_of(node));
        all.fold(0, u64::saturating_add)
    }

    /// SHA-256, in hexadecimal, of its JSON with sorted keys and without spaces: equal for graphs that compute the same with tensors of the
    /// same names.
    pub fn sha256(&self) -> String {
        let mut json = serde_json::json!(self);
        json.sort_all_objects();
        hex(&Sha256::digest(json.to_string()))
    }

    fn parameters_of(&self, node: &Node) -> Vec<GraphParameter> {
        node.op.parameters(self.shape(node.inputs[0]))
    }

    fn multiply_adds_of(&self, node: &Node) -> u64 {
        node.op
            .multiply_adds(self.shape(node.inputs[0]), node.shape)
    }

    /// The shape of the result of an operation that may follow.
    fn checked(&self, op: &Op, inputs: &[NodeId]) -> Result<ImageShape> {
        if self.nodes.len() >= MOST_NODES {
            candle_core::bail!("expected at most {MOST_NODES} nodes");
        }
        if let Some(late) = inputs.iter().find(|id| **id > self.output()) {
            let (late, last) = (late.0, self.output().0);
            candle_core::bail!("input {late}, expected an earlier result, at most {last}");
        }
        let shapes: Vec<_> = inputs.iter().map(|id| self.shape(*id)).collect();
        let shape = op.output(&shapes)?;
        check_values(shape)?;
        self.check_classes(op)?;
        self.check_names(op)?;
        for GraphParameter { name, shape, .. } in op.parameters(shapes[0]) {
            let count = shape.iter().copied().try_fold(1, usize::checked_mul);
            if count.is_none_or(|count| count > MOST_PARAMETERS) {
                candle_core::bail!(
                    "{name:?} of shape {shape:?}, expected at most {MOST_PARAMETERS} values"
                );
            }
        }
        Ok(shape)
    }

    fn check_classes(&self, op: &Op) -> Result<()> {
        match (op.classes(), self.classes()) {
            (Some(found), Some(expected)) if found != expected => {
                candle_core::bail!("{found} classes, expected {expected} as elsewhere in the graph")
            }
            _ => Ok(()),
        }
    }

    /// Whether the operation's tensors are its own. Dropouts share their count, which is no one else's.
    fn check_names(&self, op: &Op) -> Result<()> {
        let ops = || self.nodes.iter().map(|node| &node.op);
        if let Op::Dropout { count, .. } = op
            && let Some(expected) = ops().find_map(Op::dropout_count)
        {
            if count != expected {
                candle_core::bail!(
                    "count {count:?}, expected {expected:?} as elsewhere in the graph"
                );
            }
            return Ok(());
        }
        let names: Vec<&str> = op.parameter_names().collect();
        for (index, name) in names.iter().enumerate() {
            let mut used = ops().flat_map(Op::parameter_names);
            if name.is_empty() {
                candle_core::bail!("a tensor without a name");
            }
            if names[..index].contains(name) || used.any(|used| used == *name) {
                candle_core::bail!("{name:?} is the name of another tensor of the graph");
            }
        }
        Ok(())
    }
}

fn check_values(shape: ImageShape) -> Result<()> {
    match shape::values(shape) {
        Some(1..=MOST_VALUES) => Ok(()),
        _ => candle_core::bail!("shape {shape}, expected 1 to {MOST_VALUES} values"),
    }
}

/// A graph as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedGraph {
    input: ImageShape,
    nodes: Vec<UncheckedNode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedNode {
    #[serde(deserialize_with = "operation")]
    op: Op,
    inputs: Vec<NodeId>,
}

/// An operation without unknown fields, which serde ignores in those that have none.
fn operation<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Op, D::Error> {
    let fields = serde_json::Map::deserialize(deserializer)?;
    let op = serde_json::from_value::<Op>(fields.clone().into()).map_err(D::Error::custom)?;
    let known = serde_json::json!(op);
    match fields.keys().find(|field| known.get(field).is_none()) {
        Some(field) => Err(D::Error::custom(format!(
            "unknown field `{field}` of {}",
            op.name()
        ))),
        None => Ok(op),
    }
}

impl TryFrom<UncheckedGraph> for Graph {
    type Error = candle_core::Error;

    fn try_from(unchecked: UncheckedGraph) -> Result<Self> {
        let mut graph = Self::new(unchecked.input)?;
        for UncheckedNode { op, inputs } in unchecked.nodes {
            graph.push(op, &inputs)?;
        }
        Ok(graph)
    }
}

#[cfg(test)]
mod tests;
