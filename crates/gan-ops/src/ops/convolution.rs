//! Cross-correlation, like PyTorch's `Conv2d`, and its adjoint, like `ConvTranspose2d`.

use super::Map;
use crate::element::Element;
use crate::features::{Division, Features, Part};
use crate::kernels::correlation::Correlation;
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use gan_core::Window;

/// A convolution or a transposed one: either is the other's adjoint, and its own derivative.
pub(crate) struct Convolve<'a, T> {
    pub(crate) correlation: Correlation<'a, T>,
    /// Whether all examples are in the first half of one line, and nobody reads the other.
    pub(crate) half: bool,
    pub(crate) scratch: &'a Scratch<T>,
}

impl<T: Element> Map<T> for Convolve<'_, T> {
    fn division(&self, _lines: usize) -> Division {
        self.correlation.division()
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        self.correlation.apply(x, y, self.half, self.scratch);
    }
}

/// x `[n, c, h, w]`, weight `[o, c / groups, kh, kw]` → `[n, o, oh, ow]`.
pub(crate) fn twin(x: &Tensor, weight: &Tensor, window: Window) -> Result<Tensor> {
    x.conv2d(weight, window.padding, window.stride, 1, window.groups)
}

/// x `[n, c, h, w]`, weight `[c, o / groups, kh, kw]` → `[n, o, oh, ow]`.
pub(crate) fn transposed_twin(x: &Tensor, weight: &Tensor, window: Window) -> Result<Tensor> {
    let Window {
        stride,
        padding,
        output_padding,
        groups,
        ..
    } = window;
    let parts = x.chunk(groups, 1)?.into_iter();
    let group = |(x, weight): (Tensor, Tensor)| {
        let (x, weight) = (x.contiguous()?, weight.contiguous()?);
        x.conv_transpose2d(&weight, padding, output_padding, stride, 1)
    };
    let parts = parts.zip(weight.chunk(groups, 0)?).map(group);
    Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 1)
}
