//! A network's forward pass in training mode.

use super::maps::{Seen, Way};
use super::network::{Network, Pass, Saved, flat, is_flat, pixels};
use super::product::Geometry;
use super::recorder::{Activation, Finish, Recorder, number, random_module};
use crate::launch::{Argument, KernelFile, Place};
use candle_core::Result;
use gan_core::{ImageShape, Op, Purpose, Source};

impl Network<'_> {
    /// A pass in training mode over `batches` of `examples` each. input: images or vectors in PyTorch's order; labels:
    /// of the examples of each batch; result: where the output goes, if not to a new place.
    pub(crate) fn forward(
        &self,
        recorder: &mut Recorder,
        input: Place,
        [batches, examples]: [usize; 2],
        labels: Option<Place>,
        result: Option<Place>,
    ) -> Result<Pass> {
        for spectral in self.spectral.iter().flatten() {
            spectral.normalize(recorder);
        }
        let all = batches * examples;
        let shape = self.stages.input;
        let input = match is_flat(shape) {
            true => input,
            false => recorder.reordered(all, input, [flat(shape), shape], &Finish::default()),
        };
        let mut pass = Pass {
            batches,
            examples,
            labels,
            input,
            stages: Vec::new(),
        };
        let count = self.stages.stages.len();
        let mut drawn = 0;
        for index in 0..count {
            let is_result = index + 1 == count && is_flat(self.stages.output);
            let result = result.filter(|_| is_result);
            let saved = self.forward_stage(recorder, &pass, index, result, &mut drawn)?;
            pass.stages.push(saved);
        }
        if let Some(count) = self.dropout_count()? {
            let module = recorder.plain(KernelFile::Updates);
            recorder.launch(&module, "count_pass", [1, 1, 1], vec![Argument::Out(count)]);
        }
        Ok(pass)
    }

    fn forward_stage(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        index: usize,
        result: Option<Place>,
        drawn: &mut u64,
    ) -> Result<Saved> {
        let stage = &self.stages.stages[index];
        let all = pass.batches * pass.examples;
        let x = pass.output_of(stage.input);
        let norm = self.norm(stage)?;
        let activation = Activation::of(stage.activation);
        let bias = stage.bias.map(|bias| self.tensor(bias)).transpose()?;
        let finish = Finish {
            activation: match norm {
                Some(_) => Activation::Identity,
                None => activation,
            },
            bias,
            more: stage.shortcut.map(|source| pass.output_of(source)),
            result: result.filter(|_| norm.is_none()),
            ..Finish::default()
        };
        let mask = match stage.map {
            Some(Op::Dropout { kept, count }) => {
                let count = self.tensor(count)?;
                Some(self.mask(recorder, *kept, count, all, stage.shape, drawn))
            }
            _ => None,
        };
        let geometry = Geometry::of(stage);
        if let (Some(geometry), Some(norm), 1) = (&geometry, &norm, pass.batches) {
            let weight = self.weight(index)?;
            let finish = Finish {
                activation,
                result,
                ..finish
            };
            let done = recorder.product_normalized(geometry, norm, all, [x, weight], &finish);
            if let Some((output, normalized)) = done {
                return Ok(Saved {
                    output,
                    normalized: Some(normalized),
                    mask,
                });
            }
        }
        let output = match geometry {
            Some(geometry) => {
                let weight = self.weight(index)?;
                recorder.product(&geometry, true, all, x, weight, &finish)
            }
            None => {
                let seen = Seen {
                    input: x,
                    output: x,
                    mask,
                    labels: pass.labels,
                    examples_of_batch: pass.examples,
                };
                recorder.map(stage, Way::Forward, &seen, all, x, &finish)
            }
        };
        let Some(norm) = norm else {
            return Ok(Saved {
                output,
                normalized: None,
                mask,
            });
        };
        let sizes = pass.sizes(stage, pass.batches);
        let (output, normalized) = recorder.normalize(&norm, activation, sizes, output, result);
        Ok(Saved {
            output,
            normalized: Some(normalized),
            mask,
        })
    }

    /// Dropout's factors for all values of a stage, drawn behind `drawn` others of the pass.
    fn mask(
        &self,
        recorder: &mut Recorder,
        kept: f64,
        count: Place,
        examples: usize,
        shape: ImageShape,
        drawn: &mut u64,
    ) -> Place {
        /// 2³²
        const WORDS: f64 = 4_294_967_296.0;
        let values = examples * shape.elements();
        let mask = recorder.arena.floats(values);
        let module = random_module();
        let arguments = vec![
            Argument::Out(mask),
            number(examples).into(),
            number(pixels(shape)).into(),
            number(shape.channels).into(),
            (*drawn).into(),
            ((kept * WORDS) as u64).into(),
            ((1.0 / kept) as f32).into(),
            self.seed.0.into(),
            (Purpose::Dropout as u32).into(),
            Argument::In(count),
        ];
        recorder.for_each(&module, "dropout_mask", values.div_ceil(16) + 1, arguments);
        *drawn += values as u64;
        mask
    }

    fn dropout_count(&self) -> Result<Option<Place>> {
        let counts = self.stages.stages.iter().find_map(|stage| match stage.map {
            Some(Op::Dropout { count, .. }) => Some(self.tensor(count)),
            _ => None,
        });
        counts.transpose()
    }

    /// What the network made, in PyTorch's order; `result` as in [`forward`](Self::forward).
    pub(crate) fn output(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        result: Option<Place>,
    ) -> Place {
        let shape = self.stages.output;
        let all = pass.batches * pass.examples;
        let last = pass.output_of(Source::Stage(self.stages.stages.len() - 1));
        match is_flat(shape) {
            true => last,
            false => {
                let finish = Finish {
                    result,
                    ..Finish::default()
                };
                recorder.reordered(all, last, [shape, flat(shape)], &finish)
            }
        }
    }
}
