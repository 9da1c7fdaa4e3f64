//! Fully connected layers: y = W · x.

use super::Map;
use crate::element::Element;
use crate::features::{Division, Features, Part};
use crate::kernels::product::Product;
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};

/// The forward pass, and its derivative along a tangent.
impl<T: Element> Map<T> for Product<'_, T> {
    fn division(&self, lines: usize) -> Division {
        Product::division(self, lines)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        self.forward(x, y);
    }
}

/// x = Wᵀ · y.
pub(crate) struct Adjoint<'a, T> {
    pub(crate) product: Product<'a, T>,
    pub(crate) scratch: &'a Scratch<T>,
}

impl<T: Element> Map<T> for Adjoint<'_, T> {
    fn division(&self, lines: usize) -> Division {
        self.product.adjoint_division(lines)
    }

    fn apply(&self, y: &Features<T>, x: &mut Part<'_, T>) {
        self.product.adjoint(y, x, self.scratch);
    }
}

/// x `[n, i, 1, 1]`, weight `[o, i]` → `[n, o, 1, 1]`.
pub(crate) fn twin(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let y = x.flatten_from(1)?.matmul(&weight.t()?)?;
    y.unsqueeze(2)?.unsqueeze(3)
}
