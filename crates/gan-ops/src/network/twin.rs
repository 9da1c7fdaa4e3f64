//! The same network of plain candle operations.

use super::Inner;
use super::weight::WeightVar;
use crate::ops::activation::Activation;
use crate::ops::batch_norm::BatchNorm;
use crate::ops::{bias, classes, convolution, dropout, linear, maxout, resampling};
use candle_core::{Result, Tensor, Var};
use gan_core::{Mode, Node, Op, Weight};

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
    fn variable(&self, name: &str) -> Result<Var> {
        let all = self.parameters.all().into_iter();
        match all.into_iter().find(|parameter| parameter.name == name) {
            Some(parameter) => Ok(parameter.var),
            None => candle_core::bail!("the tensor {name} of the network is missing"),
        }
    }

    fn weight(&self, weight: &Weight) -> Result<Tensor> {
        let u = weight.spectral.as_ref().map(|u| self.variable(u));
        WeightVar::new(self.variable(&weight.name)?, u.transpose()?)?.twin()
    }

    fn compute(
        &self,
        node: &Node,
        inputs: &[&Tensor],
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let x = inputs[0];
        match node.op() {
            Op::Linear { weight, .. } => linear::twin(x, &self.weight(weight)?),
            Op::Convolution { weight, window, .. } => {
                convolution::twin(x, &self.weight(weight)?, *window)
            }
            Op::TransposedConvolution { weight, window, .. } => {
                convolution::transposed_twin(x, &self.weight(weight)?, *window)
            }
            Op::AveragePooling { size } => resampling::pooling_twin(x, *size),
            Op::Upsampling { factor } => resampling::upsampling_twin(x, *factor),
            Op::Bias { bias } => bias::twin(x, self.variable(bias)?.as_tensor()),
            Op::BatchNorm {
                weight,
                bias,
                running_mean,
                running_var,
                eps,
                momentum,
            } => BatchNorm {
                weight: self.variable(weight)?,
                bias: self.variable(bias)?,
                running_mean: self.variable(running_mean)?,
                running_variance: self.variable(running_var)?,
                eps: *eps,
                momentum: *momentum,
            }
            .twin(x, mode),
            Op::LeakyRelu { slope } => Activation::LeakyRelu { slope: *slope }.twin(x),
            Op::Tanh => Activation::Tanh.twin(x),
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
