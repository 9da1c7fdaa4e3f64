//! From tokens to logits.

use super::convolution::{fill, largest};
use super::weights::{Layer, Weights};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::language::{TokenBatch, embed, to_lines};
use crate::parallel::map_parts;
use crate::scratch::Scratch;
use crate::vectors::{Kernel, vectorized};

/// What a pass keeps for the way back.
pub(crate) struct Pass<T> {
    /// `[lines, steps, lanes]`
    pub(crate) tokens: Vec<u32>,
    pub(crate) steps: usize,
    /// The embedded tokens `[lines, steps, embedding]`.
    pub(crate) x: Features<T>,
    /// The first token of each filter's window, `[lines, features]`.
    pub(crate) places: Features<T>,
    /// The filters' largest values.
    pub(crate) pooled: Features<T>,
    /// relu(W h + b) and σ(W h + b) of the highway.
    pub(crate) transform: Features<T>,
    pub(crate) gate: Features<T>,
    /// What the last layer reads.
    pub(crate) features: Features<T>,
    /// `[lines, features, lanes]`, if some are dropped.
    pub(crate) factors: Option<Vec<T>>,
}

/// The logit of each sequence. factors: of each feature, `[n, features]`.
pub(crate) fn forward<T: Element>(
    weights: &Weights<'_, T>,
    batch: TokenBatch<'_>,
    factors: Option<&[f64]>,
    scratch: &Scratch<T>,
) -> (Vec<f64>, Pass<T>) {
    let (sizes, lanes, steps) = (weights.sizes, lanes::<T>(), batch.steps());
    let (lines, width) = (batch.lines::<T>(), sizes.features());
    let tokens = to_lines::<T, _>(batch.tokens(), steps, 0);
    let factors = factors.map(|factors| {
        let factors = to_lines::<T, _>(factors, width, 0.0).into_iter();
        factors.map(T::from_f64).collect::<Vec<T>>()
    });
    let made = |channels, pixels| Features::new(lines, Size { channels, pixels }, scratch);
    let mut x = made(sizes.embedding, steps);
    let [
        mut places,
        mut pooled,
        mut transform,
        mut gate,
        mut features,
    ] = [0; 5].map(|_| made(width, 1));
    let parts = x.lines_mut().into_iter().zip(places.lines_mut());
    let layers = transform.lines_mut().into_iter().zip(gate.lines_mut());
    let layers = layers.zip(features.lines_mut());
    let parts = parts.zip(pooled.lines_mut()).zip(layers);
    let part = |(((x, places), pooled), ((transform, gate), features))| Line {
        x,
        places,
        pooled,
        transform,
        gate,
        features,
    };
    let logits = map_parts(parts.map(part).collect(), |line, mut part: Line<'_, T>| {
        part.pool(weights, &tokens[line * steps * lanes..][..steps * lanes]);
        let factors = factors.as_ref();
        part.logits(
            weights,
            factors.map(|factors| &factors[line * width * lanes..][..width * lanes]),
        )
    });
    let mut logits = logits.concat();
    logits.truncate(batch.len());
    let pass = Pass {
        tokens,
        steps,
        x,
        places,
        pooled,
        transform,
        gate,
        features,
        factors,
    };
    (logits, pass)
}

/// The parts of a pass that belong to one line of sequences.
struct Line<'a, T> {
    x: &'a mut [T],
    places: &'a mut [T],
    pooled: &'a mut [T],
    transform: &'a mut [T],
    gate: &'a mut [T],
    features: &'a mut [T],
}

impl<T: Element> Line<'_, T> {
    /// Each filter's largest value. tokens `[steps, lanes]`.
    fn pool(&mut self, weights: &Weights<'_, T>, tokens: &[u32]) {
        let (width, lanes) = (weights.sizes.embedding, lanes::<T>());
        let steps = tokens.chunks_exact(lanes);
        for (tokens, x) in steps.zip(self.x.chunks_exact_mut(width * lanes)) {
            embed(weights.embedding, width, tokens, x);
        }
        let mut first = 0;
        for (kernel, layer) in weights.sizes.kernels.iter().zip(&weights.convolutions) {
            let largest = largest(*kernel, *layer, width, self.x);
            let range = first..first + kernel.filters * lanes;
            self.pooled[range.clone()].copy_from_slice(&largest.values);
            self.places[range.clone()].copy_from_slice(&largest.places);
            first = range.end;
        }
    }

    /// The logit of each lane.
    fn logits(&mut self, weights: &Weights<'_, T>, factors: Option<&[T]>) -> Vec<f64> {
        apply(weights.transform, self.pooled, self.transform);
        apply(weights.gate, self.pooled, self.gate);
        vectorized(Highway {
            pooled: self.pooled,
            transform: &mut *self.transform,
            gate: &mut *self.gate,
            factors,
            features: &mut *self.features,
        });
        let mut logits = vec![T::zero(); lanes::<T>()];
        apply(weights.output, self.features, &mut logits);
        logits.into_iter().map(T::to_f64).collect()
    }
}

/// y ← weight · x + bias, of one line.
fn apply<T: Element>(layer: Layer<'_, T>, x: &[T], y: &mut [T]) {
    fill(layer.bias, y);
    line_product(layer.weight, x, y, true);
}

/// features ← (σ(gate) · relu(transform) + (1 − σ(gate)) · pooled) · factors; the layers become their values.
struct Highway<'a, T> {
    pooled: &'a [T],
    transform: &'a mut [T],
    gate: &'a mut [T],
    factors: Option<&'a [T]>,
    features: &'a mut [T],
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
