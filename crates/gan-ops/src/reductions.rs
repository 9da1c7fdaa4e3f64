//! Sums over a tensor in an order that is the same on every processor, unlike candle's.

use crate::composed;
use crate::element::{Element, elements, for_dtype, with_slice};
use crate::kernels::sums::sum;
use crate::vectors::{Kernel, vectorized};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// The mean of all numbers of a tensor of any shape, summed in f64: a scalar. That of no numbers is NaN.
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn mean(x: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(Mean)
    } else {
        composed::mean(x)
    }
}

/// ‖x‖² of each example, summed in f64: x `[n, …]` → `[n, 1, …]`, with as many dimensions as x.
///
/// # Errors
/// When the tensor is a scalar, or neither f32 nor f64.
pub fn squared_norms(x: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(SquaredNorms)
    } else {
        composed::squared_norms(x)
    }
}

/// Σ x² of all numbers of a tensor of any shape, in f64, in which the squares of f32 numbers do not overflow.
/// Not differentiable.
///
/// # Errors
/// When the tensor is neither f32 nor f64.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    if !x.device().is_cpu() {
        return composed::sum_of_squares(x);
    }
    let x = x.contiguous()?;
    for_dtype!(x.dtype(), "sum of squares", squares_of(&x))
}

fn squares_of<T: Element>(x: &Tensor) -> Result<f64> {
    with_slice::<T, _>(x, |values| Ok(vectorized(Squares { values })))
}

struct Mean;

impl CustomOp1 for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_dtype!(x.dtype(), self.name(), mean_of(x, layout))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let share = (gradient / x.elem_count() as f64)?;
        Ok(Some(share.broadcast_as(x.shape())?.contiguous()?))
    }
}

fn mean_of<T: Element>(x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
    let values = elements::<T>(x, layout)?;
    let mean = sum(values, T::to_f64) / values.len() as f64;
    let mean = T::to_cpu_storage_owned(vec![T::from_f64(mean)]);
    Ok((mean, Shape::from(())))
}

struct SquaredNorms;

impl CustomOp1 for SquaredNorms {
    fn name(&self) -> &'static str {
        "squared norms"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        for_dtype!(x.dtype(), self.name(), norms_of(x, layout))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(x.broadcast_mul(&(gradient * 2.0)?)?))
    }
}

fn norms_of<T: Element>(x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
    let values = elements::<T>(x, layout)?;
    let shape = norms_shape(layout.shape())?;
    let examples = shape.elem_count();
    let width = values.len() / examples.max(1);
    let norm = |i: usize| {
        let values = &values[i * width..][..width];
        T::from_f64(vectorized(Squares { values }))
    };
    let norms = (0..examples).map(norm).collect();
    Ok((T::to_cpu_storage_owned(norms), shape))
}

/// `[n, 1, …]` of `[n, …]`.
pub(crate) fn norms_shape(shape: &Shape) -> Result<Shape> {
    let mut dims = vec![1; shape.rank()];
    match dims.first_mut() {
        Some(first) => *first = shape.dims()[0],
        None => candle_core::bail!("a scalar has no examples"),
    }
    Ok(Shape::from(dims))
}

struct Squares<'a, T> {
    values: &'a [T],
}

impl<T: Element> Kernel for Squares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        sum(self.values, |x| x.to_f64() * x.to_f64())
    }
}
