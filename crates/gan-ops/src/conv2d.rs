//! Convolution with bias and activation in one operation, as matrix products over image patches.

use crate::element::{Element, elements, for_dtype, with_slice};
use crate::matmul::{Onto, product};
use crate::{Activation, composed};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use faer::{MatMut, MatRef};
use rayon::prelude::*;

/// Pixels of outputs that one matrix product should have, so that small images share one.
const PIXELS_PER_PRODUCT: usize = 128;

/// Into how many parts a batch is cut. It depends on nothing else, so neither do the sums over it.
const PARTS: usize = 8;

/// How a kernel moves over an image, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Pixels from one place to the next, at least 1.
    pub stride: usize,
    /// Rows and columns of zeros around the image.
    pub padding: usize,
}

/// x `[n, c, h, w]`, weight `[o, c, kh, kw]`, bias `[o]` → activation(weight ⋆ x + bias)
/// `[n, o, oh, ow]` with oh = (h + 2 padding - kh) / stride + 1, cross-correlated as PyTorch's.
///
/// On the CPU its gradient cannot be differentiated again; [`composed::conv2d`] can.
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

/// All sizes of one convolution.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    images: usize,
    channels: usize,
    height: usize,
    width: usize,
    outputs: usize,
    kernel_height: usize,
    kernel_width: usize,
    out_height: usize,
    out_width: usize,
    stride: usize,
    padding: usize,
}

impl Geometry {
    fn new(x: &Tensor, weight: &Tensor, bias: &Tensor, convolution: Convolution) -> Result<Self> {
        let (images, channels, height, width) = x.dims4()?;
        let (outputs, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
        let Convolution { stride, padding } = convolution;
        let places = |size: usize, kernel: usize| {
            let steps = (size + 2 * padding).checked_sub(kernel)?;
            (stride > 0 && kernel > 0).then(|| steps / stride + 1)
        };
        let out = places(height, kernel_height).zip(places(width, kernel_width));
        let fitting = channels == weight_channels && bias.dims() == [outputs];
        let empty = [channels, height, width, outputs].contains(&0);
        match out {
            Some((out_height, out_width)) if fitting && !empty => Ok(Self {
                images,
                channels,
                height,
                width,
                outputs,
                kernel_height,
                kernel_width,
                out_height,
                out_width,
                stride,
                padding,
            }),
            _ => candle_core::bail!(
                "a convolution of stride {stride} and padding {padding} cannot take images {:?}, \
                 weight {:?} and bias {:?}",
                x.dims(),
                weight.dims(),
                bias.dims(),
            ),
        }
    }

    /// Values of an input image.
    fn input(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Values that one output value is made of.
    fn patch(&self) -> usize {
        self.channels * self.kernel_height * self.kernel_width
    }

    /// Pixels of an output image.
    fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Images that share a matrix product.
    fn group(&self) -> usize {
        (PIXELS_PER_PRODUCT / self.pixels()).max(1)
    }

    /// Images of a part of the batch.
    fn part(&self) -> usize {
        self.images
            .div_ceil(PARTS)
            .next_multiple_of(self.group())
            .max(1)
    }

    /// Calls `f` for each row of output pixels and each value of their patches: with the row's
    /// place in a patch matrix `[patch, pixels]`, the value's first place in the image, and the
    /// range of pixels of the row whose value lies inside the image.
    fn for_each_row(&self, mut f: impl FnMut(usize, usize, std::ops::Range<usize>)) {
        let inside = |place: usize, size: usize, count: usize| {
            // Outputs i with 0 ≤ i · stride + place - padding < size.
            let first = self.padding.saturating_sub(place).div_ceil(self.stride);
            let end = (size + self.padding)
                .saturating_sub(place)
                .div_ceil(self.stride);
            first.min(count)..end.clamp(first.min(count), count)
        };
        let mut value = 0;
        for channel in 0..self.channels {
            for ky in 0..self.kernel_height {
                let rows = inside(ky, self.height, self.out_height);
                for kx in 0..self.kernel_width {
                    let columns = inside(kx, self.width, self.out_width);
                    for y in rows.clone().filter(|_| !columns.is_empty()) {
                        let image_row = channel * self.height + y * self.stride + ky - self.padding;
                        let image_column = columns.start * self.stride + kx - self.padding;
                        f(
                            value * self.pixels() + y * self.out_width,
                            image_row * self.width + image_column,
                            columns.clone(),
                        );
                    }
                    value += 1;
                }
            }
        }
    }

    /// Writes the patches of `images` side by side: `[patch, images · pixels]`, zeros where they
    /// hang over an edge.
    fn gather<T: Element>(&self, images: &[T], patches: &mut [T]) {
        let count = images.len() / self.input();
        let pixels = self.pixels();
        patches.fill(T::zero());
        for (number, image) in images.chunks_exact(self.input()).enumerate() {
            self.for_each_row(|place, first, columns| {
                let (row, pixel) = (place / pixels, place % pixels);
                let to = (row * count + number) * pixels + pixel;
                let to = &mut patches[to + columns.start..to + columns.end];
                let from = image[first..].iter().step_by(self.stride);
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from;
                }
            });
        }
    }

    /// Adds patches to the places in `images` that they were gathered from.
    fn scatter<T: Element>(&self, patches: &[T], images: &mut [T]) {
        let count = images.len() / self.input();
        let pixels = self.pixels();
        for (number, image) in images.chunks_exact_mut(self.input()).enumerate() {
            self.for_each_row(|place, first, columns| {
                let (row, pixel) = (place / pixels, place % pixels);
                let from = (row * count + number) * pixels + pixel;
                let from = &patches[from + columns.start..from + columns.end];
                let to = image[first..].iter_mut().step_by(self.stride);
                for (to, from) in to.zip(from) {
                    *to += *from;
                }
            });
        }
    }
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

/// What a backward pass gives, or one part of the batch contributes.
struct Gradients<T> {
    input: Option<Vec<T>>,
    weight: Vec<T>,
    bias: Vec<T>,
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
            weight: vec![T::zero(); weight.len()],
            bias: vec![T::zero(); g.outputs],
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
            weight: vec![T::zero(); weight.len()],
            bias: vec![T::zero(); g.outputs],
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
