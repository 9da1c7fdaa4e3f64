//! The backward pass: gradients with respect to what each stage's map made, and to the input.

use super::forward::{Pass, Saved};
use super::lower::Program;
use super::stage::{Stage, Way};
use crate::element::Element;
use crate::features::{Division, Features, Part};
use crate::kernels::tile::lanes;
use crate::ops::activation::Activation;
use crate::ops::batch_norm::{self, NormGradients, Scales, normalize_back};
use crate::ops::dropout::Factors;
use crate::ops::{Map, Point};
use crate::parallel::{for_each_part, map_parts};
use crate::vectors::{Kernel, vectorized};
use candle_core::Result;
use gan_core::Source;
use std::ops::Range;
use std::sync::Arc;

/// A recorded forward pass.
pub(crate) struct Record<T> {
    pub(crate) program: Arc<Program>,
    pub(crate) pass: Pass<T>,
    pub(crate) input: Features<T>,
    pub(crate) saved: Vec<Saved<T>>,
}

/// Gradients over the lines of some batches.
pub(crate) struct Deltas<T> {
    /// With respect to what each stage's map made.
    pub(crate) products: Vec<Features<T>>,
    /// With respect to γ and β of each stage that is normalized.
    pub(crate) norms: Vec<Vec<NormGradients>>,
}

/// A gradient on its way to the stage before: what its map is applied to.
enum Incoming {
    /// Through the map of this stage.
    Map(usize),
    /// As the shortcut of this stage.
    Shortcut(usize),
}

impl<T: Element> Record<T> {
    fn stages(&self) -> &[Stage] {
        &self.program.stages
    }

    /// What reads a result, in order.
    fn readers(&self, source: Source) -> Vec<Incoming> {
        let stages = self.stages().iter().enumerate();
        let readers = stages.flat_map(|(index, stage)| {
            let map = (stage.input == source).then_some(Incoming::Map(index));
            let shortcut = stage.shortcut == Some(source);
            map.into_iter()
                .chain(shortcut.then_some(Incoming::Shortcut(index)))
        });
        readers.collect()
    }

    pub(crate) fn output_of(&self, source: Source) -> &Features<T> {
        match source {
            Source::Input => &self.input,
            Source::Stage(stage) => &self.saved[stage].output,
        }
    }

