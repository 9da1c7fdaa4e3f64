//! Updates of a parameter in place, by its gradient and what an optimizer keeps beside it.

mod adam;
mod momentum;

pub use adam::{AdamStep, adam_step};
pub use momentum::{MomentumStep, momentum_step};

use candle_core::{Result, Tensor, Var};

/// Refuses tensors of another shape or element type than the parameter's.
fn check_alike(optimizer: &str, theta: &Var, others: &[(&str, &Tensor)]) -> Result<()> {
    for (name, tensor) in others {
        if tensor.dims() != theta.dims() || tensor.dtype() != theta.dtype() {
            let (found, expected) = (tensor.dims(), theta.dims());
            let (found_type, expected_type) = (tensor.dtype(), theta.dtype());
            candle_core::bail!(
                "{optimizer}: {name} has shape {found:?} of {found_type:?}, the parameter {expected:?} of \
                 {expected_type:?}"
            );
        }
    }
    Ok(())
}
