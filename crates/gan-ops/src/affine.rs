//! y · weight + bias, and the activation after it.

use crate::Activation;
use crate::element::Element;
use crate::parallel::Kernel;

/// y · weight + bias, of one feature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine<T> {
    pub(crate) weight: T,
    pub(crate) bias: T,
}

/// y ← activation(y · weight + bias + shortcut), for rows of equal length, one per feature.
pub(crate) struct AffineActivation<'a, T> {
    pub(crate) y: &'a mut [T],
    /// One for each row, at least one.
    pub(crate) affine: &'a [Affine<T>],
    pub(crate) shortcut: Option<&'a [T]>,
    pub(crate) activation: Activation,
}

impl<T: Element> Kernel for AffineActivation<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.y.len() / self.affine.len();
        for (y, affine) in self.y.chunks_exact_mut(columns).zip(self.affine) {
            for value in y.iter_mut() {
                *value = *value * affine.weight + affine.bias;
            }
        }
        if let Some(shortcut) = self.shortcut {
            let pairs = self.y.iter_mut().zip(shortcut);
            pairs.for_each(|(value, more)| *value += *more);
        }
        self.activation.apply_in_place(self.y);
    }
}
