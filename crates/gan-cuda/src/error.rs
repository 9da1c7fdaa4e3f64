//! What can be wrong with a GPU or a plan for it.

/// Why training on a GPU cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    /// A library or the driver is missing, or does not work.
    #[error("{0}")]
    Missing(String),
    /// What was asked for cannot be trained on a GPU.
    #[error("{0} cannot be trained on a GPU yet; `device = cpu` can")]
    Unsupported(String),
    /// The memory is too small.
    #[error(
        "the GPU has {free_mib} MiB of free memory, training needs {needed_mib} MiB; choose a smaller \
         `train.batch_size` or `device = cpu`"
    )]
    Memory {
        /// What is free.
        free_mib: usize,
        /// What is needed.
        needed_mib: usize,
    },
    /// A kernel does not compile.
    #[error("the kernel {kernel} cannot be compiled: {log}")]
    Compile {
        /// Its file.
        kernel: &'static str,
        /// The compiler's words.
        log: String,
    },
    /// A call of the driver failed.
    #[error("the GPU failed in {call}: {cause}")]
    Failed {
        /// The call.
        call: &'static str,
        /// The driver's words.
        cause: String,
    },
    /// A tensor operation on the CPU failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
