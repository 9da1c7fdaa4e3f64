//! A network that can be computed: a graph with its tensors.

mod backward;
mod forward;
mod gradient_buffers;
mod lower;
mod stage;
mod tape;
mod twin;
mod variables;
mod weight;

use crate::element::{Element, for_dtype};
use crate::lines::Lines;
use crate::ops::Labels;
use crate::scratch::Scratch;
use crate::transfer::{cut, join};
use backward::Record;
use candle_core::{Result, Tensor};
use forward::{Pass, run};
use gan_core::{Graph, Mode, Op, ParameterStore, Recorded, Seed};
use gradient_buffers::GradientBuffers;
use lower::Program;
use std::sync::{Arc, OnceLock};
use tape::NetworkTape;

/// A [`Graph`] with the tensors that it names. Clones share them.
///
/// [`record`](Self::record) and [`infer`](Self::infer) are the fast forms, on the CPU in f32 or f64;
/// [`forward`](Self::forward) is their twin of plain candle operations, for every device. Where the tensors
/// are on another device, the fast forms use it too.
///
/// In evaluation mode an example's numbers depend neither on how many are computed together nor on the number
/// of threads.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    graph: Graph,
    program: Arc<Program>,
    parameters: ParameterStore,
    /// Of the units that dropout drops.
    seed: Seed,
    scratch: (Scratch<f32>, Scratch<f64>),
    gradients: GradientBuffers,
}

impl Network {
    /// The network of `graph` with the tensors of that name in `parameters`. seed: of dropout.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape or type than the others.
    pub fn new(graph: Graph, parameters: ParameterStore, seed: Seed) -> Result<Self> {
        let program = Program::new(&graph, &parameters)?;
        let sizes = graph.parameters().into_iter();
        let largest = sizes.map(|parameter| parameter.shape.iter().product());
        Ok(Self {
            inner: Arc::new(Inner {
                gradients: GradientBuffers::new(largest.max().unwrap_or(0), parameters.dtype()),
                program: Arc::new(program),
                scratch: Default::default(),
                graph,
                parameters,
                seed,
            }),
        })
    }

    /// What it computes.
    pub fn graph(&self) -> &Graph {
        &self.inner.graph
    }

    /// Its tensors.
    pub fn parameters(&self) -> &ParameterStore {
        &self.inner.parameters
    }

    /// The same network with copies of all tensors, which it shares with no other.
    ///
    /// # Errors
    /// When the tensors cannot be copied.
    pub fn copy(&self) -> Result<Self> {
        let Inner {
            graph,
            parameters,
            seed,
            ..
        } = &*self.inner;
        Self::new(graph.clone(), parameters.copy()?, *seed)
    }

    /// x `[n, …]` → `[n, c, h, w]`, differentiable on candle's graph, on every device.
    ///
    /// `labels` (`[n]`, u32) are for networks with class operations; the others ignore them.
    ///
    /// # Errors
    /// When the shapes do not fit, the batch is empty, labels are missing, or batch normalization in training
    /// mode gets one value per channel.
    pub fn forward(&self, x: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(&[x])?;
        twin::forward(&self.inner, x, labels, mode)
    }

    /// [`forward`](Self::forward) without gradients.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward).
    pub fn infer(&self, x: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        if !self.is_on_cpu() {
            return Ok(self.forward(x, labels, mode)?.detach());
        }
        self.check(&[x])?;
        for_dtype!(
            self.inner.parameters.dtype(),
            "a network",
            infer(self, x, labels, mode)
        )
    }

