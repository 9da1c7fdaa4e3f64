//! What `cargo xtask cuda` calls: looks for CUDA, compiles all kernels, tests them on a GPU and measures them.

#![allow(clippy::print_stdout, reason = "a command line")]

mod bench;
mod check;
mod kernels;
mod recipes;
mod selftest;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Training on NVIDIA GPUs: what is there, and whether it is right and fast.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Keep the kernels' machine code in this folder, and take it from there
    #[arg(long, global = true, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Tell which driver, compiler and GPUs are found, and where.
    Check,
    /// Compile every kernel of every recipe and tell its registers, shared memory and spills. Needs no GPU.
    Kernels(kernels::Options),
    /// Train every recipe for some steps on the GPU and on the CPU, and compare.
    Selftest(selftest::Options),
    /// Measure the steps of recipes on the GPU.
    Bench(bench::Options),
}

fn main() -> Result<()> {
    let Arguments { command, cache } = Arguments::parse();
    match command {
        Command::Check => check::run(),
        Command::Kernels(options) => kernels::run(&options, cache.as_deref()),
        Command::Selftest(options) => selftest::run(&options, cache),
        Command::Bench(options) => bench::run(&options, cache),
    }
}
