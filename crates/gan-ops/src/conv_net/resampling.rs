//! Pixels that become squares, and squares that become pixels.

use crate::element::Element;
use std::ops::Range;

/// How many pixels in each direction become one, or the reverse.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resampling {
    pub(super) channels: usize,
    /// Of the small image.
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) factor: usize,
}

impl Resampling {
    /// The weight of a pixel in the mean of its square.
    pub(super) fn mean(&self) -> f64 {
        1.0 / (self.factor * self.factor) as f64
    }

    /// Calls `f` for each row of n values of the small image and each of its rows in the large one.
    fn for_each_pair(&self, n: usize, mut f: impl FnMut(Range<usize>, Range<usize>)) {
        let row = |index: usize| index * n..(index + 1) * n;
        for line in 0..self.channels * self.height {
            for x in 0..self.width {
                let small = line * self.width + x;
                for dy in 0..self.factor {
                    let line = line * self.factor + dy;
                    let large = (line * self.width + x) * self.factor;
                    (0..self.factor).for_each(|dx| f(row(small), row(large + dx)));
                }
            }
        }
    }

    /// small ← `scale` · the sum over each square of the large image.
    pub(super) fn gather<T: Element>(&self, large: &[T], small: &mut [T], n: usize, scale: f64) {
        let scale = T::from_f64(scale);
        small.fill(T::zero());
        self.for_each_pair(n, |to, from| {
            let pairs = small[to].iter_mut().zip(&large[from]);
            pairs.for_each(|(to, from)| *to += *from * scale);
        });
    }

    /// large ← `scale` · the small image, each pixel repeated over its square.
    pub(super) fn spread<T: Element>(&self, small: &[T], large: &mut [T], n: usize, scale: f64) {
        let scale = T::from_f64(scale);
        self.for_each_pair(n, |from, to| {
            let pairs = large[to].iter_mut().zip(&small[from]);
            pairs.for_each(|(to, from)| *to = *from * scale);
        });
    }
}