    /// [`forward`](Self::forward) in training mode with its backward pass: batches `[n, …]` → outputs
    /// `[n, c, h, w]`. Each batch is normalized by its own statistics; `labels` are those of every batch.
    ///
    /// # Errors
    /// Those of [`forward`](Self::forward).
    pub fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        let shape = self.inner.graph.output_shape();
        let shape = [shape.channels, shape.height, shape.width];
        self.recorded(batches, labels, &shape)
    }

    /// [`record`](Self::record) of a network with one number as output: logits `[n]`.
    ///
    /// If every operation is piecewise linear and none mixes examples, the tape can also compute the gradients
    /// of gradient penalties, and computes the gradients of the logits once for all uses.
    ///
    /// # Errors
    /// Those of [`record`](Self::record), and when the output is more than one number.
    pub fn record_logits(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        let found = self.inner.graph.output_shape();
        if found.elements() != 1 {
            candle_core::bail!("a network with outputs {found}, expected one logit");
        }
        self.recorded(batches, labels, &[])
    }

    /// Whether the tapes of [`record_logits`](Self::record_logits) can compute the gradients of gradient
    /// penalties: whether every operation is piecewise linear, and examples are independent of each other.
    pub fn has_second_derivatives(&self) -> bool {
        self.is_on_cpu() && self.is_piecewise_linear()
    }

    fn is_piecewise_linear(&self) -> bool {
        let mut nodes = self.inner.graph.nodes().iter();
        nodes.all(|node| !matches!(node.op(), Op::Tanh | Op::BatchNorm { .. }))
    }

    fn is_on_cpu(&self) -> bool {
        self.inner.parameters.device().is_cpu()
    }

    /// shape: of an example's output.
    fn recorded(
        &self,
        batches: &[&Tensor],
        labels: Option<&Tensor>,
        shape: &[usize],
    ) -> Result<Recorded> {
        self.check(batches)?;
        if !self.is_on_cpu() {
            return Recorded::on_graph(batches, &self.inner.parameters, |x| {
                let y = twin::forward(&self.inner, x, labels, Mode::Train)?;
                reshaped(&y, shape)
            });
        }
        for_dtype!(
            self.inner.parameters.dtype(),
            "a network",
            record(self, batches, labels, shape)
        )
    }

    fn gradient_buffers(&self) -> &GradientBuffers {
        &self.inner.gradients
    }

    /// Refuses no batches, batches without examples, which have no mean, and examples of another size.
    fn check(&self, batches: &[&Tensor]) -> Result<()> {
        if batches.is_empty() {
            candle_core::bail!("no batch was given, expected at least one");
        }
        let expected = self.inner.graph.input();
        for (index, batch) in batches.iter().enumerate() {
            let shape = batch.dims();
            let elements: usize = shape.iter().skip(1).product();
            if shape.first().is_none_or(|n| *n == 0) {
                candle_core::bail!(
                    "batch {index} of shape {shape:?} is empty, expected 1 example or more"
                );
            }
            if elements != expected.elements() {
                candle_core::bail!(
                    "batch {index} of shape {shape:?}, expected examples of {expected}"
                );
            }
        }
        Ok(())
    }
}

/// y `[n, c, h, w]` as `[n, …]` of this shape.
fn reshaped(y: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let mut dims = vec![y.dim(0)?];
    dims.extend(shape);
    y.reshape(dims)
}

impl Inner {
    /// What a pass over batches computes with.
    fn pass<T: Element>(
        &self,
        batches: &[&Tensor],
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Pass<T>> {
        let lines = Lines::new::<T>(batches)?;
        Ok(Pass {
            labels: Labels::new::<T>(labels, self.graph.classes(), &lines)?,
            scratch: T::scratch(&self.scratch).clone(),
            lines,
            mode,
        })
    }
}

fn infer<T: Element>(
    network: &Network,
    x: &Tensor,
    labels: Option<&Tensor>,
    mode: Mode,
) -> Result<Tensor> {
    let inner = &network.inner;
    for weight in inner.program.stages.iter().filter_map(|s| s.map.weight()) {
        weight.refresh::<T>(Mode::Eval)?;
    }
    let pass = inner.pass::<T>(&[x], labels, mode)?;
    let input = cut(
        &pass.lines,
        0..1,
        std::slice::from_ref(x),
        inner.program.input,
        &pass.scratch,
    )?;
    let saved = run(&inner.program, &pass, &input, inner.seed, false)?;
    let Some(Some(last)) = saved.last() else {
        candle_core::bail!("a network without operations");
    };
    let shape = inner.graph.output_shape();
    let y = join(&pass.lines, 0, &last.output, 0)?;
    reshaped(&y, &[shape.channels, shape.height, shape.width])
}

fn record<T: Element>(
    network: &Network,
    batches: &[&Tensor],
    labels: Option<&Tensor>,
    shape: &[usize],
) -> Result<Recorded> {
    let inner = &network.inner;
    let weights = inner.program.stages.iter().map(|stage| stage.map.weight());
    let refresh = weights.map(|weight| match weight {
        Some(weight) => weight.refresh::<T>(Mode::Train),
        None => Ok(None),
    });
    let estimates = refresh.collect::<Result<_>>()?;
    let pass = inner.pass::<T>(batches, labels, Mode::Train)?;
    let tensors: Vec<Tensor> = batches.iter().map(|x| (*x).clone()).collect();
    let all = 0..batches.len();
    let input = cut(
        &pass.lines,
        all.clone(),
        &tensors,
        inner.program.input,
        &pass.scratch,
    )?;
    let saved = run(&inner.program, &pass, &input, inner.seed, true)?;
    let saved: Vec<_> = saved.into_iter().flatten().collect();
    let Some(last) = saved.last() else {
        candle_core::bail!("a network without operations");
    };
    let output = |batch: usize| reshaped(&join(&pass.lines, batch, &last.output, 0)?, shape);
    let outputs = all.map(output).collect::<Result<_>>()?;
    Ok(Recorded {
        outputs,
        tape: Box::new(NetworkTape {
            scales: shape.is_empty() && network.is_piecewise_linear(),
            record: Record {
                program: Arc::clone(&inner.program),
                pass,
                input,
                saved,
            },
            network: network.clone(),
            input_shapes: batches.iter().map(|x| x.shape().clone()).collect(),
            estimates,
            by_logits: OnceLock::new(),
        }),
    })
}
