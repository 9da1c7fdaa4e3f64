//! The training step on NVIDIA GPUs.
//!
//! A step is planned as a list of [`Launch`]es, values that say which kernel computes what from what in one memory. A
//! [`Machine`] runs them: [`Gpu`] as one graph, so that between two looks of a run's observers nothing is copied,
//! allocated or waited for. The kernels are CUDA C, compiled when they are first needed. [`MachineEngine`] is the
//! [`gan_train::Engine`] of a machine: it takes a trainer's networks, optimizers and averages into the machine's memory
//! and gives them back when somebody looks.

mod compiler;
mod engine;
mod error;
mod gpu;
mod launch;
mod libraries;
mod machine;
mod plan;
mod planned;
mod tensors;

pub use compiler::{Compiled, Compiler};
pub use engine::MachineEngine;
pub use error::CudaError;
pub use gpu::{Gpu, GpuFacts, check};
pub use launch::{Arena, Argument, KernelFile, Launch, Module, Place};
pub use libraries::{Nvrtc, Places};
pub use machine::Machine;
pub use plan::task::{Prior, Task};
pub use planned::{Planned, planned};
