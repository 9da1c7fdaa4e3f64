//! From the slopes of logits to the gradients of all tensors.

use super::convolution::AtPlace;
use super::forward::Pass;
use super::representations::joined;
use super::weights::{Layer, Weights};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::language::{Soft, by_embedding};
use crate::ops::bias;
use crate::parallel::for_each_part;
use crate::scratch::Scratch;
use crate::vectors::{Kernel, vectorized};

/// The gradient of each tensor, in their order. slopes: of each logit, `[n, representations]`; soft: what was
/// classified beside tokens.
pub(crate) fn gradients<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    slopes: &[f64],
    soft: Option<&Soft<T>>,
    scratch: &Scratch<T>,
) -> Vec<Vec<T>> {
    let slopes = Slopes::new(weights, pass, slopes, scratch);
    let mut gradients = vec![Vec::new()];
    let by_x = through_convolutions(weights, pass, &slopes, scratch, |index, by_sums| {
        gradients.extend(convolution_gradients(
            weights, pass, index, by_sums, scratch,
        ));
    });
    gradients[0] = by_table(weights, pass, by_x, soft, scratch);
    let of_layer = |by: &Features<T>, input: &Features<T>| {
        let inputs = input.size.channels;
        let mut gradient = vec![T::zero(); by.size.channels * inputs];
        let turned = Turned::new(inputs, input.lines(), |line| input.line(line), scratch);
        weight_gradient(by, &turned, &mut gradient, scratch);
        [gradient, bias::gradient(by, None)]
    };
    gradients.extend(of_layer(&slopes.by_transform, &pass.pooled));
    gradients.extend(of_layer(&slopes.by_gate, &pass.pooled));
    if let Some(by_hidden) = &slopes.by_hidden {
        gradients.extend(of_layer(by_hidden, &pass.features));
    }
    let last = pass.hidden.as_ref().unwrap_or(&pass.features);
    gradients.extend(of_layer(&slopes.by_logits, last));
    gradients
}

/// The gradient with respect to the embedded soft sequences, `[n, steps, embedding]`.
pub(crate) fn soft_gradient<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    slopes: &[f64],
    scratch: &Scratch<T>,
) -> Vec<T> {
    let (counts, each) = (pass.counts, pass.steps * weights.sizes.embedding);
    let slopes = Slopes::new(weights, pass, slopes, scratch);
    let by_x = through_convolutions(weights, pass, &slopes, scratch, |_, _| ());
    let by_x = joined(by_x, weights.sizes.representations, scratch);
    let mut all = counts.sequences::<T, _>(by_x.values(), each);
    all.split_off(counts.tokens * each)
}

/// The gradients with respect to what the layers make, `[lines · representations, …]`.
struct Slopes<T> {
    by_logits: Features<T>,
    by_hidden: Option<Features<T>>,
    by_transform: Features<T>,
    by_gate: Features<T>,
    by_pooled: Features<T>,
}

impl<T: Element> Slopes<T> {
    /// slopes: of each logit, `[n, representations]`.
    fn new(weights: &Weights<'_, T>, pass: &Pass<T>, slopes: &[f64], scratch: &Scratch<T>) -> Self {
        let (sizes, lanes) = (weights.sizes, lanes::<T>());
        let width = sizes.features();
        let features = |channels| {
            let size = Size {
                channels,
                pixels: 1,
            };
            Features::new(pass.x.lines(), size, scratch)
        };
        let slopes = pass
            .counts
            .lines::<T, _>(slopes, sizes.representations, 0.0);
        let mut by_logits = features(1);
        let pairs = by_logits.lines_mut().into_iter();
        for (to, from) in pairs.zip(slopes.chunks_exact(lanes)) {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = T::from_f64(*from));
        }
        let by_hidden = weights
            .hidden
            .map(|_| through(weights.output, &by_logits, scratch));
        let by_features = match (weights.hidden, &by_hidden) {
            (Some(layer), Some(by_hidden)) => through(layer, by_hidden, scratch),
            _ => through(weights.output, &by_logits, scratch),
        };
        let [mut by_transform, mut by_gate, mut by_pooled] = [0; 3].map(|_| features(width));
        let backwards =
            [weights.transform, weights.gate].map(|layer| transposed(layer.weight, width));
        let parts = by_transform
            .lines_mut()
            .into_iter()
            .zip(by_gate.lines_mut());
        let parts = parts.zip(by_pooled.lines_mut()).collect();
        for_each_part(parts, |line, ((by_transform, by_gate), by_pooled)| {
            let factors = pass.factors.as_ref();
            vectorized(HighwayBack {
                by_features: by_features.line(line),
                factors: factors.map(|factors| &factors[line * width * lanes..][..width * lanes]),
                pooled: pass.pooled.line(line),
                transform: pass.transform.line(line),
                gate: pass.gate.line(line),
                by_transform: &mut *by_transform,
                by_gate: &mut *by_gate,
                by_pooled: &mut *by_pooled,
            });
            line_product(&backwards[0], by_transform, by_pooled, true);
            line_product(&backwards[1], by_gate, by_pooled, true);
        });
        Self {
            by_logits,
            by_hidden,
            by_transform,
            by_gate,
            by_pooled,
        }
    }
}

