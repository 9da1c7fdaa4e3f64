//! A run that was stopped goes on to the bytes of one that was not.

use crate::idx::idx;
use crate::splitmix;
use crate::support::program::{root, text};
use crate::support::runs::{
    assert_same, command, ended_with, expect, files, ring, ring_of_60, signal, start,
};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the long test stops a run; the environment may ask for more.
const INTERRUPTIONS: u64 = 5;

/// All that has a state: batch normalization, spectral normalization, both optimizers, an average, a
/// schedule, steps of the discriminator alone, noise, augmentation, mirroring.
const CONFIG: &str = r#"
[data]
mirror = true

[model]
architecture = "dcgan"
width = 4
classes = 10
discriminator_norm = "spectral"

[train]
steps = 300
batch_size = 16
discriminator_steps = 2
lr_schedule = "cosine"
r1 = 0.1
r2 = 0.1
penalty_interval = 2
instance_noise = 0.05
augmentations = ["translation", "cutout"]
ema_half_life_images = 1000.0

[output]
sample_every = 50
log_every = 7
checkpoint_every = 20
keep_checkpoints = 3
"#;

fn mnist(folder: &Path, out: &str) -> Vec<String> {
    fs::write(folder.join("config.toml"), CONFIG).unwrap();
    let data = root().join("data/mnist");
    let words = ["train", "--config", "config.toml", "--data"];
    let words = words
        .into_iter()
        .chain([data.to_str().unwrap(), "--out", out]);
    words.map(str::to_string).collect()
}

#[test]
fn a_run_that_is_stopped_at_random_moments_ends_in_the_same_files() {
    let interruptions = std::env::var("GAN_INTERRUPTIONS");
    let interruptions = interruptions.map_or(INTERRUPTIONS, |n| n.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let begin = Instant::now();
    expect(&mut command(folder, &mnist(folder, "whole")), 0);
    let whole = begin.elapsed();

    let (mut done, mut run) = (0, 0);
    while done < interruptions || run == 0 {
        let out = format!("pieces-{run}");
        loop {
            let path = folder.join(&out);
            let there = path.join("config.toml").exists();
            let arguments = if there {
                ["train", "--resume", &out].map(str::to_string).to_vec()
            } else {
                [mnist(folder, &out), vec!["--force".to_string()]].concat()
            };
            let mut piece = command(folder, &arguments).spawn().unwrap();
            if done < interruptions {
                sleep(whole.mul_f64(0.6 * splitmix::u(1, done)));
                let kind = (3.0 * splitmix::u(2, done)) as usize;
                signal(&piece, ["INT", "TERM", "KILL"][kind]);
                done += 1;
            }
            let status = piece.wait().unwrap();
            // A signal that comes before training began ends the program as any other.
            let stopped = matches!(status.code(), Some(130 | 143)) || status.signal().is_some();
            assert!(stopped || status.success(), "{status}");
            if status.success() {
                break;
            }
        }
        assert_same(&folder.join(&out), &folder.join("whole"));
        run += 1;
    }
}

/// Velocities, their momentum's ramp, a rate that falls with every step, and a first bias from the data. None of them
/// depends on how long the run is.
#[test]
fn the_papers_run_is_made_longer_to_the_bytes_of_a_long_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let data = root().join("data/mnist");
    let train = |out: &str, steps: &str| {
        let data = data.to_str().unwrap();
        let begin = ["train", "--recipe", "paper-2014", "--data", data];
        let often = ["--log-every", "1", "--checkpoint-every", "2"];
        let words = [&begin[..], &often, &["--out", out, "--steps", steps]];
        expect(&mut command(folder, &words.concat()), 0)
    };
    train("whole", "4");
    train("pieces", "2");
    let resume = ["train", "--resume", "pieces", "--steps", "4"];
    expect(&mut command(folder, &resume), 0);
    assert_same(&folder.join("pieces"), &folder.join("whole"));
}

