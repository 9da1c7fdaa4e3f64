//! The maps without a weight, with their adjoints and their derivatives along tangents.

use super::recorder::{Finish, Recorder, THREADS, number};
use crate::launch::{Argument, KernelFile, Module, Place, optional};
use gan_core::{GraphStage, ImageShape, Op};
use std::sync::Arc;

/// Which way through a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the input to the output.
    Forward,
    /// From a tangent at the input to the one at the output.
    Tangent,
    /// From a gradient by the output to the one by the input.
    Adjoint,
}

/// What a map saw in the forward pass, of the same examples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) input: Place,
    pub(crate) output: Place,
    /// Dropout's factors.
    pub(crate) mask: Option<Place>,
    /// Of the examples of each batch.
    pub(crate) labels: Option<Place>,
    pub(crate) examples_of_batch: usize,
}

fn pixels(shape: ImageShape) -> usize {
    shape.height * shape.width
}

impl Recorder {
    /// x of `examples` through the map of a stage that has no weight.
    pub(crate) fn map(
        &mut self,
        stage: &GraphStage<'_>,
        way: Way,
        seen: &Seen,
        examples: usize,
        x: Place,
        finish: &Finish,
    ) -> Place {
        let (from, to) = match way {
            Way::Adjoint => (stage.shape, stage.input_shape),
            _ => (stage.input_shape, stage.shape),
        };
        let module = |number: u32| {
            let module = Module::new(KernelFile::Maps, THREADS)
                .with("MAP", number)
                .with("FROM_CHANNELS", from.channels)
                .with("FROM_PIXELS", pixels(from))
                .with("TO_CHANNELS", to.channels)
                .with("TO_PIXELS", pixels(to));
            finish.define(module)
        };
        let resampled = |number: u32, factor: usize, scale: f64| {
            module(number)
                .with("FROM_WIDTH", from.width)
                .with("TO_WIDTH", to.width)
                .with("FACTOR", factor)
                .with("SCALE", format!("{scale:?}"))
        };
        let mean = |size: usize| 1.0 / (size * size) as f64;
        let point = || vec![Argument::In(seen.input), Argument::In(seen.output)];
        let labels = || {
            let examples = number(seen.examples_of_batch).into();
            vec![optional(seen.labels), examples]
        };
        let (module, kernel, more) = match (stage.map, way) {
            (Some(Op::AveragePooling { size }), Way::Adjoint) => {
                (resampled(2, *size, mean(*size)), "spread", Vec::new())
            }
            (Some(Op::AveragePooling { size }), _) => {
                (resampled(1, *size, mean(*size)), "gather", Vec::new())
            }
            (Some(Op::Upsampling { factor }), Way::Adjoint) => {
                (resampled(1, *factor, 1.0), "gather", Vec::new())
            }
            (Some(Op::Upsampling { factor }), _) => {
                (resampled(2, *factor, 1.0), "spread", Vec::new())
            }
            (Some(Op::Maxout { pieces }), Way::Forward) => {
                (module(3).with("PIECES", pieces), "maxout", Vec::new())
            }
            (Some(Op::Maxout { pieces }), Way::Tangent) => {
                (module(4).with("PIECES", pieces), "maxout_tangent", point())
            }
            (Some(Op::Maxout { pieces }), Way::Adjoint) => {
                (module(4).with("PIECES", pieces), "maxout_back", point())
            }
            (Some(Op::Dropout { .. }), _) => (module(5), "dropout", vec![optional(seen.mask)]),
            (Some(Op::AppendClass { .. }), Way::Adjoint) => {
                (module(6), "append_class_back", Vec::new())
            }
            (Some(Op::AppendClass { .. }), Way::Forward) => (module(6), "append_class", labels()),
            (Some(Op::AppendClass { .. }), Way::Tangent) => {
                let none = vec![Argument::None, 1_u32.into()];
                (module(6), "append_class", none)
            }
            (Some(Op::ClassLogit { .. }), Way::Adjoint) => {
                (module(7), "class_logit_back", labels())
            }
            (Some(Op::ClassLogit { .. }), _) => (module(7), "class_logit", labels()),
            _ => (module(0), "reorder", Vec::new()),
        };
        let count = examples * to.elements();
        let result = finish.result(&mut self.arena, count);
        let mut arguments = vec![Argument::In(x), Argument::Out(result)];
        arguments.extend(finish.arguments());
        arguments.push(number(examples).into());
        arguments.extend(more);
        self.for_each(&Arc::new(module), kernel, count, arguments);
        result
    }

    /// x [examples, …] with another order of its numbers: `from` and `to` are the same image or vector in PyTorch's
    /// order.
    pub(crate) fn reordered(
        &mut self,
        examples: usize,
        x: Place,
        [from, to]: [ImageShape; 2],
        finish: &Finish,
    ) -> Place {
        let stage = GraphStage {
            input: gan_core::Source::Input,
            map: None,
            bias: None,
            norm: None,
            shortcut: None,
            activation: None,
            input_shape: from,
            shape: to,
        };
        let seen = Seen {
            input: x,
            output: x,
            mask: None,
            labels: None,
            examples_of_batch: examples,
        };
        self.map(&stage, Way::Forward, &seen, examples, x, finish)
    }
}
