//! What commands write: names that say what is in files, whole files or none, and exit codes.

use crate::support::program::{after, run, text, words};
use crate::support::runs::{command, ended_with, signal, wait_for};
use crate::support::tiny::{begins_with, check, names, tiny_run};
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Output;

#[test]
fn the_name_after_out_says_what_is_written_or_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    for (arguments, name, magic) in [
        ("--out a.png", "a.png", &b"\x89PNG"[..]),
        ("--out b.PNG --grid 2x3 --count 4", "b.PNG", b"\x89PNG"),
        ("--out c.npy", "c.npy", b"\x93NUMPY"),
        ("--out d2.Npy --count 3", "d2.Npy", b"\x93NUMPY"),
        ("--out e.npy --count 3 --format npy", "e.npy", b"\x93NUMPY"),
        ("--out v1.2 --count 3", "v1.2/000002.png", b"\x89PNG"),
        ("--out w --interpolate 3", "w.png", b"\x89PNG"),
        ("--out x.gif --interpolate 3", "x.gif", b"GIF8"),
        ("--out v1.2.png --interpolate 3", "v1.2.gif", b"GIF8"),
    ] {
        check(folder, &format!("sample run {arguments}"), 0, &[]);
        assert!(begins_with(&folder.join(name), magic), "{arguments}");
    }
    let before = names(folder);
    for (arguments, parts) in [
        ("--out x.jpg", ["x.jpg: ends in .jpg", "ends in .png"]),
        (
            "--out x.gif --force",
            ["x.gif: ends in .gif", "ends in .png"],
        ),
        ("--out new", ["new: has no ending", "ends in .png"]),
        ("--out new/", ["new/: has no ending", "ends in .png"]),
        ("--out new.png/", ["new.png/", "a file's name"]),
        (
            "--out new.npy --format png",
            ["new.npy", "leave --format out"],
        ),
        (
            "--out new.png --format npy",
            ["new.png: ends in .png", ".npy"],
        ),
        ("--out new.png --count 3", ["new.png", "folder's name"]),
        ("--out new.jpg --count 3", ["new.jpg", "folder's name"]),
        ("--out v3.4 --interpolate 3", ["v3.4: ends in .4", ".gif"]),
        ("--out new.jpg --interpolate 3", ["new.jpg", ".gif"]),
        ("--out a.png", ["a.png: exists already", "--force"]),
    ] {
        check(folder, &format!("sample run {arguments}"), 2, &parts);
        assert_eq!(names(folder), before, "{arguments}");
    }
}

#[test]
fn force_replaces_the_images_of_an_earlier_call_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let images = folder.join("images");
    check(folder, "sample run --count 5 --out images", 0, &[]);
    check(
        folder,
        "sample run --count 2 --out images",
        2,
        &["images: exists already", "--force"],
    );
    let inode = fs::metadata(&images).unwrap().ino();
    let replace = "sample run --count 2 --seed 5 --out images --force";
    check(folder, replace, 0, &[]);
    assert_eq!(names(&images), ["000000.png", "000001.png"]);
    assert_eq!(
        fs::metadata(&images).unwrap().ino(),
        inode,
        "a mount would be lost"
    );

    fs::write(images.join("notes.txt"), "mine").unwrap();
    let before = fs::read(images.join("000000.png")).unwrap();
    let other = "sample run --count 1 --seed 6 --out images --force";
    check(
        folder,
        other,
        2,
        &["images: holds notes.txt", "choose another folder"],
    );
    assert_eq!(names(&images), ["000000.png", "000001.png", "notes.txt"]);
    assert!(fs::read(images.join("000000.png")).unwrap() == before);

    // A folder and a file do not replace each other.
    fs::write(folder.join("file"), "mine").unwrap();
    fs::create_dir(folder.join("folder.png")).unwrap();
    check(
        folder,
        "sample run --count 1 --out file --force",
        2,
        &["file: is not a folder"],
    );
    check(
        folder,
        "sample run --out folder.png --force",
        2,
        &["folder.png: is a folder"],
    );
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"mine");
}

#[test]
fn a_classifier_replaces_a_classifier_and_no_other_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let train = "train-classifier --data d --epochs 1";
    check(folder, train, 0, &[]);
    check(
        folder,
        train,
        2,
        &["d.classifier.safetensors: exists already", "--force"],
    );
    check(folder, &format!("{train} --force"), 0, &[]);
    let generator = folder.join("run/generator.safetensors");
    let before = fs::read(&generator).unwrap();
    for more in ["", " --force"] {
        let line = format!("{train} --out run/generator.safetensors{more}");
        check(
            folder,
            &line,
            2,
            &["not a feature network", "another --out"],
        );
    }
    assert!(fs::read(&generator).unwrap() == before);
}

/// The hidden files and folders in a folder.
fn unfinished(folder: &Path) -> Vec<String> {
    let mut names = names(folder);
    names.retain(|name| name.starts_with('.'));
    names
}

