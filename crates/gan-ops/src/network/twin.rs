//! The same network of plain candle operations.

use super::Inner;
use crate::ops::activation::Activation;
use crate::ops::{bias, classes, convolution, dropout, linear, maxout, resampling};
use candle_core::{Result, Tensor};
use gan_core::{Mode, Node, Op};

/// x `[n, …]` → `[n, c, h, w]`.
pub(super) fn forward(
    inner: &Inner,
    x: &Tensor,
    labels: Option<&Tensor>,
    mode: Mode,
) -> Result<Tensor> {
    let shape = inner.graph.input();
    let n = x.dim(0)?;
    let mut results = vec![x.reshape((n, shape.channels, shape.height, shape.width))?];
    let mut masks = match (&inner.program.dropout_count, mode) {
        (Some(count), Mode::Train) => Some(dropout::TwinMasks::new(count, inner.seed)?),
        _ => None,
    };
    for node in inner.graph.nodes() {
        let inputs: Vec<&Tensor> = node
            .inputs()
            .iter()
            .map(|id| &results[id.index()])
            .collect();
        let y = match (node.op(), &mut masks) {
            (Op::Dropout { kept, .. }, Some(masks)) => masks.drop(inputs[0], *kept)?,
            _ => inner.compute(node, &inputs, labels, mode)?,
        };
        results.push(y);
    }
    match results.pop() {
        Some(last) => Ok(last),
        None => candle_core::bail!("a network without operations"),
    }
}

impl Inner {
    fn compute(
        &self,
        node: &Node,
        inputs: &[&Tensor],
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let (x, variables) = (inputs[0], &self.program.variables);
        match node.op() {
            Op::Linear { weight, .. } => linear::twin(x, &variables.weight(weight)?.twin()?),
            Op::Convolution { weight, window, .. } => {
                convolution::twin(x, &variables.weight(weight)?.twin()?, *window)
            }
            Op::TransposedConvolution { weight, window, .. } => {
                convolution::transposed_twin(x, &variables.weight(weight)?.twin()?, *window)
            }
            Op::AveragePooling { size } => resampling::pooling_twin(x, *size),
            Op::Upsampling { factor } => resampling::upsampling_twin(x, *factor),
            Op::Bias { bias } => bias::twin(x, variables.get(bias)?.as_tensor()),
            Op::BatchNorm { .. } => variables.batch_norm(node.op())?.twin(x, mode),
            op @ (Op::LeakyRelu { .. } | Op::Tanh | Op::Affine { .. }) => {
                Activation::of(op).twin(x)
            }
            Op::Maxout { pieces } => maxout::twin(x, *pieces),
            Op::Dropout { .. } => Ok(x.clone()),
            Op::Add => x + inputs[1],
            Op::Flatten | Op::Unflatten { .. } => {
                let shape = node.shape();
                x.reshape((x.dim(0)?, shape.channels, shape.height, shape.width))
            }
            Op::AppendClass { classes } => classes::append_twin(x, labels, *classes),
            Op::ClassLogit { classes } => classes::logit_twin(x, labels, *classes),
        }
    }
}
