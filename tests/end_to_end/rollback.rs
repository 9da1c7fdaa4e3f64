//! A run that diverges goes back to a checkpoint and takes another way.

use crate::support::runs::{assert_same, command, expect, ring};
use std::fs;

#[test]
fn a_run_that_diverges_goes_back_three_times_with_other_seeds() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // So large that every seed diverges.
    let more = ["--steps", "60", "--lr", "1e30", "--on-nan", "rollback"];
    let message = expect(&mut command(folder, &ring("run", &more)), 1);
    for part in [
        "rollback 1 of 3",
        "rollback 3 of 3",
        "after 3 rollbacks",
        "step ",
    ] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

/// A run that diverges in step 48, at the first way: the noise is so strong that the square of a gradient,
/// which Adam keeps, is sometimes more than an f32 holds.
const DIVERGES: &str = "--seed 2 --loss wasserstein --weight-clip 1 --instance-noise 2.8e20 \
    --lr-schedule constant --checkpoint-every 10 --on-nan rollback --steps";

fn diverging(out: &str, steps: &'static str) -> Vec<String> {
    let more: Vec<&'static str> = DIVERGES.split(' ').chain([steps]).collect();
    ring(out, &more)
}

#[test]
fn a_run_that_diverges_goes_back_to_its_checkpoint_and_ends_well() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let message = expect(&mut command(folder, &diverging("run", "60")), 0);
    for part in ["step 48: the", "back to step 40", "rollback 1 of 3"] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    let metrics = fs::read_to_string(folder.join("run/metrics.jsonl")).unwrap();
    let step =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64();
    let steps: Vec<u64> = metrics.lines().filter_map(step).collect();
    assert_eq!(steps, [0, 10, 20, 30, 40, 50, 59]);
    assert!(!metrics.contains("null"), "{metrics}");
}

#[test]
fn a_run_that_was_stopped_goes_back_as_far_as_one_that_was_not() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    expect(&mut command(folder, &diverging("whole", "60")), 0);
    // The checkpoint of step 47 is the newest, but a run that was not stopped has none there.
    expect(&mut command(folder, &diverging("stopped", "47")), 0);
    let line = ["train", "--resume", "stopped", "--steps", "60"];
    let message = expect(&mut command(folder, &line), 0);
    assert!(message.contains("back to step 40"), "{message}");
    assert_same(&folder.join("stopped"), &folder.join("whole"));
}

#[test]
fn a_run_that_may_go_back_from_now_on_goes_back_to_where_it_is() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let more = ["--lr-schedule", "constant", "--steps", "47"];
    expect(&mut command(folder, &ring("run", &more)), 0);
    let line = "train --resume run --steps 60 --lr 1e30 --on-nan rollback --allow-change";
    let line: Vec<&str> = line.split(' ').collect();
    let message = expect(&mut command(folder, &line), 1);
    assert_eq!(message.matches("back to step 47").count(), 3, "{message}");
    assert!(
        folder
            .join("run/checkpoints/step-00000047.safetensors")
            .exists()
    );
}

#[test]
fn a_run_that_diverges_in_its_first_step_after_a_stop_knows_what_it_has_seen() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    expect(&mut command(folder, &ring("run", &["--steps", "20"])), 0);
    let line = "train --resume run --steps 60 --instance-noise 1e25 --allow-change";
    let line: Vec<&str> = line.split(' ').collect();
    expect(&mut command(folder, &line), 1);
    let metrics = fs::read_to_string(folder.join("run/metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert_eq!(last["generator_loss"], serde_json::Value::Null);
    assert_eq!(last["images_seen"], 20 * 32);
}
