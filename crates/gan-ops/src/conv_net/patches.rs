//! Patches of images of few channels.
//!
//! Sums are computed for several channels at once, which an image of one or three does not have. So
//! all that a window sees of it at a place, its channels times its taps, becomes the channels of one
//! pixel, and the window a product pixel by pixel.

use super::window::WindowSizes;
use crate::element::Element;

/// What a window sees at each of its places.
pub(super) struct Patches {
    /// `[channels, taps, places]`: which row of the large image, `[channels, pixels]`; none beyond its
    /// edge.
    rows: Vec<Option<usize>>,
}

impl Patches {
    pub(super) fn new(window: &WindowSizes) -> Self {
        let [taps, places] = [window.taps(), window.pixels()];
        let mut rows = Vec::with_capacity(window.channels * taps * places);
        for channel in 0..window.channels {
            let first = channel * window.height * window.width;
            for tap in 0..taps {
                let seen = (0..places).map(|place| window.seen(place, tap));
                rows.extend(seen.map(|pixel| Some(first + pixel?)));
            }
        }
        Self { rows }
    }

    /// Values of an example's patches.
    pub(super) fn values(&self) -> usize {
        self.rows.len()
    }

    /// patches `[channels, taps, places, n]` ← large `[channels, pixels, n]`
    pub(super) fn gather<T: Element>(&self, large: &[T], patches: &mut [T], n: usize) {
        for (to, row) in patches.chunks_exact_mut(n).zip(&self.rows) {
            match row {
                Some(row) => to.copy_from_slice(&large[row * n..][..n]),
                None => to.fill(T::zero()),
            }
        }
    }

    /// large ← the sums of what lies in the patches, the adjoint of [`Self::gather`].
    pub(super) fn scatter<T: Element>(&self, patches: &[T], large: &mut [T], n: usize) {
        large.fill(T::zero());
        for (from, row) in patches.chunks_exact(n).zip(&self.rows) {
            if let Some(row) = row {
                let sums = large[row * n..][..n].iter_mut();
                sums.zip(from).for_each(|(sum, value)| *sum += *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::Moves;
    use super::*;

    const N: usize = 3;

    /// Two channels of 3 by 4 pixels; the window is 2 by 3 and reaches beyond the edges.
    fn window() -> WindowSizes {
        WindowSizes {
            channels: 2,
            height: 3,
            width: 4,
            features: 1,
            small_height: 2,
            small_width: 2,
            kernel_height: 2,
            kernel_width: 3,
            moves: Moves {
                stride: 2,
                padding: 1,
            },
            groups: 1,
        }
    }

    fn numbers(count: usize, step: f64) -> Vec<f64> {
        (0..count).map(|k| (step * k as f64).sin()).collect()
    }

    #[test]
    fn a_patch_is_what_the_window_sees_and_zeros_beyond_the_edge() {
        let large: Vec<f64> = (1..=2 * 12 * N).map(|k| k as f64).collect();
        let patches = Patches::new(&window());
        let mut found = vec![-1.0; patches.values() * N];
        patches.gather(&large, &mut found, N);
        let mut expected = Vec::new();
        for channel in 0..2 {
            for (ky, kx) in (0..6).map(|tap| (tap / 3, tap % 3)) {
                for (y, x) in (0..4).map(|place| (place / 2, place % 2)) {
                    let (y, x) = (2 * y + ky, 2 * x + kx);
                    let inside = (1..=3).contains(&y) && (1..=4).contains(&x);
                    for example in 0..N {
                        let row = || channel * 12 + (y - 1) * 4 + (x - 1);
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
    }

    #[test]
    fn scattering_is_the_adjoint_of_gathering() {
        let patches = Patches::new(&window());
        let (large, values) = (numbers(2 * 12 * N, 0.7), numbers(patches.values() * N, 1.3));
        let mut gathered = vec![-1.0; values.len()];
        patches.gather(&large, &mut gathered, N);
        let mut scattered = vec![-1.0; large.len()];
        patches.scatter(&values, &mut scattered, N);
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let difference = product(&gathered, &values) - product(&large, &scattered);
        assert!(difference.abs() < 1e-12, "{difference}");
    }
}
