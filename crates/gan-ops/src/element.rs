//! The two element types of the fused operations, and access to a tensor's numbers.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, WithDType};

/// f32 or f64.
pub(crate) trait Element: WithDType {
    fn exp(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sqrt(self) -> Self;
    fn tanh(self) -> Self;
    fn abs(self) -> Self;
}

macro_rules! element {
    ($float:ty) => {
        impl Element for $float {
            fn exp(self) -> Self {
                self.exp()
            }
            fn ln_1p(self) -> Self {
                self.ln_1p()
            }
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            fn tanh(self) -> Self {
                self.tanh()
            }
            fn abs(self) -> Self {
                self.abs()
            }
        }
    };
}
element!(f32);
element!(f64);

/// Calls a function that is generic over the element type with the one of a storage.
macro_rules! for_element {
    ($storage:expr, $name:expr, $call:ident, ($($argument:expr),* $(,)?)) => {
        match $storage {
            candle_core::CpuStorage::F32(_) => $call::<f32>($($argument),*),
            candle_core::CpuStorage::F64(_) => $call::<f64>($($argument),*),
            other => candle_core::bail!(
                "{} takes f32 or f64 tensors, not {:?}",
                $name,
                candle_core::backend::BackendStorage::dtype(other)
            ),
        }
    };
}
pub(crate) use for_element;

/// The numbers of a contiguous CPU tensor.
pub(crate) fn elements<'a, T: Element>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => candle_core::bail!("a fused operation was given a non-contiguous tensor"),
    }
}

/// Calls `read` with the storage and layout of a CPU tensor.
pub(crate) fn with_cpu_storage<R>(
    tensor: &Tensor,
    read: impl FnOnce(&CpuStorage, &Layout) -> Result<R>,
) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => read(storage, layout),
        _ => candle_core::bail!("a fused CPU operation was given a tensor on another device"),
    }
}

/// A copy of the numbers of a tensor on the CPU, in row-major order.
pub(crate) fn to_vec<T: Element>(tensor: &Tensor) -> Result<Vec<T>> {
    let tensor = tensor.contiguous()?;
    with_cpu_storage(&tensor, |storage, layout| {
        Ok(elements::<T>(storage, layout)?.to_vec())
    })
}
