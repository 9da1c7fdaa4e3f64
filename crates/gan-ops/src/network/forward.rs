//! The forward pass.

use super::lower::Program;
use super::stage::{Stage, StageMap, Way};
use crate::element::{Element, with_slice};
use crate::features::{Division, Features};
use crate::lines::Lines;
use crate::ops::batch_norm::{self, BatchNorm, Moments, normalize, refuse_one_value};
use crate::ops::bias::{Affine, finish};
use crate::ops::{Labels, Map, dropout};
use crate::parallel::for_each_part;
use crate::scratch::Scratch;
use candle_core::Result;
use gan_core::{Mode, Seed, Source};
use rand_chacha::ChaCha8Rng;

/// What a pass computes with.
pub(crate) struct Pass<T> {
    pub(crate) lines: Lines,
    pub(crate) labels: Labels,
    pub(crate) mode: Mode,
    pub(crate) scratch: Scratch<T>,
}

/// What later stages and the backward pass need of a stage's forward pass.
pub(crate) struct Saved<T> {
    pub(crate) output: Features<T>,
    /// In training with batch normalization: the values before γ and β, and their moments by channel, then
    /// batch.
    pub(crate) normalized: Option<(Features<T>, Vec<Moments>)>,
    /// Dropout's factors.
    pub(crate) mask: Option<Features<T>>,
}

/// What every stage made of `input`; if not `keep_all`, only what is still needed at the end.
pub(crate) fn run<T: Element>(
    program: &Program,
    pass: &Pass<T>,
    input: &Features<T>,
    seed: Seed,
    keep_all: bool,
) -> Result<Vec<Option<Saved<T>>>> {
    let mut rng = match (&program.dropout_count, pass.mode) {
        (Some(count), Mode::Train) => Some(dropout::drawing(count, seed)?),
        _ => None,
    };
    let mut done: Vec<Option<Saved<T>>> = Vec::with_capacity(program.stages.len());
    for (index, stage) in program.stages.iter().enumerate() {
        let at = |source| match source {
            Source::Input => Some(input),
            Source::Stage(stage) => done.get(stage).and_then(Option::as_ref).map(|s| &s.output),
        };
        let shortcut = stage.shortcut.and_then(at);
        let Some(x) = at(stage.input) else {
            candle_core::bail!("stage {index} has no input");
        };
        let saved = stage.forward(pass, x, shortcut, rng.as_mut())?;
        done.push(Some(saved));
        for source in [Some(stage.input), stage.shortcut].into_iter().flatten() {
            if let Source::Stage(earlier) = source
                && !keep_all
                && program.last_readers[earlier] == index
            {
                done[earlier] = None;
            }
        }
    }
    Ok(done)
}

impl Stage {
    fn forward<T: Element>(
        &self,
        pass: &Pass<T>,
        x: &Features<T>,
        shortcut: Option<&Features<T>>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Result<Saved<T>> {
        let mask = match (&self.map, rng) {
            (StageMap::Dropout(kept), Some(rng)) => Some(dropout::draw(
                *kept,
                &pass.lines,
                self.size,
                rng,
                &pass.scratch,
            )),
            _ => None,
        };
        let mut output = Features::new(pass.lines.count(), self.size, &pass.scratch);
        let way = Way::Forward {
            mask: mask.as_ref(),
            labels: &pass.labels,
            half: pass.mode == Mode::Eval && pass.lines.are_half_a_line(),
        };
        let normalized =
            self.with_map(&way, &pass.scratch, |map| match (&self.norm, pass.mode) {
                (Some(norm), Mode::Train) => {
                    let done = self.normalized(norm, map, pass, x, &mut output)?;
                    Ok(Some(done))
                }
                (norm, _) => {
                    let affine = self.affine(norm.as_ref())?;
                    let division = map.division(pass.lines.count());
                    for_each_part(output.parts(&division), |_, mut part| {
                        map.apply(x, &mut part);
                        finish(&mut part, affine.as_deref(), shortcut, self.activation);
                    });
                    Ok(None)
                }
            })?;
        Ok(Saved {
            output,
            normalized,
            mask,
        })
    }

    /// What follows the map without batch statistics.
    fn affine<T: Element>(&self, norm: Option<&BatchNorm>) -> Result<Option<Vec<Affine<T>>>> {
        match (norm, &self.bias) {
            (Some(norm), bias) => Ok(Some(norm.evaluation(bias.as_ref())?)),
            (None, None) => Ok(None),
            (None, Some(bias)) => with_slice::<T, _>(bias, |bias| {
                let plain = |bias: &T| Affine {
                    weight: T::one(),
                    bias: *bias,
                };
                Ok(Some(bias.iter().map(plain).collect()))
            }),
        }
    }

    /// The stage with batch normalization in training: its values before γ and β, and their moments.
    fn normalized<T: Element>(
        &self,
        norm: &BatchNorm,
        map: &dyn Map<T>,
        pass: &Pass<T>,
        x: &Features<T>,
        output: &mut Features<T>,
    ) -> Result<(Features<T>, Vec<Moments>)> {
        let (lines, batches) = (&pass.lines, pass.lines.batches());
        let values: Vec<usize> = (0..batches)
            .map(|batch| lines.examples(batch) * self.size.pixels)
            .collect();
        values
            .iter()
            .try_for_each(|values| refuse_one_value(*values))?;
        let scales = norm.scales::<T>(self.bias.as_ref())?;
        let mut normalized = Features::new(lines.count(), self.size, &pass.scratch);
        let mut moments = vec![Moments::default(); self.size.channels * batches];
        let division = map.division(lines.count());
        let by_channels = match &division {
            Division::Channels(_) => division.clone(),
            Division::Pixels(_) => {
                for_each_part(output.parts(&division), |_, mut part| {
                    map.apply(x, &mut part);
                });
                batch_norm::division(self.size.channels)
            }
        };
        let fused = matches!(division, Division::Channels(_));
        let parts = output.parts(&by_channels).into_iter();
        let parts = parts.zip(normalized.parts(&by_channels));
        let mut rest = &mut moments[..];
        let mut with_moments = Vec::new();
        for (y, normalized) in parts {
            let count = y.region.channels.len() * batches;
            let (these, after) = std::mem::take(&mut rest).split_at_mut(count);
            rest = after;
            with_moments.push((y, normalized, these));
        }
        for_each_part(with_moments, |_, (mut y, mut normalized, moments)| {
            if fused {
                map.apply(x, &mut y);
            }
            normalize(&mut y, &mut normalized, moments, &scales, lines);
            finish(&mut y, None, None, self.activation);
        });
        norm.follow::<T>(&moments, &values)?;
        Ok((normalized, moments))
    }
}
