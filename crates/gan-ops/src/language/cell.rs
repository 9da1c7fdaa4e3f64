//! The LSTM cell (Hochreiter & Schmidhuber, 1997; with forget gates, Gers et al., 2000) of a line of sequences.

use crate::element::Element;
use crate::vectors::Kernel;

/// i, f, g and o, in PyTorch's order.
pub(crate) const GATES: usize = 4;

/// One time step: c ← σ(f) c + σ(i) tanh(g), h ← σ(o) tanh(c). All are `[hidden, lanes]`, the gates four of them.
pub(crate) struct Advance<'a, T> {
    /// What the weights made of the input and the hidden state; then the gates' values.
    pub(crate) gates: &'a mut [T],
    pub(crate) cell_before: &'a [T],
    pub(crate) cell: &'a mut [T],
    pub(crate) hidden: &'a mut [T],
}

/// σ(x) = ½ + ½ tanh(½ x)
#[inline(always)]
fn sigmoid<T: Element>(x: T) -> T {
    let half = T::from_f64(0.5);
    half + half * Element::tanh(half * x)
}

impl<T: Element> Kernel for Advance<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let len = self.cell.len();
        let (inner, outer) = self.gates.split_at_mut(2 * len);
        let ((i, f), (g, o)) = (inner.split_at_mut(len), outer.split_at_mut(len));
        let gates = i.iter_mut().zip(f).zip(g.iter_mut().zip(o));
        let states = self.cell.iter_mut().zip(self.hidden).zip(self.cell_before);
        for (((i, f), (g, o)), ((c, h), before)) in gates.zip(states) {
            (*i, *f) = (sigmoid(*i), sigmoid(*f));
            (*g, *o) = (Element::tanh(*g), sigmoid(*o));
            *c = *f * *before + *i * *g;
            *h = *o * Element::tanh(*c);
        }
    }
}

/// One time step backwards.
pub(crate) struct Retreat<'a, T> {
    /// The gates' values; then the gradient with respect to what the weights made.
    pub(crate) gates: &'a mut [T],
    pub(crate) cell_before: &'a [T],
    pub(crate) cell: &'a [T],
    /// The gradient with respect to h.
    pub(crate) by_hidden: &'a [T],
    /// The gradient with respect to c that comes from later steps; then that with respect to the c before.
    pub(crate) by_cell: &'a mut [T],
}

impl<T: Element> Kernel for Retreat<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (len, one) = (self.cell.len(), T::from_f64(1.0));
        let (inner, outer) = self.gates.split_at_mut(2 * len);
        let ((i, f), (g, o)) = (inner.split_at_mut(len), outer.split_at_mut(len));
        let gates = i.iter_mut().zip(f).zip(g.iter_mut().zip(o));
        let states = self.cell.iter().zip(self.cell_before);
        let gradients = self.by_hidden.iter().zip(self.by_cell);
        for (((i, f), (g, o)), ((c, before), (by_h, by_c))) in gates.zip(states.zip(gradients)) {
            let tanh = Element::tanh(*c);
            let by_cell = *by_c + *by_h * *o * (one - tanh * tanh);
            *by_c = by_cell * *f;
            *o = *by_h * tanh * *o * (one - *o);
            *f = by_cell * *before * *f * (one - *f);
            let by_g = by_cell * *i * (one - *g * *g);
            *i = by_cell * *g * *i * (one - *i);
            *g = by_g;
        }
    }
}
