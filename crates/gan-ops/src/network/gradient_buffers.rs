//! Memory for one parameter's gradient at a time.

use candle_core::{DType, Device, Result, Var};
use std::sync::{Mutex, PoisonError};

/// Free buffers as long as the largest parameter; more than one only if backward passes run at the same time.
pub(super) struct GradientBuffers {
    free: Mutex<Vec<Var>>,
    len: usize,
    dtype: DType,
}

impl GradientBuffers {
    pub(super) fn new(len: usize, dtype: DType) -> Self {
        Self {
            free: Mutex::default(),
            len,
            dtype,
        }
    }

    /// Calls `use_buffer` with room for any one parameter's gradient.
    pub(super) fn with<R>(&self, use_buffer: impl FnOnce(&Var) -> Result<R>) -> Result<R> {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = free().pop();
        let buffer = match buffer {
            Some(buffer) => buffer,
            None => Var::zeros(self.len, self.dtype, &Device::Cpu)?,
        };
        let result = use_buffer(&buffer);
        free().push(buffer);
        result
    }
}
