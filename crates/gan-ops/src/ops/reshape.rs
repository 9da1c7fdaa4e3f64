//! The same numbers in another shape, and a copy in the same one.

use super::Map;
use crate::element::Element;
use crate::features::{Division, Features, Part, Size};
use crate::kernels::tile::lanes;

/// Numbers of a part.
const PART: usize = 1 << 14;

/// From one shape to another with the same numbers in PyTorch's order, by channel, then pixel. It is linear,
/// and its adjoint is the way back.
pub(crate) struct Reshape {
    pub(crate) from: Size,
    pub(crate) to: Size,
}

impl<T: Element> Map<T> for Reshape {
    fn division(&self, _lines: usize) -> Division {
        let pixels = PART / (self.to.channels * lanes::<T>());
        Division::Pixels(pixels.clamp(1, self.to.pixels))
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let (x, lanes) = (x.line(y.region.lines.start), lanes::<T>());
        let Self { from, to } = *self;
        let first = y.region.pixels.start;
        for run in &mut y.runs {
            if from == to {
                run.copy_from_slice(&x[first * to.channels * lanes..][..run.len()]);
                continue;
            }
            for (place, values) in run.chunks_exact_mut(lanes).enumerate() {
                let (pixel, channel) = (first + place / to.channels, place % to.channels);
                let number = channel * to.pixels + pixel;
                let place = number % from.pixels * from.channels + number / from.pixels;
                values.copy_from_slice(&x[place * lanes..][..lanes]);
            }
        }
    }
}
