//! Maxout units: the largest of each few consecutive channels (Goodfellow et al., 2013, arXiv 1302.4389).
//! Of equal ones the first counts.

use super::{Map, Point};
use crate::element::Element;
use crate::features::{Division, Features, Part};
use crate::kernels::tile::lanes;
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor};

/// Pixels of a part.
const PIXELS: usize = 64;

/// The forward pass: x `[c]` → `[c / pieces]` of each pixel.
pub(crate) struct Largest {
    pub(crate) pieces: usize,
}

impl<T: Element> Map<T> for Largest {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(PIXELS)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let lanes = lanes::<T>();
        let first = y.region.pixels.start * x.size.channels * lanes;
        let x = &x.line(y.region.lines.start)[first..];
        for run in &mut y.runs {
            vectorized(LargestOfEach {
                x,
                y: run,
                pieces: self.pieces,
            });
        }
    }
}

struct LargestOfEach<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
    pieces: usize,
}

impl<T: Element> Kernel for LargestOfEach<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let units = self.x.chunks_exact(self.pieces * lanes);
        for (y, pieces) in self.y.chunks_exact_mut(lanes).zip(units) {
            for (lane, y) in y.iter_mut().enumerate() {
                let mut largest = pieces[lane];
                for piece in 1..self.pieces {
                    let value = pieces[piece * lanes + lane];
                    // What is not a number stays visible.
                    let counts = value > largest || value.partial_cmp(&value).is_none();
                    largest = if counts { value } else { largest };
                }
                *y = largest;
            }
        }
    }
}

/// The derivative along a tangent: that of the piece which was the largest.
pub(crate) struct Chosen<'a, T> {
    pub(crate) pieces: usize,
    pub(crate) point: &'a Point<'a, T>,
}

impl<T: Element> Map<T> for Chosen<'_, T> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(PIXELS)
    }

    fn apply(&self, tangent: &Features<T>, y: &mut Part<'_, T>) {
        let lanes = lanes::<T>();
        let line = y.region.lines.start;
        let first = y.region.pixels.start * y.region.channels.len() * lanes;
        let (input, output) = self.point.lines_of(line);
        let (input, output) = (&input[first * self.pieces..], &output[first..]);
        let tangent = &tangent.line(line)[first * self.pieces..];
        let units = y
            .runs
            .iter_mut()
            .flat_map(|run| run.chunks_exact_mut(lanes));
        for (unit, y) in units.enumerate() {
            let output = &output[unit * lanes..][..lanes];
            for (lane, y) in y.iter_mut().enumerate() {
                let piece = |piece: usize| (unit * self.pieces + piece) * lanes + lane;
                let chosen = (0..self.pieces).find(|k| input[piece(*k)] == output[lane]);
                *y = chosen.map_or(T::zero(), |chosen| tangent[piece(chosen)]);
            }
        }
    }
}

/// The adjoint of [`Chosen`]: the gradient goes to the largest piece, the others get 0.
pub(crate) struct ToChosen<'a, T> {
    pub(crate) pieces: usize,
    pub(crate) point: &'a Point<'a, T>,
}

impl<T: Element> Map<T> for ToChosen<'_, T> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(PIXELS)
    }

    fn apply(&self, gradient: &Features<T>, x: &mut Part<'_, T>) {
        let lanes = lanes::<T>();
        let line = x.region.lines.start;
        let first = x.region.pixels.start * gradient.size.channels * lanes;
        let (input, output) = self.point.lines_of(line);
        let (input, output) = (&input[first * self.pieces..], &output[first..]);
        let gradient = &gradient.line(line)[first..];
        let units = x.runs.iter_mut();
        let units = units.flat_map(|run| run.chunks_exact_mut(self.pieces * lanes));
        for (unit, x) in units.enumerate() {
            x.fill(T::zero());
            for lane in 0..lanes {
                let place = unit * lanes + lane;
                let input = &input[unit * self.pieces * lanes..];
                let is_largest = |k: &usize| input[k * lanes + lane] == output[place];
                if let Some(chosen) = (0..self.pieces).find(is_largest) {
                    x[chosen * lanes + lane] = gradient[place];
                }
            }
        }
    }
}

impl<T: Copy + Default> Point<'_, T> {
    /// The operation's input and output of one of these lines.
    fn lines_of(&self, line: usize) -> (&[T], &[T]) {
        let line = self.lines.start + line;
        (self.input.line(line), self.output.line(line))
    }
}

/// x `[n, c, h, w]` → `[n, c / pieces, h, w]`. Candle divides the gradient among equal pieces.
pub(crate) fn twin(x: &Tensor, pieces: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    x.reshape((n, c / pieces, pieces, h, w))?.max(2)
}
