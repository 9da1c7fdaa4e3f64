//! Runs the measured programs and reads their figures.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cargo;

/// The interval between measurements of a running program's memory.
const LOOK: Duration = Duration::from_millis(5);

/// The figures of one measurement.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Figures {
    pub(super) median_ms: f64,
    pub(super) p10_ms: Option<f64>,
    pub(super) p90_ms: Option<f64>,
    /// Floating-point operations of one repetition, in GFLOP (10⁹).
    pub(super) gflop: f64,
    pub(super) minor_faults: Option<f64>,
    pub(super) peak_mib: Option<f64>,
}

impl Figures {
    /// The measurement of the middle median, with the spread over all of them.
    pub(super) fn middle(all: &[Self]) -> Self {
        let mut all = all.to_vec();
        all.sort_by(|a, b| a.median_ms.total_cmp(&b.median_ms));
        let Some(mut middle) = all.get(all.len() / 2).cloned() else {
            return Self::default();
        };
        let lows = all.iter().map(|one| one.p10_ms.unwrap_or(one.median_ms));
        let highs = all.iter().map(|one| one.p90_ms.unwrap_or(one.median_ms));
        middle.p10_ms = lows.reduce(f64::min);
        middle.p90_ms = highs.reduce(f64::max);
        middle
    }
}

/// The program behind `bench/workloads.rs`.
pub(super) struct Workloads {
    program: PathBuf,
}

impl Workloads {
    pub(super) fn build() -> Result<Self> {
        let arguments =
            "bench -p gan-cli --bench workloads --no-run --message-format json-render-diagnostics";
        println!("cargo {arguments}");
        let output = cargo::command(arguments)
            .stderr(Stdio::inherit())
            .output()
            .context(cargo::CANNOT_START)?;
        if !output.status.success() {
            bail!("the workloads cannot be built; see the output above");
        }
        let program = workloads_program(&output.stdout)?;
        let program = program.context("cargo built no program named workloads")?;
        Ok(Self { program })
    }

    pub(super) fn run(
        &self,
        what: &str,
        batch: usize,
        threads: usize,
        repeat: usize,
    ) -> Result<Figures> {
        let mut command = Command::new(&self.program);
        command.arg(what);
        for (name, value) in [
            ("--batch", batch),
            ("--threads", threads),
            ("--repeat", repeat),
        ] {
            command.arg(name).arg(value.to_string());
        }
        figures(&mut command)
    }
}

/// Where cargo put the program, by its messages, a JSON value a line.
fn workloads_program(messages: &[u8]) -> Result<Option<PathBuf>> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    for message in serde_json::Deserializer::from_slice(messages).into_iter() {
        let Message { target, executable } = message.context("the messages of cargo")?;
        if target.is_some_and(|target| target.name == "workloads") && executable.is_some() {
            return Ok(executable);
        }
    }
    Ok(None)
}

/// Runs a program that prints its figures as a line of JSON.
pub(super) fn figures(command: &mut Command) -> Result<Figures> {
    let place = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{place}: cannot be started"))?;
    if !output.status.success() {
        bail!("{place}: {}; see the output above", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| {
        let text = String::from_utf8_lossy(&output.stdout);
        format!(
            "{place}: printed `{}`, expected a line of JSON",
            text.trim()
        )
    })
}

/// Runs a program to its end and measures its wall time and its peak memory.
pub(super) fn watch(command: &mut Command) -> Result<Figures> {
    let place = format!("{command:?}");
    let begin = Instant::now();
    let child = command.stdout(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("{place}: cannot be started"))?;
    let mut peak_mib = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak_mib = peak(child.id()).or(peak_mib);
        sleep(LOOK);
    };
    if !status.success() {
        bail!("{place}: {status}");
    }
    Ok(Figures {
        median_ms: begin.elapsed().as_secs_f64() * 1e3,
        peak_mib,
        ..Figures::default()
    })
}

/// The peak memory of a process in MiB, if the system reports it.
fn peak(process: u32) -> Option<f64> {
    memory(process, "VmHWM:")
}

/// The resident memory of a process in MiB, if the system reports it.
pub(super) fn resident_mib(process: u32) -> Option<f64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, key: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(median_ms: f64) -> Figures {
        Figures {
            median_ms,
            ..Figures::default()
        }
    }

    #[test]
    fn the_middle_measurement_counts_and_the_spread_is_over_all() {
        let middle = Figures::middle(&[took(9.0), took(1.0), took(3.0)]);
        assert_eq!(middle.median_ms, 3.0);
        assert_eq!((middle.p10_ms, middle.p90_ms), (Some(1.0), Some(9.0)));
    }

    #[test]
    fn the_program_is_found_among_the_messages_of_cargo() {
        let messages = r#"{"reason":"build-script-executed","out_dir":"/o"}
            {"reason":"compiler-artifact","target":{"name":"gan_cli"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"workloads"},"executable":"/t/workloads-1"}
            {"reason":"build-finished","success":true}"#;
        let found = |text: &str| workloads_program(text.as_bytes()).unwrap();
        assert_eq!(found(messages), Some(PathBuf::from("/t/workloads-1")));
        assert_eq!(found(&messages.replace("workloads", "others")), None);
        workloads_program(b"no JSON").unwrap_err();
    }

    #[test]
    fn a_program_that_prints_no_figures_is_named() {
        let error = figures(&mut cargo::command("--version")).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("expected a line of JSON"), "{text}");
    }
}
