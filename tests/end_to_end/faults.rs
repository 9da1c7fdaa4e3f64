//! What can go wrong around a run: a message, an exit code, and nothing lost or torn.

use crate::idx::idx;
use crate::support::program::{after, root, text, words};
use crate::support::runs::{
    assert_same, command, ended_with, expect, files, ring, signal, start, wait_for,
};
use crate::support::skips::skipped;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A ring's run of 60 steps with checkpoints of 20, 40 and 60.
const SHORT: [&str; 6] = ["--steps", "60", "--checkpoint-every", "20", "--keep", "9"];

/// A run that does not end by itself.
const ENDLESS: [&str; 4] = ["--steps", "10000000", "--checkpoint-every", "20"];

const RESUME: [&str; 3] = ["train", "--resume", "run"];

/// No line of a log is torn, and no file is unfinished.
fn assert_whole(run: &Path) {
    for (name, bytes) in files(run) {
        assert!(!name.to_string_lossy().ends_with(".partial"), "{name:?}");
        if name.extension().is_some_and(|end| end == "jsonl") {
            for line in text(&bytes).lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
        if name.extension().is_some_and(|end| end == "safetensors") {
            gan_core::Weights::read(&run.join(name)).unwrap();
        }
    }
}

/// Resumes the run for one step more than its newest checkpoint has.
fn resume_for_a_step(folder: &Path) {
    let names = checkpoint_files(&folder.join("run"));
    let steps = names.iter().filter_map(|(path, _)| {
        let name = path.file_stem()?.to_str()?.strip_prefix("step-")?;
        name.parse::<u64>().ok()
    });
    let steps = (steps.max().unwrap_or(0) + 1).to_string();
    let line = ["train", "--resume", "run", "--allow-change", "--steps"];
    let line: Vec<&str> = line.into_iter().chain([steps.as_str()]).collect();
    expect(&mut command(folder, &line), 0);
}

/// The same command under a shell that limits the size of files to so many blocks of 512 bytes.
fn with_small_files(folder: &Path, arguments: &[String], blocks: u32) -> Command {
    let mut limited = after(&format!("ulimit -f {blocks}"), folder, arguments);
    limited.env_remove("CARGO");
    limited
}

#[test]
fn a_quota_that_is_used_up_ends_a_run_and_loses_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // Enough steps that the run is stopped long before its end, and has checkpoints still to write, the
    // first before a picture.
    let steps = [
        "--steps",
        "2000",
        "--sample-every",
        "1000",
        "--checkpoint-every",
        "500",
        "--keep",
        "9",
    ];
    expect(&mut command(folder, &ring("whole", &steps)), 0);
    let run = start(
        &mut command(folder, &ring("run", &steps)),
        &folder.join("run"),
        3,
    );
    signal(&run, "INT");
    ended_with(&run.wait_with_output().unwrap(), 130);
    let before = checkpoint_files(&folder.join("run"));

    let arguments = RESUME.map(str::to_string);
    let mut limited = with_small_files(folder, &arguments, 60);
    let output = limited.output().unwrap();
    let message = ended_with(&output, 1);
    for part in ["safetensors", "File too large", "train --resume run"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert_whole(&folder.join("run"));
    let after = files(&folder.join("run"));
    for (name, bytes) in before {
        assert!(after[&name] == bytes, "{} was touched", name.display());
    }
    expect(&mut command(folder, &RESUME), 0);
    assert_same(&folder.join("run"), &folder.join("whole"));
}

fn checkpoint_files(run: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let all = files(run).into_iter();
    all.filter(|(name, _)| name.starts_with("checkpoints"))
        .collect()
}

/// Runs a shell line as root of a namespace of its own, where file systems can be mounted; none where
/// the system does not let a test do so, which is said.
fn in_namespace(line: &str, folder: &Path) -> Option<std::process::Output> {
    let unshare = |line: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", line]);
        command.current_dir(folder).env_remove("CARGO");
        command.output()
    };
    let allowed = unshare("mkdir -p m && mount -t tmpfs none m").is_ok_and(|o| o.status.success());
    if !allowed {
        skipped("what needs a file system of its own: a test may not mount any here");
        return None;
    }
    unshare(line).ok()
}

