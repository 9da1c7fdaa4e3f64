//! Convolution with bias and activation in one operation, as matrix products over image patches.

mod geometry;

use crate::element::{Element, elements, for_dtype, with_slice};
use crate::matmul::{Onto, product};
use crate::{Activation, composed};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use faer::{MatMut, MatRef};
use geometry::Geometry;
use rayon::prelude::*;

/// Stride and padding of a convolution, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Pixels from one position of the kernel to the next, at least 1.
    pub stride: usize,
    /// Rows and columns of zeros around the image.
    pub padding: usize,
}

/// x `[n, c, h, w]`, weight `[o, c, kh, kw]`, bias `[o]` → activation(weight ⋆ x + bias)
/// `[n, o, oh, ow]` with oh = (h + 2 padding - kh) / stride + 1; a cross-correlation as in PyTorch.
///
/// On the CPU it cannot be differentiated twice; [`composed::conv2d`] can.
///
/// # Errors
/// When the shapes do not fit, or the tensors are neither f32 nor f64.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    convolution: Convolution,
    activation: Activation,
) -> Result<Tensor> {
    let geometry = Geometry::new(x, weight, bias, convolution)?;
    if !x.device().is_cpu() {
        return composed::conv2d(x, weight, bias, convolution, activation);
    }
    let operation = FusedConvolution {
        geometry,
        activation,
    };
    x.contiguous()?
        .apply_op3(&weight.contiguous()?, &bias.contiguous()?, operation)
}

struct FusedConvolution {
    geometry: Geometry,
    activation: Activation,
}

impl CustomOp3 for FusedConvolution {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        fn run<T: Element>(
            operation: &FusedConvolution,
            (x, x_layout): (&CpuStorage, &Layout),
            (weight, weight_layout): (&CpuStorage, &Layout),
            (bias, bias_layout): (&CpuStorage, &Layout),
        ) -> Result<CpuStorage> {
            let y = operation.forward::<T>(
                elements(x, x_layout)?,
                elements(weight, weight_layout)?,
                elements(bias, bias_layout)?,
            );
            Ok(T::to_cpu_storage_owned(y))
        }
        let g = &self.geometry;
        let y = for_dtype!(
            x.dtype(),
            self.name(),
            run(
                self,
                (x, x_layout),
                (weight, weight_layout),
                (bias, bias_layout)
            )
        )?;
        let shape = (g.images, g.outputs, g.out_height, g.out_width);
        Ok((y, Shape::from(shape)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        fn run<T: Element>(
            operation: &FusedConvolution,
            (x, weight, y, gradient): (&Tensor, &Tensor, &Tensor, &Tensor),
        ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
            let found = with_slice(x, |x_values| {
                with_slice(weight, |weight| {
                    with_slice(y, |y| {
                        with_slice(gradient, |gradient| {
                            let by_input = x.track_op();
                            Ok(operation.backward::<T>(x_values, weight, y, gradient, by_input))
                        })
                    })
                })
            })?;
            let g = &operation.geometry;
            let device = x.device();
            let input = found.input.map(|v| Tensor::from_vec(v, x.shape(), device));
            Ok((
                input.transpose()?,
                Some(Tensor::from_vec(found.weight, weight.shape(), device)?),
                Some(Tensor::from_vec(found.bias, g.outputs, device)?),
            ))
        }
        let gradient = gradient.contiguous()?;
        for_dtype!(x.dtype(), self.name(), run(self, (x, weight, y, &gradient)))
    }
}

/// The gradients of a backward pass over a batch, or over one part of it.
struct Gradients<T> {
    input: Option<Vec<T>>,
    weight: Vec<T>,
    bias: Vec<T>,
}

impl<T: Element> Gradients<T> {
    /// Zeros for a weight of `weight` values and `outputs` biases, without the gradient of the input.
    fn zero(weight: usize, outputs: usize) -> Self {
        Self {
            input: None,
            weight: vec![T::zero(); weight],
            bias: vec![T::zero(); outputs],
        }
    }
}

impl FusedConvolution {
    fn forward<T: Element>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let g = &self.geometry;
        let (input, output) = (g.input(), g.outputs * g.pixels());
        let mut y = vec![T::zero(); g.images * output];
        let parts = y.par_chunks_mut(g.part() * output);
        parts
            .zip(x.par_chunks(g.part() * input))
            .for_each(|(y, x)| {
                let groups = y.chunks_mut(g.group() * output);
                for (y, x) in groups.zip(x.chunks(g.group() * input)) {
                    self.forward_group(x, weight, bias, y);
                }
            });
        y
    }

