//! `cargo xtask cuda`: builds for NVIDIA GPUs, and calls gan-cuda's own tool.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo;

/// The tool, which also runs by itself on a machine without cargo.
const TOOL: &str = "rustc --release -p gan-cuda --example gpu -- -C strip=symbols";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Run `cargo build --release -p gan-cli --features cuda`. Needs neither CUDA nor a GPU.
    Build,
    /// Tell which driver, compiler and GPU are found, and where.
    Check,
    /// Compile every kernel of every recipe and tell its registers, shared memory and spills. Needs no GPU.
    Kernels {
        /// Compute capabilities without the point.
        #[arg(long, default_value = "80,90")]
        arch: String,
    },
    /// Train every recipe for some steps on the GPU and on the CPU, and compare.
    Selftest,
    /// Measure the steps of recipes on the GPU.
    Bench {
        /// Measure PyTorch and JAX too.
        #[arg(long)]
        peers: bool,
    },
}

pub(crate) fn run(action: &Action) -> Result<()> {
    let arguments = match action {
        Action::Build => return build(),
        Action::Check => vec!["check"],
        Action::Kernels { arch } => vec!["kernels", "--arch", arch],
        Action::Selftest => vec!["selftest"],
        Action::Bench { peers: false } => vec!["bench"],
        Action::Bench { peers: true } => vec!["bench", "--peers"],
    };
    cargo::run(&mut cargo::command(TOOL)).context("the tool does not build")?;
    let tool = target().join("release/examples/gpu");
    cargo::run(Command::new(&tool).args(arguments)).context("cuda")
}

fn build() -> Result<()> {
    let command = "build --release -p gan-cli --features cuda";
    cargo::run(&mut cargo::command(command)).context("the build failed")?;
    let built = target().join("release/gan-cli");
    println!("built {} for training with --device cuda", built.display());
    Ok(())
}

/// Where cargo builds.
fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| crate::workspace::root().join("target"))
}
