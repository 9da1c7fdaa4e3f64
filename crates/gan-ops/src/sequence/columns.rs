//! Tensors of examples as matrices that have a column for each example.

use crate::element::{Element, with_storage};
use candle_core::{Layout, Result, Tensor};
use faer::MatRef;

/// Calls `read` with x `[n, …]` as a matrix of n columns, one for each example. The tensor is
/// copied only if neither its examples nor its features lie one after the other in memory.
pub(super) fn with_columns<T: Element, R>(
    x: &Tensor,
    read: impl FnOnce(MatRef<'_, T>) -> Result<R>,
) -> Result<R> {
    let contiguous;
    let x = if strides(x.layout()).is_some() {
        x
    } else {
        contiguous = x.contiguous()?;
        &contiguous
    };
    with_storage(x, |values, layout| {
        let (examples, features) = size(layout);
        let values = &values[layout.start_offset()..];
        match strides(layout) {
            Some((example, 1)) => read(MatRef::from_column_major_slice_with_stride(
                within(values, examples, features, example),
                features,
                examples,
                example,
            )),
            Some((1, feature)) => read(MatRef::from_row_major_slice_with_stride(
                within(values, features, examples, feature),
                features,
                examples,
                feature,
            )),
            _ => candle_core::bail!("a tensor of shape {:?} has no columns", layout.dims()),
        }
    })
}

/// The part of `values` from the first to the last element of `count` lines of `length`.
fn within<T>(values: &[T], count: usize, length: usize, stride: usize) -> &[T] {
    let end = if count == 0 { 0 } else { (count - 1) * stride + length };
    &values[..end]
}

/// The numbers of examples and of features.
pub(super) fn size(layout: &Layout) -> (usize, usize) {
    match layout.dims() {
        [examples, features @ ..] => (*examples, features.iter().product()),
        [] => (1, 1),
    }
}

/// The distances in memory from one example to the next and from one feature to the next, of
/// which one is 1; `None` if the features are not equally far apart.
fn strides(layout: &Layout) -> Option<(usize, usize)> {
    let (examples, features) = size(layout);
    let (dims, strides) = (layout.dims().get(1..)?, layout.stride());
    let mut inner: Option<(usize, usize)> = None;
    for (size, stride) in dims.iter().zip(&strides[1..]).rev() {
        inner = match inner {
            _ if *size == 1 => inner,
            None => Some((*stride, *size)),
            Some((step, count)) if *stride == step * count => Some((step, count * size)),
            Some(_) => return None,
        };
    }
    let feature = inner.map_or(1, |(step, _)| step);
    let example = if examples == 1 { features.max(1) } else { strides[0] };
    match (example, feature) {
        (e, 1) if e >= features => Some((e, 1)),
        (1, f) if f >= examples => Some((1, f)),
        (_, f) if examples == 1 => Some((1, f)),
        _ => None,
    }
}
