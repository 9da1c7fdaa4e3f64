//! The two element types of the fused operations, and access to a tensor's numbers.
//!
//! # Locks
//!
//! Candle keeps a tensor's numbers behind a lock, and the fused operations hold it while they compute in
//! parallel, as candle's own products do. Who computes by [`crate::parallel::for_each_piece`] does nothing else
//! until all pieces have ended, so others may wait for a lock that it holds. But a thread that waits in rayon's
//! or candle's parallel work may begin any other work of its pool meanwhile, with that lock still held further
//! down on its stack. If that work, or work that it waits for, needed the same lock, neither would ever end. So
//! the rule is that nobody ever waits for one of these locks: **a variable is written by one piece of work alone,
//! and no other can reach it.**
//!
//! - Weights, moments and averages are written in training, by [`crate::adam_step`] and
//!   [`crate::moving_average_step`]. They belong to a `Trainer`, whose step borrows it exclusively.
//! - A network that other threads may use shares no variable with one in training: it is a copy
//!   (`Generator::copy`) that nobody trains. Its locks are only read, and readers do not wait for each other
//!   where nobody writes.
//! - Running statistics are written in every pass in training mode, but never locked during parallel
//!   work. Passes in training mode at the same time cannot wait for each other, though they lose updates.
//! - The buffer of a [`crate::Network`]'s gradients is taken out of its list for as long as it is used. Locks
//!   of lists, such as those of [`crate::scratch`], are not held during parallel work.
//!
//! Whoever clones a variable out of a `ParameterStore` and uses it in another thread during training
//! breaks the rule.

use crate::kernels::transpose::{BLOCK, turned, turned_f32};
use crate::scratch::Scratch;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Storage, Tensor, Var, WithDType};
use pulp::Simd;
use pulp::bytemuck::Pod;
use std::cell::Cell;

/// f32 or f64.
pub(crate) trait Element: WithDType + Default + Pod + PartialOrd {
    /// A vector of such numbers.
    type Vector<S: Simd>: Copy + Pod;
    /// A vector of equal numbers.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
    /// a · b + c, rounded once.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    fn sum<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// A block with rows and columns exchanged.
    fn turn<S: Simd>(simd: S, block: [[Self; BLOCK]; BLOCK]) -> [[Self; BLOCK]; BLOCK];
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent, within a few units in the last place.
    fn tanh(self) -> Self;
    /// eˣ for x of at most 88, within a few units in the last place; what is below 10⁻³⁷ may be 0.
    fn exp(self) -> Self;
    /// The buffers of this type.
    fn scratch(both: &(Scratch<f32>, Scratch<f64>)) -> &Scratch<Self>;
    /// The numbers of a storage of this type.
    fn of_storage(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

macro_rules! element {
    ($float:ident, $variant:ident, $scratch:tt, $tanh:expr, $exp:expr, $vector:ident, $splat:ident, $mul_add:ident, $add:ident, $turned:expr) => {
        impl Element for $float {
            type Vector<S: Simd> = S::$vector;
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn mul_add<S: Simd>(
                simd: S,
                a: S::$vector,
                b: S::$vector,
                c: S::$vector,
            ) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn sum<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn turn<S: Simd>(simd: S, block: [[Self; BLOCK]; BLOCK]) -> [[Self; BLOCK]; BLOCK] {
                $turned(simd, block)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            fn scratch(both: &(Scratch<f32>, Scratch<f64>)) -> &Scratch<Self> {
                &both.$scratch
            }
            fn of_storage(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(values) => Some(values),
                    _ => None,
                }
            }
        }
    };
}
element!(
    f32,
    F32,
    0,
    crate::tanh::tanh,
    crate::exponential::exp,
    f32s,
    splat_f32s,
    mul_add_f32s,
    add_f32s,
    turned_f32
);
element!(
    f64,
    F64,
    1,
    gan_core::exact::tanh,
    gan_core::exact::exp,
    f64s,
    splat_f64s,
    mul_add_f64s,
    add_f64s,
    |_, block| turned(block)
);

/// Calls a function that is generic over the element type with the element type of a `DType`.
macro_rules! for_dtype {
    ($dtype:expr, $name:expr, $call:ident($($argument:expr),* $(,)?)) => {
        match $dtype {
            candle_core::DType::F32 => $call::<f32>($($argument),*),
            candle_core::DType::F64 => $call::<f64>($($argument),*),
            other => candle_core::bail!("{} takes f32 or f64 tensors, not {other:?}", $name),
        }
    };
}
pub(crate) use for_dtype;

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

/// Calls `read` with the whole storage of a CPU tensor and where in it the tensor lies. The tensor is locked for
/// reading meanwhile; see [the rule](self#locks).
pub(crate) fn with_storage<T: Element, R>(
    tensor: &Tensor,
    read: impl FnOnce(&[T], &Layout) -> Result<R>,
) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => read(T::cpu_storage_as_slice(storage)?, layout),
        _ => candle_core::bail!("a fused CPU operation was given a tensor on another device"),
    }
}

/// Calls `read` with the numbers of a contiguous CPU tensor.
pub(crate) fn with_slice<T: Element, R>(
    tensor: &Tensor,
    read: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    with_storage(tensor, |values, layout| match layout.contiguous_offsets() {
        Some((start, end)) => read(&values[start..end]),
        None => candle_core::bail!("a fused operation was given a non-contiguous tensor"),
    })
}

/// [`with_slice`] of several tensors.
pub(crate) fn with_slices<T: Element, R>(
    tensors: &[&Tensor],
    read: impl FnOnce(&[&[T]]) -> Result<R>,
) -> Result<R> {
    let held: Vec<_> = tensors
        .iter()
        .map(|tensor| tensor.storage_and_layout())
        .collect();
    let slices = held.iter().map(|(storage, layout)| match &**storage {
        Storage::Cpu(storage) => elements(storage, layout),
        _ => candle_core::bail!("a fused CPU operation was given a tensor on another device"),
    });
    read(&slices.collect::<Result<Vec<_>>>()?)
}

/// Calls `write` with the numbers of a contiguous CPU variable, which is locked for writing meanwhile: `write`
/// may compute in pieces; in rayon's way only if no other work can reach the variable; see [the rule](self#locks).
pub(crate) fn with_slice_mut<T: Element, R>(
    var: &Var,
    write: impl FnOnce(&mut [T]) -> Result<R>,
) -> Result<R> {
    let operation = Write {
        write: Cell::new(Some(write)),
        result: Cell::new(None),
        element: std::marker::PhantomData,
    };
    var.inplace_op1(&operation)?;
    match operation.result.into_inner() {
        Some(result) => Ok(result),
        None => candle_core::bail!("a variable was not written"),
    }
}

/// Candle's only way to the numbers of a variable: an operation in place.
struct Write<T, F, R> {
    write: Cell<Option<F>>,
    result: Cell<Option<R>>,
    element: std::marker::PhantomData<T>,
}

impl<T: Element, R, F: FnOnce(&mut [T]) -> Result<R>> InplaceOp1 for Write<T, F, R> {
    fn name(&self) -> &'static str {
        "write"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (Some(values), Some((start, end))) =
            (T::of_storage(storage), layout.contiguous_offsets())
        else {
            candle_core::bail!(
                "a variable to be written must be contiguous and of type {:?}",
                T::DTYPE
            );
        };
        if let Some(write) = self.write.take() {
            self.result.set(Some(write(&mut values[start..end])?));
        }
        Ok(())
    }
}
