//! The main job from end to end, over the built binary and real MNIST.

use crate::support::program::{gan_cli, root, text, with_threads};
use std::fs;
use std::path::Path;

fn train(folder: &Path, out: &str, steps: &str, threads: &str) {
    let data = root().join("data/mnist");
    let data = data.to_str().unwrap();
    let arguments = [
        "train",
        "--data",
        data,
        "--steps",
        steps,
        "--out",
        out,
        "--log-every",
        "50",
    ];
    let output = with_threads(folder, &arguments, threads);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn two_runs_of_200_steps_on_one_and_two_threads_end_in_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for (run, threads) in [("a", "1"), ("b", "2")] {
        train(folder.path(), run, "200", threads);
    }
    for file in [
        "generator.safetensors",
        "checkpoints/step-00000200.safetensors",
        "metrics.jsonl",
        "samples/000000.png",
        "samples/000200.png",
        "config.toml",
    ] {
        let read = |run: &str| fs::read(folder.path().join(run).join(file)).unwrap();
        assert!(read("a") == read("b"), "{file} differs");
    }
    let metrics = fs::read_to_string(folder.path().join("a/metrics.jsonl")).unwrap();
    let steps: Vec<u64> = metrics
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["step"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(steps, [0, 50, 100, 150, 199]);
}

#[test]
fn samples_are_the_same_whatever_the_count_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| gan_cli(folder.path(), arguments);
    train(folder.path(), "run", "2", "2");
    for (count, out) in [("3", "few"), ("70", "many")] {
        let output = run(&["sample", "run", "--count", count, "--out", out]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let image = |out: &str| fs::read(folder.path().join(out).join("000002.png")).unwrap();
    assert_eq!(image("few"), image("many"));

    assert!(
        run(&["sample", "run", "--grid", "2x3", "--out", "g.png"])
            .status
            .success()
    );
    let grid = image::open(folder.path().join("g.png")).unwrap();
    // Torchvision's layout: cells of 28 + 2 pixels and a border of 2.
    assert_eq!((grid.width(), grid.height()), (3 * 30 + 2, 2 * 30 + 2));
    assert_eq!(
        run(&["sample", "run", "--out", "g.png"]).status.code(),
        Some(2)
    );

    assert!(
        run(&[
            "sample", "run", "--format", "npy", "--count", "5", "--out", "x.npy"
        ])
        .status
        .success()
    );
    let (shape, values) = gan_sample::read_npy(&folder.path().join("x.npy")).unwrap();
    assert_eq!(shape, gan_core::ImageShape::MNIST);
    assert_eq!(values.len(), 5 * shape.elements());
    assert!(
        run(&["sample", "run", "--interpolate", "4", "--out", "walk.png"])
            .status
            .success()
    );
    assert!(folder.path().join("walk.gif").is_file());

    let output = run(&["inspect", "run"]);
    assert!(
        text(&output.stdout).contains("1,510,032 parameters"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_dry_run_writes_nothing_and_flags_override_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("c.toml"),
        "[train]\nepochs = 3\nlr = 0.1\n",
    )
    .unwrap();
    let data = root().join("data/mnist");
    let arguments = [
        "train",
        "--dry-run",
        "--config",
        "c.toml",
        "--lr",
        "0.5",
        "--data",
        data.to_str().unwrap(),
    ];
    let output = gan_cli(folder.path(), &arguments);
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        stdout.contains("epochs = 3") && stdout.contains("lr = 0.5"),
        "{stdout}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