#[test]
fn a_signal_ends_a_run_after_its_step_with_its_exit_code_and_says_how_to_resume() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let out = format!("stopped by {name}");
        let run = start(
            &mut command(folder, &ring(&out, &["--steps", "1000000"])),
            &folder.join(&out),
            3,
        );
        signal(&run, name);
        let output = run.wait_with_output().unwrap();
        ended_with(&output, code);
        let said = text(&output.stdout);
        let command = format!("`gan-cli train --resume '{out}'`");
        assert!(said.contains(&command), "{said}");
        assert_eq!(checkpoints(&folder.join(&out)).len(), 1);
    }
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // A step with scores takes seconds, and is not over when the second signal comes.
    let arguments = [
        mnist(folder, "run"),
        ["--evaluate-every", "1"].map(str::to_string).to_vec(),
    ];
    let run = start(
        &mut command(folder, &arguments.concat()),
        &folder.join("run"),
        1,
    );
    sleep(Duration::from_millis(300));
    signal(&run, "INT");
    sleep(Duration::from_millis(50));
    let begin = Instant::now();
    signal(&run, "INT");
    ended_with(&run.wait_with_output().unwrap(), 130);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(checkpoints(&folder.join("run")).is_empty());
}

/// The names in `checkpoints/`.
fn checkpoints(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("checkpoints")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn the_newest_checkpoints_are_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let more = ["--steps", "60", "--checkpoint-every", "10", "--keep", "2"];
    expect(&mut command(folder, &ring("run", &more)), 0);
    let expected = ["step-00000050.safetensors", "step-00000060.safetensors"];
    assert_eq!(checkpoints(&folder.join("run")), expected);
}

#[test]
fn a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "whole");
    ring_of_60(folder, "run");
    let run = folder.join("run");
    let newest = run.join("checkpoints/step-00000060.safetensors");
    let good = fs::read(&newest).unwrap();
    for spoil in [
        |bytes: &mut Vec<u8>| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2),
        |bytes: &mut Vec<u8>| bytes.clear(),
    ] {
        let mut damaged = good.clone();
        spoil(&mut damaged);
        fs::write(&newest, damaged).unwrap();
        // The clock may say what it wants: an old checkpoint with the newest time is an old one.
        let old = run.join("checkpoints/step-00000020.safetensors");
        let old = fs::File::options().write(true).open(old);
        let future = std::time::SystemTime::now() + Duration::from_secs(1_000_000);
        old.unwrap().set_modified(future).unwrap();
        let message = expect(&mut command(folder, &["train", "--resume", "run"]), 0);
        for part in ["step-00000060.safetensors", ".damaged", "one before"] {
            assert!(message.contains(part), "{message}");
        }
        let aside = run.join("checkpoints/step-00000060.safetensors.damaged");
        fs::remove_file(aside).unwrap();
        assert_same(&run, &folder.join("whole"));
    }
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_keeps_its_logs() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let run = folder.join("run");
    let damaged = checkpoints(&run);
    for name in &damaged {
        fs::write(run.join("checkpoints").join(name), "no checkpoint").unwrap();
    }
    let metrics = fs::read(run.join("metrics.jsonl")).unwrap();
    // The second time nothing is left that could be set aside. The first one has none before it.
    for others in [damaged.len() - 1, 0] {
        let message = expect(&mut command(folder, &["train", "--resume", "run"]), 2);
        assert!(message.contains("all checkpoints are damaged"), "{message}");
        assert_eq!(message.matches("one before").count(), others, "{message}");
    }
    assert_eq!(fs::read(run.join("metrics.jsonl")).unwrap(), metrics);
}

#[test]
fn a_checkpoint_of_a_later_format_is_refused_by_its_version_and_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let newest = folder.join("run/checkpoints/step-00000060.safetensors");
    let mut weights = gan_core::Weights::read(&newest).unwrap();
    let version = "\"checkpoint_format_version\":";
    weights.metadata = weights
        .metadata
        .replace(&format!("{version}2"), &format!("{version}99"));
    weights.write_with_checksum(&newest).unwrap();
    let before = files(&folder.join("run"));
    let message = expect(&mut command(folder, &["train", "--resume", "run"]), 2);
    assert!(message.contains("format version 99"), "{message}");
    assert_eq!(files(&folder.join("run")), before);
}

