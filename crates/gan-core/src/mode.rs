//! Whether a forward pass trains or evaluates.

/// The mode of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalization uses the batch's statistics and updates its running statistics.
    Train,
    /// Batch normalization uses its running statistics; nothing is updated.
    Eval,
}