#[test]
fn a_full_disk_ends_a_run_with_its_reason_and_keeps_the_last_checkpoint() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let train = format!(
        "{} train --recipe ring --batch-size 32 --log-every 1 --sample-every 5 --steps 100000 \
         --checkpoint-every 20 --out m/run",
        env!("CARGO_BIN_EXE_gan-cli")
    );
    // What is there when the disk is full is copied out before the namespace is gone.
    let line = format!(
        "mount -t tmpfs -o size=3m none m && {train}; code=$?; cp -r m/run run; exit $code"
    );
    let Some(output) = in_namespace(&line, folder) else {
        return;
    };
    let message = ended_with(&output, 1);
    for part in ["m/run", "No space left on device", "checkpoint of step"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert_whole(&folder.join("run"));
    assert!(!checkpoint_files(&folder.join("run")).is_empty());
    resume_for_a_step(folder);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_done() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let message = expect(&mut command(folder, &ring("/proc/gan", &SHORT)), 2);
    for part in ["/proc/gan", "--out"] {
        assert!(message.contains(part), "{message}");
    }
    expect(&mut command(folder, &ring("run", &SHORT)), 0);
    let line = format!(
        "mount -t tmpfs none m && cp -r run m && mount -o remount,ro m && \
         {} train --resume m/run",
        env!("CARGO_BIN_EXE_gan-cli")
    );
    if let Some(output) = in_namespace(&line, folder) {
        let message = ended_with(&output, 2);
        assert!(message.contains("Read-only file system"), "{message}");
    }
}

#[test]
fn a_run_whose_folder_is_removed_ends_and_does_not_make_it_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let run = folder.join("run");
    let child = start(&mut command(folder, &ring("run", &ENDLESS)), &run, 3);
    // The run may be writing a file as its folder goes.
    wait_for(|| {
        let removed = fs::remove_dir_all(&run);
        removed.is_ok() || !run.exists()
    });
    let message = ended_with(&child.wait_with_output().unwrap(), 1);
    assert!(message.contains("run"), "{message}");
    assert!(!run.exists());
}

#[test]
fn data_that_changed_since_the_start_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let images = folder.join("d/train-images-idx3-ubyte");
    fs::create_dir(folder.join("d")).unwrap();
    let bytes = idx(&[64, 4, 4], (0..64 * 16).map(|n| (n * 7 % 256) as u8));
    fs::write(&images, &bytes).unwrap();
    let line = "train --data d --batch-size 16 --steps 4 --out run";
    expect(&mut command(folder, &words(line)), 0);

    let again = ["train", "--resume", "run", "--steps", "8"];
    fs::write(&images, &bytes[..bytes.len() - 1]).unwrap();
    let message = expect(&mut command(folder, &again), 2);
    assert!(message.contains("train-images-idx3-ubyte"), "{message}");
    let mut changed = bytes.clone();
    changed[100] ^= 1;
    fs::write(&images, changed).unwrap();
    let message = expect(&mut command(folder, &again), 2);
    for part in ["data set in d has SHA-256", "--allow-change"] {
        assert!(message.contains(part), "{message}");
    }
    fs::remove_file(&images).unwrap();
    expect(&mut command(folder, &again), 2);
    fs::write(&images, &bytes).unwrap();
    expect(&mut command(folder, &again), 0);
}

#[test]
fn one_process_at_a_time_writes_to_a_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let child = start(
        &mut command(folder, &ring("run", &ENDLESS)),
        &folder.join("run"),
        3,
    );
    let holder = format!("process {} is writing to this run", child.id());
    let anew = ring("run", &["--force"]);
    for arguments in [&RESUME.map(str::to_string)[..], &anew] {
        let message = expect(&mut command(folder, arguments), 2);
        assert!(message.contains(&holder), "{message}");
    }
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    resume_for_a_step(folder);
}

