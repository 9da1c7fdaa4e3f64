//! `cargo xtask ci`: the checks that every change must pass, in order, up to the first failure.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{tidy, workspace};

/// A command as it would be typed, and how it is run.
struct Step {
    title: &'static str,
    run: fn() -> Result<()>,
}

/// The tests come last, so that their summary ends the output.
const STEPS: &[Step] = &[
    Step {
        title: "cargo fmt --all --check",
        run: || cargo("fmt --all --check"),
    },
    Step {
        title: "cargo clippy --workspace --all-targets -- -D warnings",
        run: || cargo("clippy --workspace --all-targets -- -D warnings"),
    },
    Step {
        title: "cargo xtask tidy",
        run: tidy::run,
    },
    Step {
        title: "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps",
        run: || {
            run_command(command("doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"))
        },
    },
    Step {
        title: "cargo check -p gan-data --features hub",
        run: || cargo("check -p gan-data --features hub"),
    },
    Step {
        title: "cargo test --workspace",
        run: || cargo("test --workspace"),
    },
];

/// Runs all steps; each is announced with the seconds that have gone by.
pub(crate) fn run() -> Result<()> {
    run_steps(STEPS)
}

fn run_steps(steps: &[Step]) -> Result<()> {
    let start = Instant::now();
    for (index, Step { title, run }) in steps.iter().enumerate() {
        let seconds = start.elapsed().as_secs_f64();
        println!("ci [{}/{}, {seconds:.1} s] {title}", index + 1, steps.len());
        run().with_context(|| {
            let seconds = start.elapsed().as_secs_f64();
            format!("ci stopped after {seconds:.1} s at `{title}`")
        })?;
    }
    Ok(())
}

fn cargo(arguments: &str) -> Result<()> {
    run_command(&mut command(arguments))
}

fn command(arguments: &str) -> Command {
    let mut command = Command::new(workspace::cargo());
    command
        .args(arguments.split(' '))
        .current_dir(workspace::root());
    command
}

fn run_command(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .context("cargo cannot be started; is it on the PATH?")?;
    if !status.success() {
        bail!("{status}; what is wrong stands above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static CALLS: AtomicUsize = AtomicUsize::new(0);

    fn pass() -> Result<()> {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    #[test]
    fn the_first_failure_ends_the_run_and_is_named() {
        let steps = [
            Step {
                title: "first",
                run: pass,
            },
            Step {
                title: "second",
                run: || bail!("broken"),
            },
            Step {
                title: "third",
                run: pass,
            },
        ];
        let error = format!("{:#}", run_steps(&steps).unwrap_err());
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
        assert!(error.contains("at `second`: broken"), "{error}");
    }

    #[test]
    fn the_tests_come_last() {
        assert_eq!(
            STEPS.last().map(|step| step.title),
            Some("cargo test --workspace")
        );
    }

    #[test]
    fn a_cargo_that_fails_is_a_failure() {
        cargo("--version").unwrap();
        cargo("no-such-command-of-cargo").unwrap_err();
    }
}
