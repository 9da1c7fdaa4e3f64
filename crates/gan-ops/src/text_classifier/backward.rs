//! From the slopes of logits to the gradients of all tensors.

use super::convolution::AtPlace;
use super::forward::Pass;
use super::weights::Weights;
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::language::{by_embedding, to_lines};
use crate::ops::bias;
use crate::parallel::for_each_part;
use crate::scratch::Scratch;
use crate::vectors::{Kernel, vectorized};

/// The gradient of each tensor, in their order. slopes: of each sequence's logit.
pub(crate) fn backward<T: Element>(
    weights: &Weights<'_, T>,
    pass: &Pass<T>,
    slopes: &[f64],
    scratch: &Scratch<T>,
) -> Vec<Vec<T>> {
    let (sizes, lanes) = (weights.sizes, lanes::<T>());
    let (lines, width) = (pass.x.lines(), sizes.features());
    let features = |channels, pixels| Features::new(lines, Size { channels, pixels }, scratch);
    let slopes = to_lines::<T, _>(slopes, 1, 0.0);
    let mut by_logits = features(1, 1);
    for (to, from) in by_logits
        .lines_mut()
        .into_iter()
        .zip(slopes.chunks_exact(lanes))
    {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = T::from_f64(*from));
    }
    let [mut by_transform, mut by_gate, mut by_pooled] = [0; 3].map(|_| features(width, 1));
    let backwards = [weights.transform, weights.gate].map(|layer| transposed(layer.weight, width));
    let parts = by_transform
        .lines_mut()
        .into_iter()
        .zip(by_gate.lines_mut());
    let parts = parts.zip(by_pooled.lines_mut()).collect();
    for_each_part(parts, |line, ((by_transform, by_gate), by_pooled)| {
        let factors = pass.factors.as_ref();
        vectorized(HighwayBack {
            slopes: by_logits.line(line),
            weight: weights.output.weight,
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

    let mut by_x = features(sizes.embedding, pass.steps);
    by_x.lines_mut()
        .into_iter()
        .for_each(|line| line.fill(T::zero()));
    let mut gradients = vec![Vec::new()];
    let mut first = 0;
    for index in 0..sizes.kernels.len() {
        let by_sums = convolution_back(weights, pass, index, first, &by_pooled, &mut by_x, scratch);
        gradients.extend(convolution_gradients(
            weights, pass, index, &by_sums, scratch,
        ));
        first += sizes.kernels[index].filters * lanes;
    }
    gradients[0] = by_embedding(
        weights.embedding.len(),
        sizes.embedding,
        &pass.tokens,
        by_x.values(),
    );
    let of_layer = |by: &Features<T>, input: &Features<T>| {
        let mut gradient = vec![T::zero(); by.size.channels * width];
        let turned = Turned::new(width, lines, |line| input.line(line), scratch);
        weight_gradient(by, &turned, &mut gradient, scratch);
        [gradient, bias::gradient(by, None)]
    };
    gradients.extend(of_layer(&by_transform, &pass.pooled));
    gradients.extend(of_layer(&by_gate, &pass.pooled));
    gradients.extend(of_layer(&by_logits, &pass.features));
    gradients
}

/// Back through the last layer and the highway, but not through its two weights.
struct HighwayBack<'a, T> {
    /// Of a line's logits.
    slopes: &'a [T],
    /// Of the last layer.
    weight: &'a [T],
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
        let (lanes, zero, one) = (lanes::<T>(), T::zero(), T::one());
        for (channel, weight) in self.weight.iter().enumerate() {
            let range = channel * lanes..(channel + 1) * lanes;
            for (place, slope) in range.zip(self.slopes) {
                let factor = self.factors.map_or(one, |factors| factors[place]);
                let by = *slope * *weight * factor;
                let (pooled, transform) = (self.pooled[place], self.transform[place]);
                let gate = self.gate[place];
                self.by_gate[place] = by * (transform - pooled) * gate * (one - gate);
                self.by_transform[place] = if transform > zero { by * gate } else { zero };
                self.by_pooled[place] = by * (one - gate);
            }
        }
    }
}

/// The gradients with respect to the sums of a convolution, `[lines · windows, filters]`, and, added to `by_x`, those
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
    let (window, step) = (
        kernel.width * sizes.embedding * lanes,
        sizes.embedding * lanes,
    );
    let windows = pass.steps + 1 - kernel.width;
    let size = Size {
        channels: kernel.filters,
        pixels: 1,
    };
    let mut by_sums = Features::new(pass.x.lines() * windows, size, scratch);
    let backwards = transposed(
        weights.convolutions[index].weight,
        kernel.width * sizes.embedding,
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
    let inputs = sizes.kernels[index].width * sizes.embedding;
    let windows = pass.steps + 1 - sizes.kernels[index].width;
    let window = |number: usize| {
        let first = number % windows * sizes.embedding * lanes;
        &pass.x.line(number / windows)[first..first + inputs * lanes]
    };
    let turned = Turned::new(inputs, by_sums.lines(), window, scratch);
    let mut gradient = vec![T::zero(); by_sums.size.channels * inputs];
    weight_gradient(by_sums, &turned, &mut gradient, scratch);
    [gradient, bias::gradient(by_sums, None)]
}
