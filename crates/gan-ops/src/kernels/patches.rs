//! Patches of images of few channels.
//!
//! Sums are computed for several channels at once, which an image of one or three does not have. So
//! all that a window sees of it at a place, its channels times its taps, becomes the channels of one
//! pixel, and the window a product pixel by pixel.

use super::sliding::Sliding;
use super::tile::lanes;
use crate::element::Element;
use std::ops::Range;

/// What a window sees at each of its places.
pub(crate) struct Patches {
    /// `[places, channels, taps]`: which row of the large image, `[pixels, channels]`; none beyond its
    /// edge.
    rows: Vec<Option<usize>>,
    /// Channels times taps.
    channels: usize,
}

impl Patches {
    pub(crate) fn new(sliding: &Sliding) -> Self {
        let [taps, places] = [sliding.window_taps(), sliding.small().pixels];
        let channels = sliding.large().channels;
        let mut rows = Vec::with_capacity(channels * taps * places);
        for place in 0..places {
            for channel in 0..channels {
                let seen = (0..taps).map(|tap| sliding.seen(place, tap));
                rows.extend(seen.map(|pixel| Some(pixel? * channels + channel)));
            }
        }
        Self {
            rows,
            channels: channels * taps,
        }
    }

    /// patches `[places, channels, lanes]`, of some places ← large `[pixels, channels, lanes]`
    pub(crate) fn gather<T: Element>(&self, large: &[T], places: Range<usize>, patches: &mut [T]) {
        let lanes = lanes::<T>();
        let rows = &self.rows[places.start * self.channels..];
        for (to, row) in patches.chunks_exact_mut(lanes).zip(rows) {
            match row {
                Some(row) => to.copy_from_slice(&large[row * lanes..][..lanes]),
                None => to.fill(T::zero()),
            }
        }
    }

    /// large ← the sums of what lies in all patches, the adjoint of [`Self::gather`].
    pub(crate) fn scatter<T: Element>(&self, patches: &[T], large: &mut [T]) {
        let lanes = lanes::<T>();
        large.fill(T::zero());
        for (from, row) in patches.chunks_exact(lanes).zip(&self.rows) {
            if let Some(row) = row {
                let sums = large[row * lanes..][..lanes].iter_mut();
                sums.zip(from).for_each(|(sum, value)| *sum += *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::{ImageShape, Window};

    const N: usize = lanes::<f64>();

    /// Two channels of 3 by 4 pixels; the window is 2 by 3 and reaches beyond the edges.
    fn sliding() -> Sliding {
        let window = Window {
            kernel: [2, 3],
            stride: 2,
            padding: 1,
            output_padding: 0,
            groups: 1,
        };
        let shape = |channels, height, width| ImageShape {
            channels,
            height,
            width,
        };
        Sliding::new(window, shape(2, 3, 4), shape(1, 2, 2))
    }

    fn numbers(count: usize, step: f64) -> Vec<f64> {
        (0..count).map(|k| (step * k as f64).sin()).collect()
    }

    #[test]
    fn a_patch_is_what_the_window_sees_and_zeros_beyond_the_edge() {
        let large: Vec<f64> = (1..=2 * 12 * N).map(|k| k as f64).collect();
        let patches = Patches::new(&sliding());
        let mut found = vec![-1.0; 4 * 12 * N];
        patches.gather(&large, 0..4, &mut found);
        let mut expected = Vec::new();
        for (y, x) in (0..4).map(|place| (place / 2, place % 2)) {
            for channel in 0..2 {
                for (ky, kx) in (0..6).map(|tap| (tap / 3, tap % 3)) {
                    let (y, x) = (2 * y + ky, 2 * x + kx);
                    let inside = (1..=3).contains(&y) && (1..=4).contains(&x);
                    for example in 0..N {
                        let row = || ((y - 1) * 4 + (x - 1)) * 2 + channel;
                        expected.push(if inside {
                            large[row() * N + example]
                        } else {
                            0.0
                        });
                    }
                }
            }
        }
        assert_eq!(found, expected);
        let mut last = vec![-1.0; 2 * 12 * N];
        patches.gather(&large, 2..4, &mut last);
        assert_eq!(last, expected[2 * 12 * N..]);
    }

    #[test]
    fn scattering_is_the_adjoint_of_gathering() {
        let patches = Patches::new(&sliding());
        let (large, values) = (numbers(2 * 12 * N, 0.7), numbers(4 * 12 * N, 1.3));
        let mut gathered = vec![-1.0; values.len()];
        patches.gather(&large, 0..4, &mut gathered);
        let mut scattered = vec![-1.0; large.len()];
        patches.scatter(&values, &mut scattered);
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let difference = product(&gathered, &values) - product(&large, &scattered);
        assert!(difference.abs() < 1e-12, "{difference}");
    }
}