    pub(crate) fn point(&self, stage: usize, lines: Range<usize>) -> Point<'_, T> {
        Point {
            input: self.output_of(self.stages()[stage].input),
            output: &self.saved[stage].output,
            mask: self.saved[stage].mask.as_ref(),
            labels: &self.pass.labels,
            lines,
        }
    }

    /// The gradients over `batches`, from those by the output.
    pub(crate) fn deltas(
        &self,
        batches: Range<usize>,
        by_output: Features<T>,
    ) -> Result<Deltas<T>> {
        let lines = self.pass.lines.of(batches.clone());
        let count = self.stages().len();
        let mut products: Vec<Option<Features<T>>> = (0..count).map(|_| None).collect();
        let mut norms: Vec<Vec<NormGradients>> = (0..count).map(|_| Vec::new()).collect();
        let mut by_output = Some(by_output);
        for index in (0..count).rev() {
            let after = After::new(self, index, batches.clone())?;
            let readers = self.readers(Source::Stage(index));
            let (gradient, norm) = match by_output.take() {
                Some(mut gradient) => {
                    let norm = after.all(&mut gradient);
                    (gradient, norm)
                }
                None => self.gradient_by(&readers, &products, lines.clone(), Some(&after))?,
            };
            products[index] = Some(gradient);
            norms[index] = norm;
        }
        Ok(Deltas {
            products: products.into_iter().flatten().collect(),
            norms,
        })
    }

    /// The gradient with respect to the input over the lines of a batch, which stand in `deltas` from line
    /// `first` on.
    pub(crate) fn by_input(
        &self,
        deltas: &Deltas<T>,
        first: usize,
        batch: usize,
    ) -> Result<Features<T>> {
        let lines = self.pass.lines.of(batch..batch + 1);
        let readers = self.readers(Source::Input);
        let place = lines.start - first..lines.end - first;
        let mut products: Vec<Option<Features<T>>> = deltas.products.iter().map(|_| None).collect();
        for reader in &readers {
            let (Incoming::Map(stage) | Incoming::Shortcut(stage)) = *reader;
            let all = &deltas.products[stage];
            products[stage] = Some(all.some_lines(place.clone(), &self.pass.scratch));
        }
        Ok(self.gradient_by(&readers, &products, lines, None)?.0)
    }

    /// The sum of the gradients that come from `readers`, and what `after` does to it.
    fn gradient_by(
        &self,
        readers: &[Incoming],
        products: &[Option<Features<T>>],
        lines: Range<usize>,
        after: Option<&After<'_, T>>,
    ) -> Result<(Features<T>, Vec<NormGradients>)> {
        let of = |stage: usize| match &products[stage] {
            Some(products) => Ok(products),
            None => candle_core::bail!("stage {stage} has no gradient yet"),
        };
        // The first way through a map is fused with what comes after it; of the others the results are added.
        let first = readers.iter().position(|r| matches!(r, Incoming::Map(_)));
        let mut more: Vec<Features<T>> = Vec::new();
        let mut shortcuts: Vec<&Features<T>> = Vec::new();
        for (index, reader) in readers.iter().enumerate() {
            match reader {
                Incoming::Map(stage) if Some(index) != first => {
                    let gradient = of(*stage)?;
                    let (sum, _) = self.back_through(*stage, gradient, lines.clone(), &[], None)?;
                    more.push(sum);
                }
                Incoming::Map(_) => {}
                Incoming::Shortcut(stage) => shortcuts.push(of(*stage)?),
            }
        }
        let more = |skipped: usize| -> Vec<&Features<T>> {
            let shortcuts = shortcuts.iter().skip(skipped).copied();
            shortcuts.chain(&more).collect()
        };
        match first.map(|index| &readers[index]) {
            Some(Incoming::Map(stage)) => {
                self.back_through(*stage, of(*stage)?, lines, &more(0), after)
            }
            _ => {
                let Some(gradient) = shortcuts.first() else {
                    candle_core::bail!("a result that nothing reads");
                };
                let same = Factors {
                    mask: None,
                    first: 0,
                };
                let scratch = &self.pass.scratch;
                let mut sum = Features::new(gradient.lines(), gradient.size, scratch);
                let norms = gather(&same, gradient, &more(1), after, &mut sum);
                Ok((sum, norms))
            }
        }
    }

    /// The gradient by a stage's input from the one by what its map made, plus `more`, and what `after` does
    /// to it.
    fn back_through(
        &self,
        stage: usize,
        gradient: &Features<T>,
        lines: Range<usize>,
        more: &[&Features<T>],
        after: Option<&After<'_, T>>,
    ) -> Result<(Features<T>, Vec<NormGradients>)> {
        let point = self.point(stage, lines);
        let stage = &self.stages()[stage];
        let mut by_input = Features::new(gradient.lines(), stage.input_size, &self.pass.scratch);
        let norms = stage.with_map(&Way::Adjoint(&point), &self.pass.scratch, |map| {
            Ok(gather(map, gradient, more, after, &mut by_input))
        })?;
        Ok((by_input, norms))
    }

    /// The tangent at a stage's output from those at its input and its shortcut, of all lines, in a network
    /// without batch normalization.
    pub(crate) fn tangent(
        &self,
        index: usize,
        tangent: &Features<T>,
        shortcut: Option<&Features<T>>,
    ) -> Result<Features<T>> {
        let stage = &self.stages()[index];
        let point = self.point(index, 0..self.pass.lines.count());
        let mut next = Features::new(tangent.lines(), stage.size, &self.pass.scratch);
        let shortcuts: Vec<&Features<T>> = shortcut.into_iter().collect();
        let after = After {
            activation: stage.activation,
            output: point.output,
            first: 0,
            norm: None,
        };
        stage.with_map(&Way::Tangent(&point), &self.pass.scratch, |map| {
            gather(map, tangent, &shortcuts, Some(&after), &mut next);
            Ok(())
        })?;
        Ok(next)
    }
}

