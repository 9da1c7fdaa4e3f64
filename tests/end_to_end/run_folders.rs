//! A run writes to its own folder and to nothing else.

use crate::support::program::root;
use crate::support::runs::{
    assert_same, command, ended_with, expect, files, ring, signal, start, wait_for,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A run that does not end by itself.
const ENDLESS: [&str; 4] = ["--steps", "10000000", "--checkpoint-every", "20"];

fn train(folder: &Path, out: &str, more: &[&'static str]) {
    expect(&mut command(folder, &ring(out, more)), 0);
}

#[test]
fn a_run_whose_folder_was_made_anew_by_another_leaves_that_one_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let run = folder.join("run");
    let first = start(&mut command(folder, &ring("run", &ENDLESS)), &run, 3);
    let first = thread_that_waits(first);
    // The run may be writing a file as its folder goes.
    wait_for(|| {
        let removed = fs::remove_dir_all(&run);
        removed.is_ok() || !run.exists()
    });
    train(folder, "run", &["--seed", "5", "--steps", "60"]);
    let message = ended_with(&first.join().unwrap(), 1);
    assert!(message.contains("was removed or replaced"), "{message}");
    assert!(!message.contains("--resume"), "{message}");
    train(folder, "alone", &["--seed", "5", "--steps", "60"]);
    assert_same(&run, &folder.join("alone"));
}

/// Reads all that a process says while it runs, so that it is never held up.
fn thread_that_waits(child: std::process::Child) -> std::thread::JoinHandle<std::process::Output> {
    std::thread::spawn(move || child.wait_with_output().unwrap())
}

#[test]
fn a_run_that_was_given_by_a_link_stays_in_its_folder_when_the_link_is_set_elsewhere() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    train(folder, "a", &["--steps", "20"]);
    train(folder, "b", &["--seed", "9", "--steps", "20"]);
    let before = files(&folder.join("b"));
    let link = folder.join("latest");
    symlink("a", &link).unwrap();
    let line = ["train", "--resume", "latest", "--allow-change"];
    let arguments: Vec<&str> = line.into_iter().chain(ENDLESS).collect();
    let child = start(&mut command(folder, &arguments), &folder.join("a"), 8);
    fs::remove_file(&link).unwrap();
    symlink("b", &link).unwrap();
    let lines = || {
        let metrics = fs::read_to_string(folder.join("a/metrics.jsonl"));
        metrics.unwrap().lines().count()
    };
    let now = lines();
    wait_for(|| lines() > now + 5);
    signal(&child, "INT");
    ended_with(&child.wait_with_output().unwrap(), 130);
    assert_eq!(files(&folder.join("b")), before);
}

#[test]
fn force_removes_a_run_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let put = |name: &str| {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), "mine").unwrap();
    };
    for foreign in [
        "project/samples/photo.txt",
        "project/checkpoints/resnet.pt",
        "project/notes.txt",
        "project/metrics.jsonl",
        "project/config.toml",
    ] {
        put(foreign);
        let message = expect(&mut command(folder, &ring("project", &["--force"])), 2);
        assert!(message.contains(foreign), "{foreign}: {message}");
        assert_eq!(fs::read_to_string(folder.join(foreign)).unwrap(), "mine");
        fs::remove_dir_all(folder.join("project")).unwrap();
    }
    train(folder, "run", &["--steps", "60", "--sample-every", "10"]);
    train(folder, "run", &["--steps", "20", "--force"]);
    train(folder, "alone", &["--steps", "20"]);
    assert_same(&folder.join("run"), &folder.join("alone"));
    put("run/notes.txt");
    let before = files(&folder.join("run"));
    let message = expect(&mut command(folder, &ring("run", &["--force"])), 2);
    assert!(message.contains("run/notes.txt"), "{message}");
    assert_eq!(files(&folder.join("run")), before);
}

#[test]
fn a_run_with_folders_that_are_links_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    train(folder, "run", &["--steps", "20"]);
    for name in ["samples", "checkpoints"] {
        let path = folder.join("run").join(name);
        fs::rename(&path, folder.join("elsewhere")).unwrap();
        symlink("../elsewhere", &path).unwrap();
        let message = expect(&mut command(folder, &["train", "--resume", "run"]), 2);
        assert!(
            message.contains(name) && message.contains("is a link"),
            "{message}"
        );
        fs::remove_file(&path).unwrap();
        fs::rename(folder.join("elsewhere"), &path).unwrap();
    }
}

