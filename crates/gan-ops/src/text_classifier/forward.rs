//! From sequences to logits.

use super::convolution::{fill, largest};
use super::counts::Counts;
use super::representations::split;
use super::weights::{Layer, Weights};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::language::{Soft, TokenBatch, embed, to_lines};
use crate::parallel::{for_each_part, map_parts};
use crate::scratch::Scratch;
use crate::vectors::{Kernel, vectorized};

/// What a classifier reads: tokens, and soft sequences of as many steps after them.
pub(crate) struct Input<'a, T> {
    pub(crate) tokens: TokenBatch<'a>,
    pub(crate) soft: Option<&'a Soft<T>>,
    pub(crate) counts: Counts,
}

impl<T: Element> Input<'_, T> {
    /// All sequences embedded, `[lines, steps, embedding]`. tokens `[lines, steps, lanes]`.
    fn embedded(
        &self,
        weights: &Weights<'_, T>,
        tokens: &[u32],
        scratch: &Scratch<T>,
    ) -> Features<T> {
        let (width, lanes, steps) = (weights.sizes.embedding, lanes::<T>(), self.tokens.steps());
        let size = Size {
            channels: width,
            pixels: steps,
        };
        let soft = self.soft.map_or(&[][..], |soft| soft.embedded.values());
        let of_tokens = self.tokens.lines::<T>();
        let lines = of_tokens + soft.len() / (steps * width * lanes);
        let mut x = Features::new(lines, size, scratch);
        for_each_part(x.lines_mut(), |line, x| {
            let Some(before) = line.checked_sub(of_tokens) else {
                let tokens = tokens[line * steps * lanes..].chunks_exact(lanes);
                let steps = x.chunks_exact_mut(width * lanes).zip(tokens);
                steps.for_each(|(x, tokens)| embed(weights.embedding, width, tokens, x));
                return;
            };
            x.copy_from_slice(&soft[before * x.len()..][..x.len()]);
        });
        x
    }
}

/// What a pass keeps for the way back. Each line of sequences has a line for each representation.
pub(crate) struct Pass<T> {
    pub(crate) counts: Counts,
    /// `[lines, steps, lanes]`, of the lines that are tokens.
    pub(crate) tokens: Vec<u32>,
    pub(crate) steps: usize,
    /// The embedded sequences `[lines · representations, steps, width]`.
    pub(crate) x: Features<T>,
    /// The first token of each filter's window, `[lines · representations, features]`.
    pub(crate) places: Features<T>,
    /// The filters' largest values.
    pub(crate) pooled: Features<T>,
    /// relu(W h + b) and σ(W h + b) of the highway.
    pub(crate) transform: Features<T>,
    pub(crate) gate: Features<T>,
    /// What the layer after the highway reads.
    pub(crate) features: Features<T>,
    /// What the hidden layer makes of them.
    pub(crate) hidden: Option<Features<T>>,
    /// `[lines · representations, features, lanes]`, if some are dropped.
    pub(crate) factors: Option<Vec<T>>,
}

/// The logits of each sequence, `[n, representations]`. factors: of each feature, `[n, representations, features]`.
pub(crate) fn forward<T: Element>(
    weights: &Weights<'_, T>,
    input: &Input<'_, T>,
    factors: Option<&[f64]>,
    scratch: &Scratch<T>,
) -> (Vec<f64>, Pass<T>) {
    let (sizes, lanes, steps) = (weights.sizes, lanes::<T>(), input.tokens.steps());
    let (width, representations) = (sizes.features(), sizes.representations);
    let tokens = to_lines::<T, _>(input.tokens.tokens(), steps, 0);
    let factors = factors.map(|factors| {
        let each = representations * width;
        let factors = input.counts.lines::<T, _>(factors, each, 0.0);
        factors.into_iter().map(T::from_f64).collect::<Vec<T>>()
    });
    let x = split(
        input.embedded(weights, &tokens, scratch),
        representations,
        scratch,
    );
    let lines = x.lines();
    let made = |channels| {
        let size = Size {
            channels,
            pixels: 1,
        };
        Features::new(lines, size, scratch)
    };
    let [
        mut places,
        mut pooled,
        mut transform,
        mut gate,
        mut features,
    ] = [0; 5].map(|_| made(width));
    let mut hidden = sizes.hidden.map(made);
    let of_hidden = hidden.as_mut().map_or_else(Vec::new, Features::lines_mut);
    let mut of_hidden = of_hidden.into_iter();
    let parts = places.lines_mut().into_iter().zip(pooled.lines_mut());
    let layers = transform.lines_mut().into_iter().zip(gate.lines_mut());
    let parts = parts.zip(layers.zip(features.lines_mut()));
    let part = |((places, pooled), ((transform, gate), features))| Line {
        places,
        pooled,
        transform,
        gate,
        features,
        hidden: of_hidden.next(),
    };
    let logits = map_parts(parts.map(part).collect(), |line, mut part: Line<'_, T>| {
        part.pool(weights, x.line(line));
        let factors = factors.as_ref();
        part.logits(
            weights,
            factors.map(|factors| &factors[line * width * lanes..][..width * lanes]),
        )
    });
    let logits = logits.concat();
    let logits = input.counts.sequences::<T, _>(&logits, representations);
    let pass = Pass {
        counts: input.counts,
        tokens,
        steps,
        x,
        places,
        pooled,
        transform,
        gate,
        features,
        hidden,
        factors,
    };
    (logits, pass)
}