/// The gradients with respect to what a layer reads.
fn through<T: Element>(
    layer: Layer<'_, T>,
    by_outputs: &Features<T>,
    scratch: &Scratch<T>,
) -> Features<T> {
    let size = Size {
        channels: layer.weight.len() / layer.bias.len(),
        pixels: 1,
    };
    let backwards = transposed(layer.weight, size.channels);
    let mut by_inputs = Features::new(by_outputs.lines(), size, scratch);
    for_each_part(by_inputs.lines_mut(), |line, by_inputs| {
        line_product(&backwards, by_outputs.line(line), by_inputs, false);
    });
    by_inputs
}

/// The gradients with respect to what the convolutions read; calls `visit` with each convolution's number and the
/// gradients with respect to its sums.
fn through_convolutions<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    slopes: &Slopes<T>,
    scratch: &Scratch<T>,
    mut visit: impl FnMut(usize, &Features<T>),
) -> Features<T> {
    let mut by_x = Features::new(pass.x.lines(), pass.x.size, scratch);
    by_x.lines_mut()
        .into_iter()
        .for_each(|line| line.fill(T::zero()));
    let mut first = 0;
    for (index, kernel) in weights.sizes.kernels.iter().enumerate() {
        let by_pooled = &slopes.by_pooled;
        let by_sums = convolution_back(weights, pass, index, first, by_pooled, &mut by_x, scratch);
        visit(index, &by_sums);
        first += kernel.filters * lanes::<T>();
    }
    by_x
}

/// The gradient of the embedding's rows.
fn by_table<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    by_x: Features<T>,
    soft: Option<&Soft<T>>,
    scratch: &Scratch<T>,
) -> Vec<T> {
    let width = weights.sizes.embedding;
    let by_x = joined(by_x, weights.sizes.representations, scratch);
    let step = width * lanes::<T>();
    let tokens = pass.counts.lines_of_tokens::<T>() * pass.steps * step;
    let (by_tokens, by_soft) = by_x.values().split_at(tokens);
    let mut gradient = by_embedding(weights.embedding.len(), width, &pass.tokens, by_tokens);
    if let Some(soft) = soft {
        soft.add_by_table(
            |line| &by_soft[line * step..][..step],
            &mut gradient,
            scratch,
        );
    }
    gradient
}

/// Back through what is dropped and the highway, but not through its two weights. All are `[features, lanes]`.
struct HighwayBack<'a, T> {
    by_features: &'a [T],
    factors: Option<&'a [T]>,
    pooled: &'a [T],
    transform: &'a [T],
    gate: &'a [T],
    by_transform: &'a mut [T],
    by_gate: &'a mut [T],
    by_pooled: &'a mut [T],
}

impl<T: Element> Kernel for HighwayBack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (zero, one) = (T::zero(), T::one());
        for (place, by) in self.by_features.iter().enumerate() {
            let factor = self.factors.map_or(one, |factors| factors[place]);
            let by = *by * factor;
            let (pooled, transform) = (self.pooled[place], self.transform[place]);
            let gate = self.gate[place];
            self.by_gate[place] = by * (transform - pooled) * gate * (one - gate);
            self.by_transform[place] = if transform > zero { by * gate } else { zero };
            self.by_pooled[place] = by * (one - gate);
        }
    }
}

/// The gradients with respect to the sums of a convolution, `[lines · representations · windows, filters]`, and, added to `by_x`, those
/// with respect to what it reads.
fn convolution_back<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    index: usize,
    first: usize,
    by_pooled: &Features<T>,
    by_x: &mut Features<T>,
    scratch: &Scratch<T>,
) -> Features<T> {
    let (sizes, lanes) = (weights.sizes, lanes::<T>());
    let kernel = sizes.kernels[index];
    let step = sizes.width() * lanes;
    let window = kernel.width * step;
    let windows = pass.steps + 1 - kernel.width;
    let size = Size {
        channels: kernel.filters,
        pixels: 1,
    };
    let mut by_sums = Features::new(pass.x.lines() * windows, size, scratch);
    let backwards = transposed(
        weights.convolutions[index].weight,
        kernel.width * sizes.width(),
    );
    let range = first..first + kernel.filters * lanes;
    let parts = by_sums
        .groups_mut(windows)
        .into_iter()
        .zip(by_x.lines_mut());
    for_each_part(parts.collect(), |line, (by_sums, by_x)| {
        for (place, by_sums) in by_sums.into_iter().enumerate() {
            vectorized(AtPlace {
                by_largest: &by_pooled.line(line)[range.clone()],
                places: &pass.places.line(line)[range.clone()],
                place: T::from_f64(place as f64),
                by_sums: &mut *by_sums,
            });
            line_product(
                &backwards,
                by_sums,
                &mut by_x[place * step..][..window],
                true,
            );
        }
    });
    by_sums
}

/// The gradients of a convolution's weight and bias.
fn convolution_gradients<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    index: usize,
    by_sums: &Features<T>,
    scratch: &Scratch<T>,
) -> [Vec<T>; 2] {
    let (sizes, lanes) = (weights.sizes, lanes::<T>());
    let inputs = sizes.kernels[index].width * sizes.width();
    let windows = pass.steps + 1 - sizes.kernels[index].width;
    let window = |number: usize| {
        let first = number % windows * sizes.width() * lanes;
        &pass.x.line(number / windows)[first..first + inputs * lanes]
    };
    let turned = Turned::new(inputs, by_sums.lines(), window, scratch);
    let mut gradient = vec![T::zero(); by_sums.size.channels * inputs];
    weight_gradient(by_sums, &turned, &mut gradient, scratch);
    [gradient, bias::gradient(by_sums, None)]
}