    fn forward_group<T: Element>(&self, x: &[T], weight: &[T], bias: &[T], y: &mut [T]) {
        let g = &self.geometry;
        let count = x.len() / g.input();
        let columns = count * g.pixels();
        let mut patches = vec![T::zero(); g.patch() * columns];
        g.gather(x, &mut patches);
        let mut product_values = vec![T::zero(); g.outputs * columns];
        product(
            MatMut::from_row_major_slice_mut(&mut product_values, g.outputs, columns),
            Onto::Replace,
            MatRef::from_row_major_slice(weight, g.outputs, g.patch()),
            MatRef::from_row_major_slice(&patches, g.patch(), columns),
        );
        for (image, y) in y.chunks_exact_mut(g.outputs * g.pixels()).enumerate() {
            for (output, y) in y.chunks_exact_mut(g.pixels()).enumerate() {
                let from = &product_values[output * columns + image * g.pixels()..];
                for (y, value) in y.iter_mut().zip(from) {
                    *y = *value + bias[output];
                }
            }
            self.activation.apply_in_place(y);
        }
    }

    fn backward<T: Element>(
        &self,
        x: &[T],
        weight: &[T],
        y: &[T],
        gradient: &[T],
        by_input: bool,
    ) -> Gradients<T> {
        let g = &self.geometry;
        let (input, output) = (g.part() * g.input(), g.part() * g.outputs * g.pixels());
        let outer = y.par_chunks(output).zip(gradient.par_chunks(output));
        let parts: Vec<Gradients<T>> = outer
            .zip(x.par_chunks(input))
            .map(|((y, gradient), x)| self.backward_part(x, weight, y, gradient, by_input))
            .collect();
        let mut sum = Gradients {
            input: by_input.then(|| Vec::with_capacity(x.len())),
            ..Gradients::zero(weight.len(), g.outputs)
        };
        for part in parts {
            add(&mut sum.weight, &part.weight);
            add(&mut sum.bias, &part.bias);
            if let (Some(all), Some(part)) = (&mut sum.input, part.input) {
                all.extend(part);
            }
        }
        sum
    }

    fn backward_part<T: Element>(
        &self,
        x: &[T],
        weight: &[T],
        y: &[T],
        gradient: &[T],
        by_input: bool,
    ) -> Gradients<T> {
        let g = &self.geometry;
        let mut sum = Gradients {
            input: by_input.then(|| vec![T::zero(); x.len()]),
            ..Gradients::zero(weight.len(), g.outputs)
        };
        let (input, output) = (g.group() * g.input(), g.group() * g.outputs * g.pixels());
        for (group, x) in x.chunks(input).enumerate() {
            let columns = x.len() / g.input() * g.pixels();
            let rows = group * output..(group * output + g.outputs * columns).min(y.len());
            let inner = self.by_pre_activation(&y[rows.clone()], &gradient[rows]);
            for (sum, row) in sum.bias.iter_mut().zip(inner.chunks_exact(columns)) {
                *sum += row.iter().fold(T::zero(), |sum, value| sum + *value);
            }
            let mut patches = vec![T::zero(); g.patch() * columns];
            g.gather(x, &mut patches);
            product(
                MatMut::from_row_major_slice_mut(&mut sum.weight, g.outputs, g.patch()),
                Onto::Add,
                MatRef::from_row_major_slice(&inner, g.outputs, columns),
                MatRef::from_row_major_slice(&patches, g.patch(), columns).transpose(),
            );
            if let Some(all) = &mut sum.input {
                product(
                    MatMut::from_row_major_slice_mut(&mut patches, g.patch(), columns),
                    Onto::Replace,
                    MatRef::from_row_major_slice(weight, g.outputs, g.patch()).transpose(),
                    MatRef::from_row_major_slice(&inner, g.outputs, columns),
                );
                g.scatter(&patches, &mut all[group * input..][..x.len()]);
            }
        }
        sum
    }

    /// Some images' `[images, outputs, pixels]` → `[outputs, images · pixels]`, back through the
    /// activation.
    fn by_pre_activation<T: Element>(&self, y: &[T], gradient: &[T]) -> Vec<T> {
        let g = &self.geometry;
        let mut gradient = gradient.to_vec();
        self.activation.backpropagate(y, &mut gradient);
        let image = g.outputs * g.pixels();
        let columns = gradient.len() / g.outputs;
        let mut inner = vec![T::zero(); gradient.len()];
        for (number, values) in gradient.chunks_exact(image).enumerate() {
            for (output, row) in values.chunks_exact(g.pixels()).enumerate() {
                let to = output * columns + number * g.pixels();
                inner[to..][..g.pixels()].copy_from_slice(row);
            }
        }
        inner
    }
}

fn add<T: Element>(sum: &mut [T], part: &[T]) {
    for (sum, value) in sum.iter_mut().zip(part) {
        *sum += *value;
    }
}
