//! `cargo xtask ci`: the checks that every change must pass, in order, up to the first failure.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{cargo, deny, tidy, workspace};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also lint and test gan-data's feature `hub`, whose hundreds of dependencies take minutes to build
    #[arg(long)]
    hub: bool,
}

/// A command as it would be typed.
#[derive(Clone, Copy)]
struct Step {
    title: &'static str,
    /// The function that runs it; `None` if cargo does.
    run: Option<fn() -> Result<()>>,
}

const fn by_cargo(title: &'static str) -> Step {
    Step { title, run: None }
}

const HUB: [Step; 2] = [
    by_cargo("cargo clippy -p gan-data --all-targets --features hub -- -D warnings"),
    by_cargo("cargo test -p gan-data --features hub"),
];

/// The tests come last, so that their summary ends the output.
const STEPS: &[Step] = &[
    by_cargo("cargo fmt --all --check"),
    by_cargo("cargo clippy --workspace --all-targets -- -D warnings"),
    Step {
        title: "cargo xtask tidy",
        run: Some(tidy::run),
    },
    Step {
        title: "cargo deny check, if it is installed",
        run: Some(deny::run),
    },
    Step {
        title: "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps",
        run: Some(|| {
            let mut doc = cargo::command("doc --workspace --no-deps");
            cargo::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
        }),
    },
    Step {
        title: "cargo test --workspace",
        run: Some(test),
    },
];

/// Runs the tests, then prints which parts of them this machine could not run: each wrote a line.
fn test() -> Result<()> {
    let list = workspace::root().join("target/tmp/skipped.txt");
    let take = || {
        let lines = fs::read_to_string(&list).unwrap_or_default();
        fs::remove_file(&list).ok();
        lines
    };
    take();
    cargo::run(&mut cargo::command("test --workspace"))?;
    println!("{}", skips(&take()));
    Ok(())
}

fn skips(lines: &str) -> String {
    match lines.lines().count() {
        0 => "ci: no part of a test was skipped".to_string(),
        count => format!(
            "ci: {count} parts of tests were skipped:\n{}",
            lines.trim_end()
        ),
    }
}

/// Runs all steps; each is announced with the time since the start.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = STEPS.to_vec();
    if options.hub {
        steps.splice(..0, HUB);
    }
    run_steps(&steps)
}

fn run_steps(steps: &[Step]) -> Result<()> {
    let start = Instant::now();
    for (index, Step { title, run }) in steps.iter().enumerate() {
        let seconds = start.elapsed().as_secs_f64();
        println!("ci [{}/{}, {seconds:.1} s] {title}", index + 1, steps.len());
        let done = match run {
            Some(run) => run(),
            None => cargo::run(&mut cargo::command(title.trim_start_matches("cargo "))),
        };
        done.with_context(|| {
            let seconds = start.elapsed().as_secs_f64();
            format!("ci stopped after {seconds:.1} s at `{title}`")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use anyhow::bail;

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
                run: Some(pass),
            },
            Step {
                title: "second",
                run: Some(|| bail!("broken")),
            },
            Step {
                title: "third",
                run: Some(pass),
            },
        ];
        let error = format!("{:#}", run_steps(&steps).unwrap_err());
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
        assert!(error.contains("at `second`: broken"), "{error}");
    }

    #[test]
    fn skipped_parts_are_counted_and_named() {
        assert_eq!(skips(""), "ci: no part of a test was skipped");
        assert_eq!(skips("a\nb\n"), "ci: 2 parts of tests were skipped:\na\nb");
    }

    #[test]
    fn the_tests_come_last() {
        assert_eq!(
            STEPS.last().map(|step| step.title),
            Some("cargo test --workspace")
        );
    }
}
