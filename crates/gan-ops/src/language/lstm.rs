//! A layer of LSTM cells over sequences, forwards and backwards in time.

use super::cell::{Advance, GATES, Retreat};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::product::{Product, Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::ops::bias;
use crate::parallel::for_each_part;
use crate::scratch::Scratch;
use crate::vectors::vectorized;

/// The weights of a layer.
#[derive(Clone, Copy)]
pub(crate) struct Lstm<'a, T> {
    /// `[4 hidden, inputs]`
    pub(crate) weight_ih: &'a [T],
    /// `[4 hidden, hidden]`
    pub(crate) weight_hh: &'a [T],
    /// `[4 hidden]`, both biases' sum.
    pub(crate) bias: &'a [T],
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
}

/// What a layer made of sequences: the steps of a line of sequences are lines of their own, one after another.
pub(crate) struct States<T> {
    /// The gates' values, `[4 hidden]`.
    pub(crate) gates: Features<T>,
    /// `[hidden]`
    pub(crate) cells: Features<T>,
    /// `[hidden]`
    pub(crate) hidden: Features<T>,
}

impl<T: Element> States<T> {
    /// A copy, for a way back that needs them more than once.
    pub(crate) fn copy(&self, scratch: &Scratch<T>) -> Self {
        let copy = |features: &Features<T>| features.some_lines(0..features.lines(), scratch);
        Self {
            gates: copy(&self.gates),
            cells: copy(&self.cells),
            hidden: copy(&self.hidden),
        }
    }
}

/// The gradients of a layer.
pub(crate) struct LstmGradients<T> {
    pub(crate) weight_ih: Vec<T>,
    pub(crate) weight_hh: Vec<T>,
    /// That of either bias.
    pub(crate) bias: Vec<T>,
    pub(crate) by_input: Features<T>,
}

const fn vector(channels: usize) -> Size {
    Size {
        channels,
        pixels: 1,
    }
}

impl<T: Element> Lstm<'_, T> {
    fn input_product(&self) -> Product<'_, T> {
        Product {
            weight: self.weight_ih,
            outputs: GATES * self.hidden,
            inputs: self.inputs,
            half: false,
        }
    }

    /// Adds what comes from the bias and the hidden state before, if there is one.
    pub(crate) fn add_to_gates(&self, hidden_before: Option<&[T]>, gates: &mut [T]) {
        let rows = gates.chunks_exact_mut(lanes::<T>()).zip(self.bias);
        rows.for_each(|(row, bias)| row.iter_mut().for_each(|gate| *gate += *bias));
        if let Some(hidden) = hidden_before {
            line_product(self.weight_hh, hidden, gates, true);
        }
    }

    /// The states of sequences of `steps` steps that begin at 0. x `[lines · steps, inputs]`.
    pub(crate) fn forward(&self, x: &Features<T>, steps: usize, scratch: &Scratch<T>) -> States<T> {
        let states = |channels| Features::new(x.lines(), vector(channels), scratch);
        let mut gates = states(GATES * self.hidden);
        let (mut cells, mut hidden) = (states(self.hidden), states(self.hidden));
        let product = self.input_product();
        let parts = gates.parts(&product.division(x.lines()));
        for_each_part(parts, |_, mut part| product.forward(x, &mut part));

        let zero = vec![T::zero(); self.hidden * lanes::<T>()];
        let lines = gates
            .groups_mut(steps)
            .into_iter()
            .zip(cells.groups_mut(steps))
            .zip(hidden.groups_mut(steps));
        for_each_part(lines.collect(), |_, ((gates, cells), hidden)| {
            let mut before: Option<(&[T], &[T])> = None;
            for ((gates, cell), hidden) in gates.into_iter().zip(cells).zip(hidden) {
                self.add_to_gates(before.map(|(_, hidden)| hidden), gates);
                vectorized(Advance {
                    gates,
                    cell_before: before.map_or(&zero, |(cell, _)| cell),
                    cell: &mut *cell,
                    hidden: &mut *hidden,
                });
                before = Some((cell, hidden));
            }
        });
        States {
            gates,
            cells,
            hidden,
        }
    }

    /// The gradients from those with respect to the hidden states, `[lines · steps, hidden]`.
    pub(crate) fn backward(
        &self,
        x: &Features<T>,
        states: States<T>,
        by_hidden: &mut Features<T>,
        steps: usize,
        scratch: &Scratch<T>,
    ) -> LstmGradients<T> {
        let States {
            mut gates,
            cells,
            hidden,
        } = states;
        self.through_time(&mut gates, &cells, by_hidden, steps);
        let mut by_input = Features::new(x.lines(), vector(self.inputs), scratch);
        let product = self.input_product();
        let parts = by_input.parts(&product.adjoint_division(x.lines()));
        for_each_part(parts, |_, mut part| {
            product.adjoint(&gates, &mut part, scratch);
        });
        let rows = GATES * self.hidden;
        let mut weight_ih = vec![T::zero(); rows * self.inputs];
        let turned = Turned::new(self.inputs, x.lines(), |line| x.line(line), scratch);
        weight_gradient(&gates, &turned, &mut weight_ih, scratch);
        let mut weight_hh = vec![T::zero(); rows * self.hidden];
        let zero = vec![T::zero(); self.hidden * lanes::<T>()];
        let before = |line: usize| match line % steps {
            0 => &zero[..],
            _ => hidden.line(line - 1),
        };
        let turned = Turned::new(self.hidden, x.lines(), before, scratch);
        weight_gradient(&gates, &turned, &mut weight_hh, scratch);
        LstmGradients {
            weight_ih,
            weight_hh,
            bias: bias::gradient(&gates, None),
            by_input,
        }
    }

    /// Gates ← the gradients with respect to what the weights made, from those with respect to the hidden states.
    fn through_time(
        &self,
        gates: &mut Features<T>,
        cells: &Features<T>,
        by_hidden: &mut Features<T>,
        steps: usize,
    ) {
        let weight = transposed(self.weight_hh, self.hidden);
        let lanes = lanes::<T>();
        let zero = vec![T::zero(); self.hidden * lanes];
        let lines = gates
            .groups_mut(steps)
            .into_iter()
            .zip(by_hidden.groups_mut(steps));
        for_each_part(lines.collect(), |line, (mut gates, mut by_hidden)| {
            let mut by_cell = zero.clone();
            for step in (0..steps).rev() {
                let place = line * steps + step;
                vectorized(Retreat {
                    gates: &mut *gates[step],
                    cell_before: if step == 0 {
                        &zero
                    } else {
                        cells.line(place - 1)
                    },
                    cell: cells.line(place),
                    by_hidden: &*by_hidden[step],
                    by_cell: &mut by_cell,
                });
                if step > 0 {
                    line_product(&weight, &*gates[step], &mut *by_hidden[step - 1], true);
                }
            }
        });
    }
}
