//! Tensors of examples as matrices that have a column for each example.

use crate::element::Element;
use candle_core::{Layout, Result, Storage, Tensor};
use faer::MatRef;
use std::ops::{Deref, Range};

/// Batches that can be viewed as matrices with a column per example.
pub(super) struct Batches {
    tensors: Vec<Tensor>,
}

impl Batches {
    /// x: tensors `[n, …]`. One is copied only if neither its examples nor its features lie one
    /// after the other in memory.
    pub(super) fn new<'a>(x: impl IntoIterator<Item = &'a Tensor>) -> Result<Self> {
        let direct = |x: &Tensor| match strides(x.layout()) {
            Some(_) => Ok(x.detach()),
            None => x.detach().contiguous(),
        };
        let tensors = x.into_iter().map(direct).collect::<Result<_>>()?;
        Ok(Self { tensors })
    }

    pub(super) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The columns of each batch, when all stand side by side.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        let mut end = 0;
        let range = |x: &Tensor| {
            let start = end;
            end += size(x.layout()).0;
            start..end
        };
        self.tensors.iter().map(range).collect()
    }

    /// The batches' numbers, held for reading as long as this lives.
    pub(super) fn hold(&self) -> Vec<(impl Deref<Target = Storage> + '_, &Layout)> {
        self.tensors
            .iter()
            .map(Tensor::storage_and_layout)
            .collect()
    }
}

/// `[features, n]` of each batch.
pub(super) fn matrices<'a, T: Element>(
    held: &'a [(impl Deref<Target = Storage>, &Layout)],
) -> Result<Vec<MatRef<'a, T>>> {
    let mut all = Vec::with_capacity(held.len());
    for (storage, layout) in held {
        let Storage::Cpu(storage) = &**storage else {
            candle_core::bail!("a fused CPU operation was given a tensor on another device");
        };
        all.push(columns(T::cpu_storage_as_slice(storage)?, layout)?);
    }
    Ok(all)
}

fn columns<'a, T>(values: &'a [T], layout: &Layout) -> Result<MatRef<'a, T>> {
    let (examples, features) = size(layout);
    let values = &values[layout.start_offset()..];
    match strides(layout) {
        Some((example, 1)) => Ok(MatRef::from_column_major_slice_with_stride(
            lines(values, examples, features, example),
            features,
            examples,
            example,
        )),
        Some((1, feature)) => Ok(MatRef::from_row_major_slice_with_stride(
            lines(values, features, examples, feature),
            features,
            examples,
            feature,
        )),
        _ => candle_core::bail!("a tensor of shape {:?} has no columns", layout.dims()),
    }
}

/// The part of `values` from the first to the last element of `count` lines of `length`.
fn lines<T>(values: &[T], count: usize, length: usize, stride: usize) -> &[T] {
    match count {
        0 => &[],
        _ => &values[..(count - 1) * stride + length],
    }
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
    let example = if examples == 1 { features } else { strides[0] };
    match (example, feature) {
        (_, f) if examples == 1 && f != 1 => Some((1, f)),
        (e, 1) if e >= features => Some((e, 1)),
        (1, f) if f >= examples => Some((1, f)),
        _ => None,
    }
}