#[test]
fn a_run_that_was_made_longer_is_one_that_was_that_long_from_the_start() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // The shorter run ends between two log lines, pictures and checkpoints.
    let more = "--lr-schedule constant --checkpoint-every 20 --sample-every 25 --steps";
    for (out, steps) in [("few", "34"), ("many", "60")] {
        let more: Vec<&'static str> = more.split(' ').chain([steps]).collect();
        expect(&mut command(folder, &ring(out, &more)), 0);
    }
    let line = ["train", "--resume", "few", "--steps", "60"];
    expect(&mut command(folder, &line), 0);
    assert_same(&folder.join("few"), &folder.join("many"));
}

/// 400 images of 8 by 8 pixels, which are scored in a moment, and a configuration for them.
fn small_images(folder: &Path) {
    // Dark: the generator, gray at first, comes nearer with every step.
    let pixels = (0..400 * 64).map(|k| (40.0 * splitmix::u(3, k)) as u8);
    fs::create_dir(folder.join("d")).unwrap();
    fs::write(
        folder.join("d/train-images-idx3-ubyte"),
        idx(&[400, 8, 8], pixels),
    )
    .unwrap();
    let config = "[data]\npath = 'd'\n[model]\nlatent_dim = 8\ngenerator_widths = [16]\n\
        discriminator_widths = [16]\n[train]\nbatch_size = 16\nlr = 0.002\n";
    fs::write(folder.join("small.toml"), config).unwrap();
}

#[test]
fn a_longer_run_forgets_the_score_of_the_last_step_of_a_shorter_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    small_images(folder);
    let run = |out: &str, steps: &str| {
        let words = "train --config small.toml --evaluate-every 20 --checkpoint-every 10 --out";
        let words = words.split(' ').chain([out, "--steps", steps]);
        expect(&mut command(folder, &words.collect::<Vec<_>>()), 0);
    };
    run("few", "30");
    run("many", "40");
    let best = |run: &str| fs::read(folder.join(run).join("checkpoints/best.safetensors")).unwrap();
    // Each score is better than the ones before, so that the one that is forgotten was the best.
    assert!(best("few") != best("many"));
    let scores = fs::read_to_string(folder.join("few/scores.jsonl")).unwrap();
    assert!(
        scores.lines().all(|line| line.contains("\"best\":true")),
        "{scores}"
    );
    expect(
        &mut command(folder, &["train", "--resume", "few", "--steps", "40"]),
        0,
    );
    assert_same(&folder.join("few"), &folder.join("many"));
}

#[test]
fn best_files_that_are_missing_or_damaged_are_written_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    small_images(folder);
    for out in ["whole", "run"] {
        let words =
            "train --config small.toml --evaluate-every 20 --checkpoint-every 20 --steps 40 --out";
        let words = words.split(' ').chain([out]);
        expect(&mut command(folder, &words.collect::<Vec<_>>()), 0);
    }
    let best = folder.join("run/checkpoints/best.safetensors");
    let generator = folder.join("run/checkpoints/best-generator.safetensors");
    for (path, damage) in [
        (&best, None),
        (&generator, None),
        (&generator, Some("damaged")),
    ] {
        match damage {
            None => fs::remove_file(path).unwrap(),
            Some(text) => fs::write(path, text).unwrap(),
        }
        expect(&mut command(folder, &["train", "--resume", "run"]), 0);
        assert_same(&folder.join("run"), &folder.join("whole"));
    }
}

#[test]
fn scores_and_the_best_checkpoint_survive_a_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let scored = |out: &str| {
        let more = "--steps 60 --evaluate-every 30 --log-every 1 --checkpoint-every 20";
        let more = more.split(' ').map(str::to_string);
        [mnist(folder, out), more.collect()].concat()
    };
    expect(&mut command(folder, &scored("whole")), 0);
    // After the first score and the best checkpoint of step 30, before the checkpoint of step 40.
    let run = folder.join("pieces");
    let child = start(&mut command(folder, &scored("pieces")), &run, 32);
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    assert!(run.join("checkpoints/best.safetensors").exists());
    expect(&mut command(folder, &["train", "--resume", "pieces"]), 0);
    assert_same(&run, &folder.join("whole"));
}
