//! A network's backward pass: gradients with respect to what each stage's map made, and to the input.

use super::maps::{Seen, Way};
use super::network::{Deltas, Network, Pass, flat, is_flat};
use super::product::Geometry;
use super::recorder::{Activation, Finish, Recorder};
use crate::launch::Place;
use candle_core::Result;
use gan_core::{GraphStage, ImageShape, Op, Source};

/// By what a gradient is given.
#[derive(Clone, Copy)]
pub(crate) enum By {
    /// By the output, in PyTorch's order.
    Output(Place),
    /// By what the last stage's map made.
    Product(Place),
}

impl Network<'_> {
    /// What the gradient by the output needs to become the one by what the last stage's map made, if whoever computes
    /// it can do that too.
    pub(crate) fn output_finish(&self, pass: &Pass) -> Option<Finish> {
        let last = self.stages.stages.len() - 1;
        let stage = &self.stages.stages[last];
        let joins = stage.norm.is_none() && is_flat(self.stages.output);
        joins.then(|| Finish {
            activation: Activation::of(stage.activation),
            is_backward: true,
            saved: Some(pass.stages[last].output),
            ..Finish::default()
        })
    }

    /// The gradients over `batches` from number `first` on, from those by the output. by_norms: whether those of γ and β
    /// are wanted.
    pub(crate) fn deltas(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        [first, batches]: [usize; 2],
        by: By,
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
                match by {
                    By::Product(gradient) => gradient,
                    By::Output(gradient) if needs_work || !is_flat(shape) => {
                        recorder.reordered(all, gradient, [flat(shape), shape], &finish)
                    }
                    By::Output(gradient) => gradient,
                }
            } else {
                let readers = self.readers(Source::Stage(index));
                if let ([(reader, false)], 1, true) = (readers.as_slice(), pass.batches, by_norms) {
                    let places = (index, *reader);
                    let done = self.normalized_back(recorder, pass, places, &products, &finish)?;
                    if let Some(gradient) = done {
                        products[index] = Some(gradient);
                        continue;
                    }
                }
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
                let by = match by_norms {
                    true => self.gradients_of_norm(stage)?,
                    false => None,
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

    /// Where the gradients of γ and β go.
    fn gradients_of_norm(&self, stage: &GraphStage<'_>) -> Result<Option<[Place; 2]>> {
        match stage.norm {
            Some(Op::BatchNorm { weight, bias, .. }) => {
                Ok(Some([self.gradient_of(weight)?, self.gradient_of(bias)?]))
            }
            _ => Ok(None),
        }
    }

    /// The gradient by what a normalized stage's map made, from its one reader's, if both are one kernel's work.
    fn normalized_back(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        (index, reader): (usize, usize),
        products: &[Option<Place>],
        finish: &Finish,
    ) -> Result<Option<Place>> {
        let stage = &self.stages.stages[index];
        let (Some(norm), Some(normalized), Some(by), Some(geometry), Some(gradient)) = (
            self.norm(stage)?,
            pass.stages[index].normalized,
            self.gradients_of_norm(stage)?,
            Geometry::of(&self.stages.stages[reader]),
            products[reader],
        ) else {
            return Ok(None);
        };
        let weight = self.weight(reader)?;
        let examples = pass.examples;
        let norm = (&norm, normalized);
        Ok(recorder.product_normalized_back(
            &geometry,
            norm,
            examples,
            [gradient, weight],
            finish,
            by,
        ))
    }

    /// The gradient by the input over the batches of `deltas` from number `first` on, in PyTorch's order, through
    /// `finish`.
    pub(crate) fn input_gradient(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        deltas: &Deltas,
        [first, batches]: [usize; 2],
        finish: &Finish,
    ) -> Result<Place> {
        let skipped = (first - deltas.first) * pass.examples;
        let all = batches * pass.examples;
        let of_stage = |(place, stage): (&Place, &GraphStage<'_>)| {
            let size = stage.shape.elements();
            Some(place.floats(skipped * size, all * size))
        };
        let stages = &self.stages.stages;
        let products: Vec<_> = deltas.products.iter().zip(stages).map(of_stage).collect();
        let readers = self.readers(Source::Input);
        let (part, shape) = ([first, batches], self.stages.input);
        if is_flat(shape) {
            return self.gathered(recorder, pass, part, &readers, &products, finish);
        }
        let plain = plain_back();
        let gradient = self.gathered(recorder, pass, part, &readers, &products, &plain)?;
        Ok(recorder.reordered(all, gradient, [shape, flat(shape)], finish))
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
pub(super) fn plain_back() -> Finish {
    Finish {
        is_backward: true,
        ..Finish::default()
    }
}