#[test]
fn a_command_that_is_interrupted_leaves_nothing_unfinished() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let before = names(folder);
    for (name, code, arguments) in [
        ("INT", 130, "--out x.npy"),
        ("TERM", 143, "--out x.npy"),
        ("HUP", 129, "--out x.npy"),
        ("INT", 130, "--out images"),
        ("TERM", 143, "--out images"),
    ] {
        let line = format!("sample run --count 9000000 {arguments}");
        let mut sample = command(folder, &line.split(' ').collect::<Vec<_>>());
        let child = sample.spawn().unwrap();
        wait_for(|| !unfinished(folder).is_empty());
        signal(&child, name);
        ended_with(&child.wait_with_output().unwrap(), code);
        assert_eq!(names(folder), before, "{name}, {arguments}");
    }
}

#[test]
fn a_classifier_and_an_evaluation_end_at_once_at_a_signal() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let before = names(folder);
    for line in [
        "train-classifier --data d --epochs 1000000",
        "evaluate run --count 1000000",
    ] {
        let mut command = command(folder, &line.split(' ').collect::<Vec<_>>());
        command.env("XDG_CACHE_HOME", folder.join("run/cache"));
        let mut child = command.spawn().unwrap();
        // The first line is there when the work has begun.
        let mut first = [0];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        signal(&child, "TERM");
        ended_with(&child.wait_with_output().unwrap(), 143);
        assert_eq!(names(folder), before, "{line}");
        assert!(!folder.join("run/evaluation.json").exists());
    }
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_work() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    fs::write(folder.join("file"), "mine").unwrap();
    for (line, part) in [
        (
            "train-classifier --data d --out file/net.safetensors",
            "file is not a folder",
        ),
        (
            "train-classifier --data d --out /proc/net.safetensors",
            "/proc takes no new files",
        ),
        ("evaluate run --out file", "file is not a folder"),
        (
            "evaluate run --out /proc/evaluation",
            "/proc takes no new files",
        ),
        ("sample run --out file/x.png", "file is not a folder"),
        (
            "sample run --count 9000000 --out /proc/images",
            "/proc takes no new files",
        ),
        (
            "sample run --count 9000000 --out /proc/x.npy",
            "/proc takes no new files",
        ),
    ] {
        let output = run(folder, line);
        let message = ended_with(&output, 2);
        assert!(
            message.contains(part) && message.contains("--out"),
            "{line}: {message}"
        );
        // Not even the data set was read.
        assert_eq!(text(&output.stdout), "", "{line}");
    }
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"mine");
}

/// The same line where files may have so many blocks of 512 bytes.
fn with_small_files(folder: &Path, line: &str, blocks: u32) -> Output {
    let mut limited = after(&format!("ulimit -f {blocks}"), folder, &words(line));
    limited.output().unwrap()
}

#[test]
fn a_file_beyond_the_limit_is_a_failure_with_its_name_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let before = names(folder);
    for line in [
        "sample run --count 900 --out x.npy",
        "sample run --grid 90x90 --out x.png",
        "train-classifier --data d --epochs 1 --out x.safetensors",
    ] {
        let message = ended_with(&with_small_files(folder, line, 8), 1);
        let name = line.split(' ').next_back().unwrap();
        let expected = format!("{name}: cannot be written: File too large");
        assert!(message.contains(&expected), "{line}: {message}");
        assert_eq!(names(folder), before, "{line}");
    }
}

#[test]
fn scores_survive_a_report_that_cannot_be_written() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let line = "evaluate run --count 100 --metrics memorization,sharpness";
    let message = ended_with(&run(folder, line), 0);
    assert_eq!(message, "");
    let size = |name: &str| fs::metadata(folder.join("run").join(name)).unwrap().len();
    let (json, report) = (size("evaluation.json"), size("report.html"));
    assert!(json + 1024 < report, "{json} and {report} bytes");
    for name in ["evaluation.json", "report.html"] {
        fs::remove_file(folder.join("run").join(name)).unwrap();
    }

    let blocks = u32::try_from(json / 512 + 1).unwrap();
    let output = with_small_files(folder, line, blocks);
    let message = ended_with(&output, 1);
    for part in [
        "scores are in run/evaluation.json",
        "report.html",
        "File too large",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(
        text(&output.stdout).contains("gradient energy"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(size("evaluation.json"), json);
    let output = with_small_files(folder, line, 1);
    let message = ended_with(&output, 1);
    assert!(
        message.contains("evaluation.json: cannot be written"),
        "{message}"
    );
    assert!(
        text(&output.stdout).contains("gradient energy"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_generator_of_numbers_that_are_not_finite_is_refused_and_nothing_is_written() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let path = folder.join("run/generator.safetensors");
    let mut weights = gan_core::Weights::read(&path).unwrap();
    let tensor = weights.tensors.get_mut("model.0.weight").unwrap();
    *tensor = (&*tensor * f64::NAN).unwrap();
    weights
        .write_with_checksum(&folder.join("nan.safetensors"))
        .unwrap();
    let before = names(folder);
    for arguments in [
        "--out x.png",
        "--out x.png --pixel-range min-max",
        "--out x.npy",
        "--out x --count 3",
        "--out x --interpolate 3",
    ] {
        let line = format!("sample nan.safetensors {arguments}");
        check(
            folder,
            &line,
            2,
            &["of image 0 is NaN", "smaller learning rate"],
        );
        assert_eq!(names(folder), before, "{arguments}");
    }
}
