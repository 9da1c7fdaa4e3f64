//! The training step on NVIDIA GPUs.
//!
//! A step is planned as a list of [`Launch`]es, values that say which kernel computes what from what in one memory. A
//! [`Machine`] runs them: a GPU as one graph, so that between two looks of a run's observers nothing is copied,
//! allocated or waited for. The kernels are CUDA C, compiled when they are first needed. [`MachineEngine`] is the
//! [`gan_train::Engine`] of a machine: it takes a trainer's networks, optimizers and averages into the machine's memory
//! and gives them back when somebody looks.

mod engine;
mod error;
mod launch;
mod machine;
mod plan;
mod tensors;

pub use engine::MachineEngine;
pub use error::CudaError;
pub use launch::{Arena, Argument, KernelFile, Launch, Module, Place};
pub use machine::Machine;
pub use plan::recorder::Precision;
pub use plan::task::{Prior, Task};
