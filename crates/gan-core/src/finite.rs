//! Whether the numbers of a tensor are numbers.

use candle_core::{DType, Result, Tensor};

/// Whether all values of a tensor are finite. The sum of absolute values is NaN or infinite if one of them is, and that
/// of finite f32 numbers does not overflow in f64.
///
/// # Errors
/// When a tensor operation fails.
pub fn is_finite(tensor: &Tensor) -> Result<bool> {
    let sum = tensor.to_dtype(DType::F64)?.abs()?.sum_all()?;
    Ok(sum.to_scalar::<f64>()?.is_finite())
}
