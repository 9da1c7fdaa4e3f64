//! What both kinds of network require of their batches.

use candle_core::{Result, Tensor};

/// Refuses no batches, and batches without examples, which have no mean.
pub(crate) fn check_not_empty(batches: &[&Tensor]) -> Result<()> {
    if batches.is_empty() {
        candle_core::bail!("no batch was given, expected at least one");
    }
    for (index, batch) in batches.iter().enumerate() {
        if batch.dims().first() == Some(&0) {
            let shape = batch.dims();
            candle_core::bail!(
                "batch {index} of shape {shape:?} is empty, expected 1 example or more"
            );
        }
    }
    Ok(())
}
