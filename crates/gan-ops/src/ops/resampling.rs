//! Pixels that become squares (nearest-neighbour upsampling), and squares that become pixels (average
//! pooling). Each is the other's adjoint, but for a factor.

use super::Map;
use crate::element::Element;
use crate::features::{Division, Features, Part, Size};
use crate::kernels::tile::lanes;
use candle_core::{Result, Tensor};
use gan_core::ImageShape;

/// Rows of the small image in a part.
const ROWS: usize = 1;

/// How many pixels in each direction become one, or the reverse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resampling {
    /// The small image.
    pub(crate) small: ImageShape,
    pub(crate) factor: usize,
}

impl Resampling {
    /// The weight of a pixel in the mean of its square.
    pub(crate) fn mean(self) -> f64 {
        1.0 / (self.factor * self.factor) as f64
    }
}

/// small ← `scale` · the sum over each square of the large image.
pub(crate) struct Gather(pub(crate) Resampling, pub(crate) f64);

/// large ← `scale` · the small image, each pixel repeated over its square.
pub(crate) struct Spread(pub(crate) Resampling, pub(crate) f64);

impl<T: Element> Map<T> for Gather {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(ROWS * self.0.small.width)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let Self(Resampling { small, factor }, scale) = *self;
        let scale = T::from_f64(scale);
        let pixel = Size::of(small).channels * lanes::<T>();
        let (x, first) = (x.line(y.region.lines.start), y.region.pixels.start);
        let runs = y
            .runs
            .iter_mut()
            .flat_map(|run| run.chunks_exact_mut(pixel));
        for (index, to) in runs.enumerate() {
            let (row, column) = ((first + index) / small.width, (first + index) % small.width);
            to.fill(T::zero());
            for dy in 0..factor {
                let line = (row * factor + dy) * small.width * factor;
                let from = &x[(line + column * factor) * pixel..][..factor * pixel];
                for from in from.chunks_exact(pixel) {
                    let pairs = to.iter_mut().zip(from);
                    pairs.for_each(|(to, from)| *to += *from * scale);
                }
            }
        }
    }
}

impl<T: Element> Map<T> for Spread {
    fn division(&self, _lines: usize) -> Division {
        let Resampling { small, factor } = self.0;
        Division::Pixels(ROWS * factor * small.width * factor)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let Self(Resampling { small, factor }, scale) = *self;
        let scale = T::from_f64(scale);
        let pixel = Size::of(small).channels * lanes::<T>();
        let (x, first) = (x.line(y.region.lines.start), y.region.pixels.start);
        let width = small.width * factor;
        let runs = y
            .runs
            .iter_mut()
            .flat_map(|run| run.chunks_exact_mut(pixel));
        for (index, to) in runs.enumerate() {
            let (row, column) = ((first + index) / width, (first + index) % width);
            let from = (row / factor * small.width + column / factor) * pixel;
            let pairs = to.iter_mut().zip(&x[from..]);
            pairs.for_each(|(to, from)| *to = *from * scale);
        }
    }
}

/// The mean of each square of `size` by `size` pixels: x `[n, c, h, w]` → `[n, c, h / size, w / size]`.
pub(crate) fn pooling_twin(x: &Tensor, size: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let squares = x.reshape((n * c, h / size, size, w / size, size))?;
    squares
        .mean(4)?
        .mean(2)?
        .reshape((n, c, h / size, w / size))
}

/// Repeats each pixel as a square: x `[n, c, h, w]` → `[n, c, factor · h, factor · w]`.
pub(crate) fn upsampling_twin(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let pixels = x.reshape((n * c, h, 1, w, 1))?;
    let squares = pixels.broadcast_as((n * c, h, factor, w, factor))?;
    squares
        .contiguous()?
        .reshape((n, c, h * factor, w * factor))
}
