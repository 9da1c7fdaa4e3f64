//! A network's passes: forward, its gradients by inputs and by parameters, and along tangents.

use super::norm::{Batches, Norm, Normalized};
use super::spectral::Spectral;
use crate::launch::{Arena, Place};
use crate::tensors::Tensors;
use candle_core::Result;
use gan_core::{Graph, GraphStage, GraphStages, ImageShape, Op, ParameterStore, Seed, Source};

/// A graph with its tensors in a machine's memory.
pub(crate) struct Network<'g> {
    pub(super) stages: GraphStages<'g>,
    pub(crate) tensors: Tensors,
    /// All tensors, and the gradients of the trained ones.
    pub(crate) theta: Place,
    pub(crate) gradient: Place,
    /// Of each stage's weight, if it is normalized.
    pub(super) spectral: Vec<Option<Spectral>>,
    pub(super) seed: Seed,
    /// Whether it gives one number an example and is piecewise linear, without batch normalization: an example's
    /// gradients are then those of its logit times a factor.
    scales: bool,
}

/// A recorded forward pass over batches of `examples` each.
pub(crate) struct Pass {
    pub(crate) batches: usize,
    pub(crate) examples: usize,
    pub(super) labels: Option<Place>,
    /// As the first stages read it.
    pub(super) input: Place,
    pub(super) stages: Vec<Saved>,
}

pub(super) struct Saved {
    pub(super) output: Place,
    pub(super) normalized: Option<Normalized>,
    pub(super) mask: Option<Place>,
}

/// Gradients with respect to what each stage's map made, of some batches.
pub(crate) struct Deltas {
    pub(super) first: usize,
    pub(super) batches: usize,
    pub(super) products: Vec<Place>,
}

pub(super) fn pixels(shape: ImageShape) -> usize {
    shape.height * shape.width
}

/// A vector of an image's numbers in PyTorch's order, in which images lie outside of networks.
pub(super) fn flat(shape: ImageShape) -> ImageShape {
    ImageShape {
        channels: shape.elements(),
        height: 1,
        width: 1,
    }
}

/// Whether an image's numbers lie in PyTorch's order in a network too.
pub(super) fn is_flat(shape: ImageShape) -> bool {
    shape.channels == 1 || pixels(shape) == 1
}

impl<'g> Network<'g> {
    /// The network of a graph, with places for its tensors. seed: of dropout.
    pub(crate) fn new(
        graph: &'g Graph,
        parameters: &ParameterStore,
        seed: Seed,
        arena: &mut Arena,
    ) -> Result<Self> {
        let stages = graph.stages()?;
        let tensors = Tensors::new(graph, parameters);
        let theta = arena.floats(tensors.count());
        let gradient = arena.floats(tensors.trained());
        let mut spectral = Vec::new();
        for stage in &stages.stages {
            spectral.push(
                match weight_of(stage).and_then(|w| w.spectral.as_ref().map(|u| (w, u))) {
                    None => None,
                    Some((weight, u)) => {
                        let trained = tensors.range(&weight.name)?;
                        let u = tensors.range(u)?;
                        let (rows, count) = (u.len(), trained.len());
                        Some(Spectral {
                            trained: theta.floats(trained.start, count),
                            u: theta.floats(u.start, rows),
                            v: arena.floats(count / rows),
                            sigma: arena.floats(1),
                            in_force: arena.floats(count),
                            rows,
                            columns: count / rows,
                        })
                    }
                },
            );
        }
        let curved = |op: &Op| matches!(op, Op::Tanh | Op::BatchNorm { .. });
        let is_linear = graph.nodes().iter().all(|node| !curved(node.op()));
        Ok(Self {
            scales: is_linear && graph.output_shape().elements() == 1,
            stages,
            tensors,
            theta,
            gradient,
            spectral,
            seed,
        })
    }

    /// Whether gradients of logits are computed once for all uses.
    pub(crate) fn scales(&self) -> bool {
        self.scales
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Place> {
        let range = self.tensors.range(name)?;
        Ok(self.theta.floats(range.start, range.len()))
    }

    pub(super) fn gradient_of(&self, name: &str) -> Result<Place> {
        let range = self.tensors.range(name)?;
        Ok(self.gradient.floats(range.start, range.len()))
    }

    /// The weight in force of a stage.
    pub(super) fn weight(&self, index: usize) -> Result<Place> {
        match (&self.spectral[index], weight_of(&self.stages.stages[index])) {
            (Some(spectral), _) => Ok(spectral.in_force),
            (None, Some(weight)) => self.tensor(&weight.name),
            (None, None) => candle_core::bail!("stage {index} has no weight"),
        }
    }

    pub(super) fn norm(&self, stage: &GraphStage<'_>) -> Result<Option<Norm>> {
        let Some(Op::BatchNorm {
            weight,
            bias,
            running_mean,
            running_var,
            eps,
            momentum,
        }) = stage.norm
        else {
            return Ok(None);
        };
        Ok(Some(Norm {
            weight: self.tensor(weight)?,
            bias: self.tensor(bias)?,
            running_mean: self.tensor(running_mean)?,
            running_variance: self.tensor(running_var)?,
            eps: *eps,
            momentum: *momentum,
        }))
    }
}

impl Pass {
    pub(super) fn output_of(&self, source: Source) -> Place {
        match source {
            Source::Input => self.input,
            Source::Stage(stage) => self.stages[stage].output,
        }
    }

    /// A stage's output of some batches.
    pub(super) fn part(
        &self,
        stage: usize,
        first: usize,
        batches: usize,
        shape: ImageShape,
    ) -> Place {
        let size = self.examples * shape.elements();
        self.stages[stage]
            .output
            .floats(first * size, batches * size)
    }

    pub(super) fn sizes(&self, stage: &GraphStage<'_>, batches: usize) -> Batches {
        Batches {
            batches,
            rows: self.examples * pixels(stage.shape),
            channels: stage.shape.channels,
        }
    }
}

pub(super) fn weight_of<'g>(stage: &GraphStage<'g>) -> Option<&'g gan_core::Weight> {
    match stage.map? {
        Op::Linear { weight, .. }
        | Op::Convolution { weight, .. }
        | Op::TransposedConvolution { weight, .. } => Some(weight),
        _ => None,
    }
}
