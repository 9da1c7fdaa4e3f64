//! A graph's stages with their tensors.

use super::stage::{Stage, StageMap};
use super::variables::Variables;
use crate::features::Size;
use crate::kernels::sliding::Sliding;
use crate::ops::activation::Activation;
use crate::ops::resampling::Resampling;
use candle_core::{Result, Var};
use gan_core::{Graph, GraphStage, Op, ParameterStore, Source};

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

impl Program {
    /// Finds the graph's tensors by name.
    pub(crate) fn new(graph: &Graph, parameters: &ParameterStore) -> Result<Self> {
        let variables = Variables::new(graph, parameters)?;
        let found = graph.stages()?;
        let stages = found.stages.iter().map(|stage| bound(stage, &variables));
        let stages = stages.collect::<Result<Vec<_>>>()?;
        let dropout_count = graph.nodes().iter().find_map(|node| match node.op() {
            Op::Dropout { count, .. } => Some(variables.get(count)),
            _ => None,
        });
        Ok(Self {
            last_readers: last_readers(&stages),
            input: Size::of(found.input),
            output: Size::of(found.output),
            dropout_count: dropout_count.transpose()?,
            stages,
            variables,
        })
    }
}

fn last_readers(stages: &[Stage]) -> Vec<usize> {
    let mut last: Vec<usize> = (0..stages.len()).collect();
    for (index, stage) in stages.iter().enumerate() {
        for source in [Some(stage.input), stage.shortcut].into_iter().flatten() {
            if let Source::Stage(earlier) = source {
                last[earlier] = index;
            }
        }
    }
    last
}

fn bound(stage: &GraphStage<'_>, variables: &Variables) -> Result<Stage> {
    let norm = stage.norm.map(|norm| variables.batch_norm(norm));
    let bias = stage.bias.map(|bias| variables.get(bias));
    Ok(Stage {
        input: stage.input,
        map: map(stage, variables)?,
        bias: bias.transpose()?,
        norm: norm.transpose()?,
        shortcut: stage.shortcut,
        activation: stage
            .activation
            .map_or(Activation::Identity, Activation::of),
        input_size: Size::of(stage.input_shape),
        size: Size::of(stage.shape),
    })
}

fn map(stage: &GraphStage<'_>, variables: &Variables) -> Result<StageMap> {
    let (from, to) = (stage.input_shape, stage.shape);
    Ok(match stage.map {
        Some(Op::Linear { weight, .. }) => StageMap::Linear(variables.weight(weight)?),
        Some(Op::Convolution { weight, window, .. }) => {
            StageMap::Shrinking(variables.weight(weight)?, Sliding::new(*window, from, to))
        }
        Some(Op::TransposedConvolution { weight, window, .. }) => {
            StageMap::Enlarging(variables.weight(weight)?, Sliding::new(*window, to, from))
        }
        Some(Op::AveragePooling { size }) => StageMap::Pooling(Resampling {
            small: to,
            factor: *size,
        }),
        Some(Op::Upsampling { factor }) => StageMap::Upsampling(Resampling {
            small: from,
            factor: *factor,
        }),
        Some(Op::Maxout { pieces }) => StageMap::Maxout(*pieces),
        Some(Op::Dropout { kept, .. }) => StageMap::Dropout(*kept),
        Some(Op::AppendClass { .. }) => StageMap::AppendClass,
        Some(Op::ClassLogit { .. }) => StageMap::ClassLogit,
        None => StageMap::Reshape,
        Some(other) => candle_core::bail!("{} is no map", other.name()),
    })
}
