//! `cargo xtask cuda`: checks what a build for NVIDIA GPUs needs, and builds it.

mod detect;
mod report;

use std::env;

use anyhow::{Context, Result, bail};

use self::detect::Places;
use self::report::{Need, Report};
use crate::cargo;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Check, then run `cargo build --release -p gan-cli --features cuda`.
    Build,
    /// List the compiler, the libraries and the GPU that were found, and what is missing.
    Check,
}

pub(crate) fn run(action: &Action) -> Result<()> {
    let places = Places::of_this_machine();
    let report = Report::new(&places, &detect::ldconfig(), detect::compute_capability());
    print!("{report}");
    let missing = report.missing(Need::Build);
    if !missing.is_empty() {
        bail!(
            "a build for CUDA needs {}; see above what to do",
            missing.join(", ")
        );
    }
    match action {
        Action::Check => Ok(()),
        Action::Build => build(&report),
    }
}

fn build(report: &Report) -> Result<()> {
    let mut command = cargo::command("build --release -p gan-cli --features cuda");
    // The build scripts of candle's dependencies call `nvcc` by its bare name.
    if let Some(folder) = report.nvcc.as_deref().and_then(|nvcc| nvcc.parent()) {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder.to_path_buf()).chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(folders).context("PATH")?);
    }
    cargo::run(&mut command).context("the build failed")?;
    println!("built target/release/gan-cli with CUDA (in CARGO_TARGET_DIR if that is set)");
    Ok(())
}