#[test]
fn a_terminal_that_closes_stops_a_run_unless_nohup_was_asked_for() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut nohup = after("trap '' HUP", folder, &ring("run", &ENDLESS));
    nohup.stdout(Stdio::null());
    let child = start(&mut nohup, &folder.join("run"), 3);
    let lines =
        || fs::read_to_string(folder.join("run/metrics.jsonl")).map_or(0, |t| t.lines().count());
    signal(&child, "HUP");
    let before = lines();
    wait_for(|| lines() > before + 3);
    signal(&child, "TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143));
}

#[test]
fn a_reader_who_goes_away_or_does_not_read_holds_nothing_up() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // More lines than a pipe holds.
    let more = ["--steps", "3000", "--log-every", "1"];
    let mut closed = command(folder, &ring("closed", &more)).spawn().unwrap();
    drop((closed.stdout.take(), closed.stderr.take()));
    assert!(closed.wait().unwrap().success());

    let mut unread = command(folder, &ring("unread", &more)).spawn().unwrap();
    wait_for(|| unread.try_wait().unwrap().is_some());
    assert!(unread.wait().unwrap().success());
    assert_same(&folder.join("unread"), &folder.join("closed"));
}

#[test]
fn a_run_needs_no_home() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    expect(command(folder, &ring("run", &SHORT)).env_clear(), 0);
}

#[test]
fn odd_paths_are_paths() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let odd = OsString::from_vec(b"not \xff UTF-8".to_vec());
    let mut arguments: Vec<OsString> = ring("x", &SHORT).into_iter().map(Into::into).collect();
    let out = arguments.iter().position(|word| word == "x").unwrap();
    arguments[out].clone_from(&odd);
    expect(&mut command(folder, &arguments), 0);
    let again = [OsString::from("train"), "--resume".into(), odd.clone()];
    expect(&mut command(folder, &again), 0);

    // A data set's folder stands in the configuration, which is text.
    let mnist = folder.join(&odd).join("data");
    std::os::unix::fs::symlink(root().join("data/mnist"), &mnist).unwrap();
    let arguments: [OsString; 5] = [
        "train".into(),
        "--data".into(),
        mnist.into(),
        "--out".into(),
        "refused".into(),
    ];
    let message = expect(&mut command(folder, &arguments), 2);
    assert!(message.contains("UTF-8"), "{message}");
    assert!(!folder.join("refused").exists());
}

#[test]
fn python_reads_the_weights_under_the_tutorials_names() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let data = root().join("data/mnist");
    let data = data.to_str().unwrap();
    let line = ["train", "--data", data, "--steps", "1", "--out", "run"];
    expect(&mut command(folder, &line), 0);
    let path = folder.join("run/generator.safetensors");
    let program = "import sys, safetensors.numpy\n\
        for name, t in sorted(safetensors.numpy.load_file(sys.argv[1]).items()):\n\
        \x20   print(name, list(t.shape))";
    let python = Command::new("python3")
        .args(["-c", program])
        .arg(&path)
        .output();
    let found = match python {
        Ok(output) if output.status.success() => text(&output.stdout),
        _ => {
            skipped("Python's reading of the weights: it has no safetensors here");
            let weights = gan_core::Weights::read(&path).unwrap();
            let tensors = weights.tensors.iter();
            tensors
                .map(|(name, t)| format!("{name} {:?}\n", t.dims()))
                .collect()
        }
    };
    // The tutorial's generator: Linear, then three of Linear and BatchNorm1d, each with LeakyReLU.
    for line in [
        "model.0.weight [128, 100]",
        "model.0.bias [128]",
        "model.2.weight [256, 128]",
        "model.3.running_mean [256]",
        "model.11.weight [784, 1024]",
    ] {
        assert!(
            found.lines().any(|l| l == line),
            "{line} is missing in:\n{found}"
        );
    }
}
