//! A convolution over the tokens of a line of sequences, of which the largest value of each filter is kept.

use super::weights::{Kernel, Layer};
use crate::element::Element;
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::vectors::{Kernel as Loop, vectorized};

/// The largest values and where they are, each `[filters, lanes]`.
pub(crate) struct Largest<T> {
    pub(crate) values: Vec<T>,
    /// The first token of the window.
    pub(crate) places: Vec<T>,
}

/// max over windows of relu(weight · window + bias). x `[steps, embedding, lanes]`: a window's numbers lie together.
pub(crate) fn largest<T: Element>(
    kernel: Kernel,
    layer: Layer<'_, T>,
    width: usize,
    x: &[T],
) -> Largest<T> {
    let lanes = lanes::<T>();
    let len = kernel.filters * lanes;
    let mut largest = Largest {
        // Where no window is above 0, the rectifier's slope is 0: then the place is nowhere.
        values: vec![T::zero(); len],
        places: vec![T::from_f64(-1.0); len],
    };
    let mut sums = vec![T::zero(); len];
    let step = width * lanes;
    for (place, window) in x.windows(kernel.width * step).step_by(step).enumerate() {
        fill(layer.bias, &mut sums);
        line_product(layer.weight, window, &mut sums, true);
        vectorized(Keep {
            sums: &sums,
            place: T::from_f64(place as f64),
            largest: &mut largest,
        });
    }
    largest
}

/// Rows of equal numbers: to `[channels, lanes]` ← of each channel.
pub(crate) fn fill<T: Element>(channels: &[T], to: &mut [T]) {
    let rows = to.chunks_exact_mut(lanes::<T>()).zip(channels);
    rows.for_each(|(row, value)| row.fill(*value));
}

struct Keep<'a, T> {
    sums: &'a [T],
    place: T,
    largest: &'a mut Largest<T>,
}

impl<T: Element> Loop for Keep<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let kept = self.largest.values.iter_mut().zip(&mut self.largest.places);
        for ((value, place), sum) in kept.zip(self.sums) {
            let larger = *sum > *value;
            *value = if larger { *sum } else { *value };
            *place = if larger { self.place } else { *place };
        }
    }
}

/// The gradient with respect to a window's sums, from that with respect to the largest values.
pub(crate) struct AtPlace<'a, T> {
    pub(crate) by_largest: &'a [T],
    pub(crate) places: &'a [T],
    pub(crate) place: T,
    pub(crate) by_sums: &'a mut [T],
}

impl<T: Element> Loop for AtPlace<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let gradients = self.by_sums.iter_mut().zip(self.by_largest);
        for ((to, from), place) in gradients.zip(self.places) {
            *to = if *place == self.place {
                *from
            } else {
                T::zero()
            };
        }
    }
}
