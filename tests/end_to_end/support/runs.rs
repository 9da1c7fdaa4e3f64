//! Runs that are started, watched and stopped from outside.

use super::program::{program, text};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than any wait of a healthy program on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// `gan-cli` in `folder`, not yet started.
pub(crate) fn command<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Command {
    let mut command = program(folder, arguments);
    command
        .env_remove("CARGO")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end, which must come with this exit code; its standard error.
pub(crate) fn expect(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    ended_with(&output, code)
}

pub(crate) fn ended_with(output: &Output, code: i32) -> String {
    let message = text(&output.stderr);
    assert!(!message.contains("panicked"), "{message}");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{message}\n{out}");
    message
}

/// A small perceptron on a ring of points: a millisecond a step, checkpoints of 200 kB.
pub(crate) fn ring(out: &str, more: &[&'static str]) -> Vec<String> {
    let mut words = vec![
        "train",
        "--recipe",
        "ring",
        "--batch-size",
        "32",
        "--out",
        out,
    ];
    if !more.contains(&"--log-every") {
        words.extend(["--log-every", "10"]);
    }
    words.extend(more);
    words.into_iter().map(str::to_string).collect()
}

/// A run of 60 steps with checkpoints of 20, 40 and 60.
pub(crate) fn ring_of_60(folder: &Path, out: &str) {
    let more = ["--steps", "60", "--checkpoint-every", "20", "--keep", "9"];
    expect(&mut command(folder, &ring(out, &more)), 0);
}

/// Starts a command and waits until its run has written `lines` lines of metrics.
pub(crate) fn start(command: &mut Command, run: &Path, lines: usize) -> Child {
    let child = command.spawn().unwrap();
    wait_for(|| {
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
        metrics.lines().count() >= lines
    });
    child
}

pub(crate) fn wait_for(mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain");
        sleep(Duration::from_millis(2));
    }
}

/// Sends a signal by its name, as `INT`; the process may have ended.
pub(crate) fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    Command::new("sh")
        .args(["-c", &line])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// Every file of a run by its name with its bytes, but the clock's.
pub(crate) fn files(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    collect(run, run, &mut all);
    all.remove(Path::new("timing.jsonl"));
    all
}

fn collect(run: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(run, &path, all);
        } else {
            let name = path.strip_prefix(run).unwrap().to_path_buf();
            all.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Two runs left the same files.
pub(crate) fn assert_same(run: &Path, expected: &Path) {
    let (found, expected) = (files(run), files(expected));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{} differs", name.display());
    }
}
