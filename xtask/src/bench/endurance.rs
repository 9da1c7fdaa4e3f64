//! A long run of a small model: whether its memory or the time of a step grows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::measure::resident_mib;
use crate::workspace;

const STEPS: u64 = 50_000;

/// Steps that count as the beginning, and as the end, of the run.
const PART: u64 = 1_000;

/// Steps between lines of the log, and so between measurements.
const LOG_EVERY: u64 = 100;

const MOST_MEMORY_GROWTH: f64 = 0.02;
const MOST_STEP_TIME_GROWTH: f64 = 0.05;

/// Everything that a long run does: an average, pictures, checkpoints, both logs.
const CONFIG: &str = "
[model]
generator_widths = [64, 128]
discriminator_widths = [128, 64]

[train]
epochs = 1000
batch_size = 32
ema_half_life_images = 10000.0

[output]
checkpoint_every = 5000
";

/// A line of `timing.jsonl`.
#[derive(Clone, Copy, Deserialize)]
struct Timing {
    step: u64,
    elapsed_seconds: f64,
}

/// The memory at a new line of the log.
struct Look {
    step: u64,
    mib: f64,
}

/// Trains with `program`, and fails if memory or time grew.
pub(super) fn run(program: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let config = folder.path().join("config.toml");
    fs::write(&config, CONFIG).context("the configuration cannot be written")?;
    let out = folder.path().join("run");
    println!("{STEPS} steps of a small model");
    let looks = train(program, &config, &out)?;
    let (timing, size) = (timings(&out)?, folder_bytes(&out)?);

    let times = intervals(&timing);
    let beginning = median(
        times
            .iter()
            .filter(|(step, _)| *step <= PART)
            .map(|(_, s)| *s),
    );
    let end = median(
        times
            .iter()
            .filter(|(step, _)| *step > STEPS - PART)
            .map(|(_, s)| *s),
    );
    let after_warming = looks.iter().filter(|look| look.step >= PART);
    let after_warming = after_warming
        .map(|look| look.mib)
        .next()
        .unwrap_or(f64::NAN);
    let last = looks.last().map_or(f64::NAN, |look| look.mib);
    let (slower, grown) = (end / beginning - 1.0, last / after_warming - 1.0);
    println!(
        "memory: {after_warming:.1} MiB after {PART} steps, {last:.1} MiB at the end ({:+.1} %)",
        100.0 * grown
    );
    println!(
        "a step: {:.3} ms in the first {PART}, {:.3} ms in the last ({:+.1} %)",
        1e3 * beginning,
        1e3 * end,
        100.0 * slower
    );
    println!("on the disk: {:.1} MiB", size as f64 / f64::from(1 << 20));
    // NaN, a missing figure, is not small enough.
    if !(grown <= MOST_MEMORY_GROWTH && slower <= MOST_STEP_TIME_GROWTH) {
        bail!(
            "memory may grow by {} %, a step by {} %",
            100.0 * MOST_MEMORY_GROWTH,
            100.0 * MOST_STEP_TIME_GROWTH
        );
    }
    Ok(())
}

/// Runs the program to its end and measures its memory at each new line of the log.
fn train(program: &Path, config: &Path, out: &Path) -> Result<Vec<Look>> {
    let mut command = Command::new(program);
    command
        .args(["-q", "train", "--steps", &STEPS.to_string()])
        .args(["--log-every", &LOG_EVERY.to_string(), "--config"])
        .arg(config)
        .arg("--out")
        .arg(out)
        .current_dir(workspace::root());
    let place = format!("{command:?}");
    let child = command.stdout(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("{place}: cannot be started"))?;
    let mut looks: Vec<Look> = Vec::new();
    loop {
        let ended = child.try_wait()?;
        let step = timings(out)
            .ok()
            .and_then(|lines| lines.last().map(|line| line.step));
        if let (Some(step), Some(mib)) = (step, resident_mib(child.id()))
            && looks.last().is_none_or(|look| look.step < step)
        {
            looks.push(Look { step, mib });
        }
        if let Some(status) = ended {
            if !status.success() {
                bail!("{place}: {status}");
            }
            return Ok(looks);
        }
        sleep(Duration::from_millis(50));
    }
}

fn timings(out: &Path) -> Result<Vec<Timing>> {
    let path = out.join("timing.jsonl");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let parse = |line| serde_json::from_str(line).with_context(|| path.display().to_string());
    lines.map(parse).collect()
}

/// Seconds per step up to each line of the log.
fn intervals(timing: &[Timing]) -> Vec<(u64, f64)> {
    let pairs = timing.windows(2);
    pairs
        .map(|pair| {
            let steps = (pair[1].step - pair[0].step).max(1) as f64;
            let seconds = pair[1].elapsed_seconds - pair[0].elapsed_seconds;
            (pair[1].step, seconds / steps)
        })
        .collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_seconds_a_step_and_the_median_leaves_out_pauses() {
        let line = |step, elapsed_seconds| Timing {
            step,
            elapsed_seconds,
        };
        // A pause of nine seconds, as for a checkpoint, in the second interval.
        let timing = [
            line(0, 0.5),
            line(100, 1.5),
            line(200, 11.5),
            line(300, 12.5),
        ];
        let found = intervals(&timing);
        assert_eq!(found, [(100, 0.01), (200, 0.1), (300, 0.01)]);
        assert_eq!(median(found.iter().map(|(_, seconds)| *seconds)), 0.01);
        assert!(median(std::iter::empty()).is_nan());
    }
}
