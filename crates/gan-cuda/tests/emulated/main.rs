//! Steps of a machine against those of the CPU's engine, with the kernels' own source run on the CPU.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test, which says what it leaves out"
)]

mod emulator;
mod runs;
mod steps;