#[test]
fn runs_that_begin_together_get_a_folder_each() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let line = [
        "train",
        "--recipe",
        "ring",
        "--steps",
        "3",
        "--threads",
        "1",
    ];
    let children = [(); 4].map(|()| command(folder, &line).spawn().unwrap());
    for child in children {
        ended_with(&child.wait_with_output().unwrap(), 0);
    }
    for number in 1..=4 {
        let run = folder.join(format!("runs/ring-{number:03}"));
        assert_same(&run, &folder.join("runs/ring-001"));
        assert!(run.join("generator.safetensors").is_file());
    }
}

#[test]
fn a_run_inside_its_own_data_set_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let pictures = temporary.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for k in 0..30_u8 {
        let image = image::GrayImage::from_fn(8, 8, |x, y| image::Luma([k + (8 * x + y) as u8]));
        image.save(pictures.join(format!("{k}.png"))).unwrap();
    }
    let line = ["train", "--data", ".", "--steps", "3", "--batch-size", "7"];
    let message = expect(&mut command(&pictures, &line), 2);
    for part in ["inside the data set", "--out"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 30);
    let line = line.into_iter().chain(["--out", "../run"]);
    expect(&mut command(&pictures, &line.collect::<Vec<_>>()), 0);
}

#[test]
fn a_data_set_of_idx_files_is_not_written_into_either() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("d");
    fs::create_dir(&data).unwrap();
    for name in ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"] {
        symlink(root().join("data/mnist").join(name), data.join(name)).unwrap();
    }
    let line = ["train", "--data", "d", "--out", "d/run", "--dry-run"];
    let message = expect(&mut command(temporary.path(), &line), 2);
    assert!(message.contains("inside the data set"), "{message}");
}

#[test]
fn folders_that_become_links_while_a_run_writes_end_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    train(
        folder,
        "other",
        &["--steps", "60", "--checkpoint-every", "20"],
    );
    let before = files(&folder.join("other"));
    for name in ["checkpoints", "samples"] {
        let run = folder.join(name);
        let child = start(&mut command(folder, &ring(name, &ENDLESS)), &run, 3);
        let child = thread_that_waits(child);
        fs::rename(run.join(name), folder.join("aside")).unwrap();
        // The run may have ended already, because the folder was missing.
        symlink(folder.join("other").join(name), run.join(name)).unwrap();
        ended_with(&child.join().unwrap(), 1);
        assert_eq!(files(&folder.join("other")), before, "{name}");
        fs::remove_dir_all(folder.join("aside")).unwrap();
    }
}

#[test]
fn a_lock_that_is_no_lock_is_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    fs::create_dir(folder.join("run")).unwrap();
    let lock = folder.join("run/.lock");
    fs::write(&lock, "precious").unwrap();
    for more in [&[][..], &["--force"]] {
        let message = expect(&mut command(folder, &ring("run", more)), 2);
        assert!(message.contains("not the lock of a run"), "{message}");
        assert_eq!(fs::read_to_string(&lock).unwrap(), "precious");
    }
}

#[test]
fn what_a_run_leaves_that_was_killed_as_it_began_is_replaced_with_force() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let run = folder.join("run");
    for name in ["samples", "checkpoints"] {
        fs::create_dir_all(run.join(name)).unwrap();
    }
    fs::write(run.join(".abc123.partial"), "").unwrap();
    expect(&mut command(folder, &ring("run", &["--steps", "3"])), 2);
    train(folder, "run", &["--steps", "3", "--force"]);
    train(folder, "alone", &["--steps", "3"]);
    assert_same(&run, &folder.join("alone"));
}

#[test]
fn pipes_in_place_of_files_end_a_command_with_a_message() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    train(folder, "run", &["--steps", "20"]);
    for (name, code) in [("metrics.jsonl", 1), ("generator.safetensors", 0)] {
        let path = folder.join("run").join(name);
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        expect(&mut command(folder, &["train", "--resume", "run"]), code);
        if code != 0 {
            fs::remove_file(&path).unwrap();
        }
    }
}
