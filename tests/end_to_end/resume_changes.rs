//! What may be different in a run that is resumed, and what is refused.

use crate::support::program::text;
use crate::support::runs::{assert_same, command, expect, files, ring, ring_of_60};
use std::fs;
use std::path::Path;

fn resume(folder: &Path, flags: &str, code: i32) -> String {
    let words = "train --resume run ".to_string() + flags;
    expect(
        &mut command(folder, &words.split_whitespace().collect::<Vec<_>>()),
        code,
    )
}

#[test]
fn what_makes_other_results_is_refused_with_both_values_and_the_rest_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let before = files(&folder.join("run"));
    for (flags, parts) in [
        ("--batch-size 64", ["train.batch_size is 64", "was 32"]),
        ("--seed 5", ["train.seed is 5", "was 0"]),
        ("--architecture dcgan", ["is \"dcgan\"", "was \"mlp\""]),
        ("--data grid", ["the data set in grid", "was "]),
        ("--lr 0.5", ["train.lr is 0.5", "was 0.001"]),
        ("--steps 80", ["the run is 80 steps long, was 60", "cosine"]),
    ] {
        let message = resume(folder, flags, 2);
        for part in parts.into_iter().chain(["--allow-change"]) {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
        assert_eq!(files(&folder.join("run")), before, "{flags}");
    }
    let message = resume(
        folder,
        "--steps 80 --seed 5 --batch-size 64 --allow-change",
        0,
    );
    for part in ["train.seed is 5, was 0", "the run is 80 steps long"] {
        assert!(message.contains(part), "{message}");
    }
    resume(
        folder,
        "--log-every 3 --sample-every 7 --keep 4 --device cpu",
        0,
    );
}

#[test]
fn fewer_steps_than_are_done_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let before = files(&folder.join("run"));
    for flags in ["--steps 59", "--steps 1 --allow-change"] {
        let message = resume(folder, flags, 2);
        assert!(message.contains("60 steps are done"), "{message}");
    }
    assert_eq!(files(&folder.join("run")), before);
    resume(folder, "--steps 60", 0);
    assert_same(&folder.join("run"), &folder.join("run"));
}

#[test]
fn epochs_that_change_nothing_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let message = resume(folder, "--epochs 7", 2);
    for part in ["--epochs 7", "train.steps = 60", "--steps"] {
        assert!(message.contains(part), "{message}");
    }
    let config = folder.join("run/config.toml");
    let edited = fs::read_to_string(&config).unwrap();
    let edited = edited.replace("epochs = 200", "epochs = 300");
    fs::write(&config, &edited).unwrap();
    let message = resume(folder, "", 2);
    assert!(message.contains("train.epochs was changed"), "{message}");
    assert_eq!(fs::read_to_string(&config).unwrap(), edited);
}

#[test]
fn steps_are_steps_whatever_the_epochs() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // 50,000 points in batches of 25,000: two steps an epoch.
    let more = ["--steps", "7", "--epochs", "1"];
    let mut arguments = ring("run", &more);
    let size = arguments.iter().position(|word| word == "32").unwrap();
    arguments[size] = "25000".to_string();
    expect(&mut command(folder, &arguments), 0);
    assert!(
        folder
            .join("run/checkpoints/step-00000007.safetensors")
            .exists()
    );
}

