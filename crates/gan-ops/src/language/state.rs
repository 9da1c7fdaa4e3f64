//! A layer of LSTM cells that moves on step by step.

use super::cell::{Advance, GATES};
use super::lstm::Lstm;
use crate::element::Element;
use crate::kernels::product::line_product;
use crate::kernels::tile::lanes;
use crate::scratch::{Buffer, Scratch};
use crate::vectors::vectorized;

/// The state of a line of sequences; it begins at 0.
pub(crate) struct LineState<T> {
    first: bool,
    gates: Buffer<T>,
    /// `[hidden, lanes]`
    pub(crate) hidden: Buffer<T>,
    cell: Buffer<T>,
    cell_before: Buffer<T>,
}

impl<T: Element> LineState<T> {
    /// The state of so many cells before the first step.
    pub(crate) fn new(hidden: usize, scratch: &Scratch<T>) -> Self {
        let take = |channels| scratch.take(channels * lanes::<T>());
        let mut state = Self {
            first: true,
            gates: take(GATES * hidden),
            hidden: take(hidden),
            cell: take(hidden),
            cell_before: take(hidden),
        };
        state.cell.fill(T::zero());
        state
    }

    /// The next state, with the input x `[inputs, lanes]`.
    pub(crate) fn advance(&mut self, lstm: &Lstm<'_, T>, x: &[T]) {
        line_product(lstm.weight_ih, x, &mut self.gates, false);
        let before = (!self.first).then_some(&self.hidden[..]);
        lstm.add_to_gates(before, &mut self.gates);
        self.first = false;
        std::mem::swap(&mut self.cell, &mut self.cell_before);
        vectorized(Advance {
            gates: &mut self.gates,
            cell_before: &self.cell_before,
            cell: &mut self.cell,
            hidden: &mut self.hidden,
        });
    }
}
