//! A network's backward pass: gradients with respect to what each stage's map made, and to the input.

use super::maps::{Seen, Way};
use super::network::{Deltas, Network, Pass, flat, is_flat};
use super::product::Geometry;
use super::recorder::{Activation, Finish, Recorder};
use crate::launch::Place;
use candle_core::Result;
use gan_core::{GraphStage, ImageShape, Op, Source};

impl Network<'_> {
    /// The gradients over `batches` from number `first` on, from those by the output, in PyTorch's order. by_norms:
    /// whether those of γ and β are wanted.
    pub(crate) fn deltas(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        [first, batches]: [usize; 2],
        by_output: Place,
        by_norms: bool,
    ) -> Result<Deltas> {
        let count = self.stages.stages.len();
        let mut products: Vec<Option<Place>> = vec![None; count];
        let all = batches * pass.examples;
        for index in (0..count).rev() {
            let stage = &self.stages.stages[index];
            let finish = Finish {
                activation: Activation::of(stage.activation),
                is_backward: true,
                saved: Some(pass.part(index, first, batches, stage.shape)),
                ..Finish::default()
            };
            let gradient = if index + 1 == count {
                let shape = self.stages.output;
                let needs_work = stage.norm.is_some() || finish.activation != Activation::Identity;
                match needs_work || !is_flat(shape) {
                    true => recorder.reordered(all, by_output, [flat(shape), shape], &finish),
                    false => by_output,
                }
            } else {
                let readers = self.readers(Source::Stage(index));
                self.gathered(
                    recorder,
                    pass,
                    [first, batches],
                    &readers,
                    &products,
                    &finish,
                )?
            };
            if let (Some(norm), Some(normalized)) =
                (self.norm(stage)?, pass.stages[index].normalized)
            {
                let sizes = pass.sizes(stage, batches);
                let by = match (stage.norm, by_norms) {
                    (Some(Op::BatchNorm { weight, bias, .. }), true) => {
                        Some([self.gradient_of(weight)?, self.gradient_of(bias)?])
                    }
                    _ => None,
                };
                let normalized = normalized.of_batches(first, sizes);
                recorder.normalize_back(&norm, sizes, normalized, gradient, by);
            }
            products[index] = Some(gradient);
        }
        Ok(Deltas {
            first,
            batches,
            products: products.into_iter().flatten().collect(),
        })
    }

    /// The gradient by the input over the batches of `deltas` from number `first` on, in PyTorch's order.
    pub(crate) fn input_gradient(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        deltas: &Deltas,
        [first, batches]: [usize; 2],
    ) -> Result<Place> {
        let skipped = (first - deltas.first) * pass.examples;
        let all = batches * pass.examples;
        let of_stage = |(place, stage): (&Place, &GraphStage<'_>)| {
            let size = stage.shape.elements();
            Some(place.floats(skipped * size, all * size))
        };
        let stages = &self.stages.stages;
        let products: Vec<_> = deltas.products.iter().zip(stages).map(of_stage).collect();
        let finish = Finish {
            is_backward: true,
            ..Finish::default()
        };
        let readers = self.readers(Source::Input);
        let part = [first, batches];
        let gradient = self.gathered(recorder, pass, part, &readers, &products, &finish)?;
        let shape = self.stages.input;
        Ok(match is_flat(shape) {
            true => gradient,
            false => recorder.reordered(all, gradient, [shape, flat(shape)], &Finish::default()),
        })
    }

    /// What reads a result: the numbers of stages, and whether as their shortcut.
    pub(super) fn readers(&self, source: Source) -> Vec<(usize, bool)> {
        let stages = self.stages.stages.iter().enumerate();
        let readers = stages.flat_map(|(index, stage)| {
            let map = (stage.input == source).then_some((index, false));
            let shortcut = (stage.shortcut == Some(source)).then_some((index, true));
            map.into_iter().chain(shortcut)
        });
        readers.collect()
    }

    /// The sum of the gradients that come from `readers`, through `finish`.
    fn gathered(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        [first, batches]: [usize; 2],
        readers: &[(usize, bool)],
        products: &[Option<Place>],
        finish: &Finish,
    ) -> Result<Place> {
        let of = |stage: usize| match products[stage] {
            Some(products) => Ok(products),
            None => candle_core::bail!("stage {stage} has no gradient yet"),
        };
        let all = batches * pass.examples;
        // The last way is fused with what comes after it; the others are summed before.
        let (shortcuts, maps): (Vec<_>, Vec<_>) = readers.iter().partition(|(_, short)| *short);
        let mut sum: Option<Place> = None;
        for (position, (stage, _)) in shortcuts.iter().enumerate() {
            let gradient = of(*stage)?;
            let is_last = maps.is_empty() && position + 1 == shortcuts.len();
            sum = Some(match (sum, is_last) {
                (None, false) => gradient,
                (more, _) => {
                    let shape = self.stages.stages[*stage].shape;
                    let finish = Finish {
                        more,
                        ..if is_last { *finish } else { plain_back() }
                    };
                    recorder.reordered(all, gradient, [shape, shape], &finish)
                }
            });
        }
        for (position, (index, _)) in maps.iter().enumerate() {
            let stage = &self.stages.stages[*index];
            let finish = Finish {
                more: sum,
                ..if position + 1 == maps.len() {
                    *finish
                } else {
                    plain_back()
                }
            };
            let gradient = of(*index)?;
            sum = Some(match Geometry::of(stage) {
                Some(geometry) => {
                    let weight = self.weight(*index)?;
                    recorder.product(&geometry, false, all, gradient, weight, &finish)
                }
                None => {
                    let seen = self.seen(pass, *index, first, batches);
                    recorder.map(stage, Way::Adjoint, &seen, all, gradient, &finish)
                }
            });
        }
        match sum {
            Some(sum) => Ok(sum),
            None => candle_core::bail!("a result that nothing reads"),
        }
    }

    /// What a stage's map saw, of some batches.
    pub(super) fn seen(&self, pass: &Pass, index: usize, first: usize, batches: usize) -> Seen {
        let stage = &self.stages.stages[index];
        let of = |place: Place, shape: ImageShape| {
            let size = pass.examples * shape.elements();
            place.floats(first * size, batches * size)
        };
        Seen {
            input: of(pass.output_of(stage.input), stage.input_shape),
            output: of(pass.stages[index].output, stage.shape),
            mask: pass.stages[index].mask.map(|mask| of(mask, stage.shape)),
            labels: pass.labels,
            examples_of_batch: pass.examples,
        }
    }
}

/// A term of a gradient that is not the last.
fn plain_back() -> Finish {
    Finish {
        is_backward: true,
        ..Finish::default()
    }
}