#[test]
fn edits_of_the_configuration_are_taken_and_checked_like_flags() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let more = "--lr-schedule constant --steps 60 --checkpoint-every 20";
    let more: Vec<&str> = more.split(' ').collect();
    expect(&mut command(folder, &ring("run", &more)), 0);
    let config = folder.join("run/config.toml");
    let written = fs::read_to_string(&config).unwrap();
    let edit = |from: &str, to: &str| {
        let edited = written.replace(from, to);
        assert_ne!(edited, written, "{from}");
        fs::write(&config, &edited).unwrap();
        edited
    };
    let edited = edit("\nlr = 0.001", "\nlr = 0.002");
    let message = resume(folder, "", 2);
    assert!(
        message.contains("train.lr is 0.002, was 0.001"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(&config).unwrap(), edited);
    edit("\nlr = ", "\nlearning_rate = ");
    let message = resume(folder, "", 2);
    assert!(message.contains("learning_rate"), "{message}");
    // With the author's own words.
    let edited = edit("\nsteps = 60", "\n# A little longer.\nsteps = 90");
    resume(folder, "", 0);
    assert_eq!(fs::read_to_string(&config).unwrap(), edited);
    assert!(
        folder
            .join("run/checkpoints/step-00000090.safetensors")
            .exists()
    );
    let message = resume(folder, "--steps 100", 0);
    let now = fs::read_to_string(&config).unwrap();
    assert!(now.contains("\nsteps = 100"), "{now}");
    assert!(message.contains("config.toml.old"), "{message}");
    let old = fs::read_to_string(folder.join("run/config.toml.old")).unwrap();
    assert_eq!(old, edited);
}

#[test]
fn a_run_whose_checkpoints_are_gone_is_refused_and_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    fs::remove_dir_all(folder.join("run/checkpoints")).unwrap();
    let before = files(&folder.join("run"));
    let message = resume(folder, "", 2);
    for part in ["there is no checkpoint", "generator.safetensors"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(files(&folder.join("run")), before);
}

#[test]
fn a_generator_that_is_missing_damaged_or_of_another_step_is_written_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "whole");
    ring_of_60(folder, "run");
    let more = ["--steps", "20"];
    expect(&mut command(folder, &ring("other", &more)), 0);
    let path = folder.join("run/generator.safetensors");
    let other = fs::read(folder.join("other/generator.safetensors")).unwrap();
    for spoilt in [None, Some(b"damaged".to_vec()), Some(other)] {
        match spoilt {
            None => fs::remove_file(&path).unwrap(),
            Some(bytes) => fs::write(&path, bytes).unwrap(),
        }
        resume(folder, "", 0);
        assert_same(&folder.join("run"), &folder.join("whole"));
    }
}

#[test]
fn a_checkpoint_under_the_name_of_another_step_is_set_aside() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "whole");
    ring_of_60(folder, "run");
    let checkpoints = folder.join("run/checkpoints");
    let later = checkpoints.join("step-00009999.safetensors");
    fs::copy(checkpoints.join("step-00000040.safetensors"), &later).unwrap();
    let message = resume(folder, "", 0);
    for part in ["holds the checkpoint of step 40", "step-00009999"] {
        assert!(message.contains(part), "{message}");
    }
    fs::remove_file(checkpoints.join("step-00009999.safetensors.damaged")).unwrap();
    assert_same(&folder.join("run"), &folder.join("whole"));
}

#[test]
fn a_damaged_line_of_a_log_is_the_only_one_that_is_lost() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    let path = folder.join("run/metrics.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = written.split_inclusive('\n').collect();
    let damaged = lines[2].replacen('{', "[", 1);
    let others = [&lines[..2], &lines[3..]].concat().concat();
    fs::write(
        &path,
        [&lines[..2], &[&damaged[..]], &lines[3..]]
            .concat()
            .concat(),
    )
    .unwrap();
    let doctor = command(folder, &["doctor", "run"]).output().unwrap();
    assert_eq!(doctor.status.code(), Some(0));
    assert!(text(&doctor.stderr).contains("metrics.jsonl: line 3"));
    let message = resume(folder, "", 0);
    assert!(message.contains("metrics.jsonl: line 3"), "{message}");
    assert_eq!(fs::read_to_string(&path).unwrap(), others);
}

#[test]
fn lines_that_are_missing_are_said() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    ring_of_60(folder, "run");
    assert!(!resume(folder, "", 0).contains("lines"));
    let path = folder.join("run/metrics.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    let first: String = written.split_inclusive('\n').take(3).collect();
    for (left, found) in [
        (first, "the last line is of step 20"),
        (String::new(), "no line"),
    ] {
        fs::write(&path, left).unwrap();
        let message = resume(folder, "", 0);
        assert!(message.contains(found), "{message}");
    }
}