/// The parts of a pass that belong to one representation of a line of sequences.
struct Line<'a, T> {
    places: &'a mut [T],
    pooled: &'a mut [T],
    transform: &'a mut [T],
    gate: &'a mut [T],
    features: &'a mut [T],
    hidden: Option<&'a mut [T]>,
}

impl<T: Element> Line<'_, T> {
    /// Each filter's largest value. x `[steps, width, lanes]`.
    fn pool(&mut self, weights: &Weights<'_, T>, x: &[T]) {
        let (width, lanes) = (weights.sizes.width(), lanes::<T>());
        let mut first = 0;
        for (kernel, layer) in weights.sizes.kernels.iter().zip(&weights.convolutions) {
            let largest = largest(*kernel, *layer, width, x);
            let range = first..first + kernel.filters * lanes;
            self.pooled[range.clone()].copy_from_slice(&largest.values);
            self.places[range.clone()].copy_from_slice(&largest.places);
            first = range.end;
        }
    }

    /// The logit of each lane.
    fn logits(&mut self, weights: &Weights<'_, T>, factors: Option<&[T]>) -> Vec<f64> {
        highway(
            weights,
            Highway {
                pooled: self.pooled,
                transform: &mut *self.transform,
                gate: &mut *self.gate,
                factors,
                features: &mut *self.features,
            },
        );
        let mut logits = vec![T::zero(); lanes::<T>()];
        let last = match (weights.hidden, &mut self.hidden) {
            (Some(layer), Some(hidden)) => {
                apply(layer, self.features, hidden);
                &**hidden
            }
            _ => &*self.features,
        };
        apply(weights.output, last, &mut logits);
        logits.into_iter().map(T::to_f64).collect()
    }
}

/// y ← weight · x + bias, of one line.
fn apply<T: Element>(layer: Layer<'_, T>, x: &[T], y: &mut [T]) {
    fill(layer.bias, y);
    line_product(layer.weight, x, y, true);
}

/// The features of a line's largest values.
pub(crate) fn highway<T: Element>(weights: &Weights<'_, T>, parts: Highway<'_, T>) {
    apply(weights.transform, parts.pooled, parts.transform);
    apply(weights.gate, parts.pooled, parts.gate);
    vectorized(parts);
}

/// features ← (σ(gate) · relu(transform) + (1 − σ(gate)) · pooled) · factors; the layers become their values.
pub(crate) struct Highway<'a, T> {
    pub(crate) pooled: &'a [T],
    pub(crate) transform: &'a mut [T],
    pub(crate) gate: &'a mut [T],
    pub(crate) factors: Option<&'a [T]>,
    pub(crate) features: &'a mut [T],
}

impl<T: Element> Kernel for Highway<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (zero, half, one) = (T::zero(), T::from_f64(0.5), T::one());
        let layers = self.transform.iter_mut().zip(self.gate);
        for ((feature, pooled), (transform, gate)) in
            self.features.iter_mut().zip(self.pooled).zip(layers)
        {
            *transform = if *transform > zero { *transform } else { zero };
            *gate = half + half * Element::tanh(half * *gate);
            *feature = *gate * *transform + (one - *gate) * *pooled;
        }
        if let Some(factors) = self.factors {
            let pairs = self.features.iter_mut().zip(factors);
            pairs.for_each(|(feature, factor)| *feature *= *factor);
        }
    }
}