/// sum ← map(x) + more, and what comes after it.
fn gather<T: Element>(
    map: &dyn Map<T>,
    x: &Features<T>,
    more: &[&Features<T>],
    after: Option<&After<'_, T>>,
    sum: &mut Features<T>,
) -> Vec<NormGradients> {
    let division = map.division(x.lines());
    let fused = match (after, &division) {
        (Some(after), Division::Pixels(_)) => after.norm.is_none(),
        _ => true,
    };
    let norms = map_parts(sum.parts(&division), |_, mut part| {
        map.apply(x, &mut part);
        for more in more {
            add(&mut part, more);
        }
        match after.filter(|_| fused) {
            Some(after) => after.part(&mut part),
            None => Vec::new(),
        }
    });
    match after {
        Some(after) if !fused => after.all(sum),
        _ => norms.concat(),
    }
}

fn add<T: Element>(part: &mut Part<'_, T>, more: &Features<T>) {
    for (sum, more) in part.runs.iter_mut().zip(more.runs(&part.region, 0)) {
        let pairs = sum.iter_mut().zip(more);
        pairs.for_each(|(sum, more)| *sum += *more);
    }
}

/// What a stage does after its map, backwards: from the gradient by its output to the one by what its map
/// made.
struct After<'a, T> {
    activation: Activation,
    output: &'a Features<T>,
    /// The first of the lines, in the output.
    first: usize,
    norm: Option<NormAfter<'a, T>>,
}

struct NormAfter<'a, T> {
    record: &'a Record<T>,
    stage: usize,
    scales: Scales<T>,
    batches: Range<usize>,
}

impl<'a, T: Element> After<'a, T> {
    fn new(record: &'a Record<T>, stage: usize, batches: Range<usize>) -> Result<Self> {
        let norm = match &record.stages()[stage].norm {
            Some(norm) => Some(NormAfter {
                record,
                stage,
                scales: norm.scales(None)?,
                batches: batches.clone(),
            }),
            None => None,
        };
        Ok(Self {
            activation: record.stages()[stage].activation,
            output: &record.saved[stage].output,
            first: record.pass.lines.of(batches).start,
            norm,
        })
    }

    fn part(&self, part: &mut Part<'_, T>) -> Vec<NormGradients> {
        for (gradient, output) in part
            .runs
            .iter_mut()
            .zip(self.output.runs(&part.region, self.first))
        {
            vectorized(Backpropagate {
                activation: self.activation,
                output,
                gradient,
            });
        }
        let Some(norm) = &self.norm else {
            return Vec::new();
        };
        let NormAfter {
            record,
            stage,
            scales,
            batches,
        } = norm;
        match &record.saved[*stage].normalized {
            Some((values, moments)) => {
                let lines = &record.pass.lines;
                normalize_back(part, values, moments, scales, lines, batches.clone())
            }
            None => Vec::new(),
        }
    }

    /// Of a whole gradient.
    fn all(&self, gradient: &mut Features<T>) -> Vec<NormGradients> {
        let size = gradient.size;
        let division = match self.norm {
            Some(_) => batch_norm::division(size.channels),
            None => Division::Pixels(size.pixels),
        };
        map_parts(gradient.parts(&division), |_, mut part| {
            self.part(&mut part)
        })
        .concat()
    }
}

struct Backpropagate<'a, T> {
    activation: Activation,
    output: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Element> Kernel for Backpropagate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.activation.backpropagate(self.output, self.gradient);
    }
}

/// Each example's values times its weight, `[lines, lanes]`.
pub(crate) fn weigh<T: Element>(features: &mut Features<T>, weights: &[T]) {
    let lines = features.lines_mut();
    for_each_part(lines, |line, values| {
        let weights = &weights[line * lanes::<T>()..][..lanes::<T>()];
        for values in values.chunks_exact_mut(lanes::<T>()) {
            let pairs = values.iter_mut().zip(weights);
            pairs.for_each(|(value, weight)| *value *= *weight);
        }
    });
}
