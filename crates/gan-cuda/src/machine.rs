//! What a plan is run on: a GPU, or in tests the kernels' own source on the CPU.

use crate::CudaError;
use crate::launch::{Launch, Place};

/// A memory and what computes in it.
pub trait Machine {
    /// Takes so many bytes of memory, all zero; once, before anything else.
    ///
    /// # Errors
    /// When there is not so much.
    fn allocate(&mut self, bytes: usize) -> Result<(), CudaError>;

    /// Copies bytes to a place, which has as many or more.
    ///
    /// # Errors
    /// When the machine fails.
    fn write(&mut self, place: Place, bytes: &[u8]) -> Result<(), CudaError>;

    /// The bytes of a place, after all that was started.
    ///
    /// # Errors
    /// When the machine fails, then or in what was started before.
    fn read(&mut self, place: Place) -> Result<Vec<u8>, CudaError>;

    /// Makes a sequence of launches ready and gives its number.
    ///
    /// # Errors
    /// When a kernel cannot be compiled, or the machine fails.
    fn prepare(&mut self, launches: &[Launch]) -> Result<usize, CudaError>;

    /// Starts a sequence; what was started before comes before it.
    ///
    /// # Errors
    /// When the machine fails.
    fn start(&mut self, sequence: usize) -> Result<(), CudaError>;
}
