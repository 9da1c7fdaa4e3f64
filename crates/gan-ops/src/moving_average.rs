//! An exponential moving average, in place.

use crate::composed;
use crate::element::{Element, for_dtype, with_slice, with_slice_mut};
use crate::parallel::{for_each_part, piece_len};
use crate::vectors::{Kernel, vectorized};
use candle_core::{Result, Tensor, Var};

/// average ← decay · average + (1 − decay) · value, of one shape; `decay` in [0, 1].
///
/// # Errors
/// When the shapes or element types differ.
pub fn moving_average_step(average: &Var, value: &Tensor, decay: f64) -> Result<()> {
    if value.dims() != average.dims() || value.dtype() != average.dtype() {
        candle_core::bail!(
            "moving average: the value has shape {:?} of {:?}, the average {:?} of {:?}",
            value.dims(),
            value.dtype(),
            average.dims(),
            average.dtype()
        );
    }
    if !average.device().is_cpu() {
        return composed::moving_average_step(average, value, decay);
    }
    let value = value.contiguous()?;
    for_dtype!(
        average.dtype(),
        "moving average",
        on_cpu(average, &value, decay)
    )
}

fn on_cpu<T: Element>(average: &Var, value: &Tensor, decay: f64) -> Result<()> {
    with_slice_mut::<T, _>(average, |average| {
        with_slice::<T, _>(value, |value| {
            let len = piece_len::<T>();
            let parts = average.chunks_mut(len).zip(value.chunks(len));
            let part = |(average, value)| Mix {
                average,
                value,
                decay,
            };
            for_each_part(parts.map(part).collect(), |_, part| vectorized(part));
            Ok(())
        })
    })
}

struct Mix<'a, T> {
    average: &'a mut [T],
    value: &'a [T],
    decay: f64,
}

impl<T: Element> Kernel for Mix<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (keep, take) = (T::from_f64(self.decay), T::from_f64(1.0 - self.decay));
        for (average, value) in self.average.iter_mut().zip(self.value) {
            *average = keep * *average + take * *value;
        }
    }
}
