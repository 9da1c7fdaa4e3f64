//! The project's own tasks, run as `cargo xtask COMMAND`: data sets, checks, reference figures.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong use.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program prints to the terminal"
)]

mod bench;
mod cargo;
mod ci;
mod cuda;
mod deny;
mod fetch;
mod golden;
mod metadata;
mod recipes;
mod tidy;
mod usage;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use usage::WrongUse;

/// The tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verify data/mnist by SHA-256 and fetch only what is missing or damaged.
    FetchMnist(fetch::Options),
    /// The same for any data set of data/MANIFEST.toml.
    Fetch {
        /// A table of data/MANIFEST.toml, for example fashion-mnist, kmnist or cifar10.
        set: String,
        #[command(flatten)]
        options: fetch::Options,
    },
    /// Check the workspace's own rules: arrows, file sizes, module docs, lints, versions, and the
    /// packages from outside against deny.toml.
    Tidy,
    /// Run everything that must pass before a change is merged; stops at the first failure.
    Ci(ci::Options),
    /// Rerun the reference scripts in tests/golden and compare with the stored figures.
    Golden(golden::Options),
    /// Measure steps, epochs, sampling and loading on this machine, and print a table.
    Bench(bench::Options),
    /// Train by a recipe and compare its scores with the ranges in its file.
    Recipes(recipes::Options),
    /// Build gan-cli for an NVIDIA GPU, or report what such a build still needs.
    #[command(subcommand)]
    Cuda(cuda::Action),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<WrongUse>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::FetchMnist(options) => fetch::run("mnist", &options),
        Command::Fetch { set, options } => fetch::run(&set, &options),
        Command::Tidy => tidy::run(),
        Command::Ci(options) => ci::run(&options),
        Command::Golden(options) => golden::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Recipes(options) => recipes::run(&options),
        Command::Cuda(action) => cuda::run(&action),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_data_set_is_wrong_use() {
        let arguments = Arguments::parse_from(["cargo xtask", "fetch", "no-such-set"]);
        let error = run(arguments.command).unwrap_err();
        assert!(error.is::<WrongUse>(), "{error:#}");
        assert!(format!("{error:#}").contains("fashion-mnist"), "{error:#}");
    }
}
