//! What commands print: results that arrive or fail, text without control characters, and advice that holds.

use crate::support::program::{gan_cli, run, text};
use crate::support::runs::{command, ended_with, expect};
use crate::support::tiny::{tiny_data, tiny_run};
use candle_core::Tensor;
use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

/// With standard output to a device that takes nothing.
fn to_full_disk(folder: &Path, line: &str) -> Output {
    let mut command = command(folder, &line.split(' ').collect::<Vec<_>>());
    let full = File::options().write(true).open("/dev/full").unwrap();
    command.stdout(full).output().unwrap()
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_and_a_line_about_the_work_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    for line in [
        "recipes",
        "recipes best",
        "inspect run",
        "doctor run",
        "sample run --out a.png",
        "--help",
        "--version",
    ] {
        let message = ended_with(&to_full_disk(folder, line), 1);
        let expected = "error: standard output: cannot be written: No space left on device";
        assert!(message.contains(expected), "{line}: {message}");
    }
    assert!(folder.join("a.png").exists());
    // A run prints its results into its folder.
    let line = "train --data d --batch-size 16 --steps 1 --out other";
    ended_with(&to_full_disk(folder, line), 0);
    // Nobody reads: `head` has seen enough.
    for line in ["recipes best", "inspect run"] {
        let mut closed = command(folder, &line.split(' ').collect::<Vec<_>>());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        ended_with(&closed.stdout(writer).output().unwrap(), 0);
    }
}

/// No control characters but the ends of lines, and no line of a name's making.
#[track_caller]
fn assert_plain(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let stream = text(stream);
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!stream.contains(control), "{stream:?}");
        assert!(
            !stream.lines().any(|line| line.starts_with("forged")),
            "{stream}"
        );
    }
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    const EVIL: &str = "a\u{1b}]0;title\u{7}\u{1b}[2J\r\u{9b}31m\nforged: all is well";
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let zeros = Tensor::zeros(1, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
    let weights = gan_core::Weights {
        tensors: [(EVIL.to_string(), zeros)].into(),
        metadata: "{}".to_string(),
    };
    weights.write(&folder.join("evil.safetensors")).unwrap();
    let evil_folder = folder.join("pictures").join(EVIL);
    fs::create_dir_all(&evil_folder).unwrap();
    fs::write(evil_folder.join("a.png"), "no picture").unwrap();
    fs::copy(folder.join("run/generator.safetensors"), folder.join(EVIL)).unwrap();

    let escaped = "\\u{1b}]0;title\\u{7}\\u{1b}[2J\\r\\u{9b}31m\\nforged: all is well";
    for (arguments, code, shown) in [
        (&["inspect", "evil.safetensors"][..], 0, true),
        (&["inspect", EVIL], 0, true),
        (&["inspect", "pictures"], 2, false),
        (&["sample", "evil.safetensors"], 2, false),
        (&["sample", EVIL, "--out", "a.png"], 0, false),
        (
            &["train", "--data", "pictures", "--image-size", "8"],
            2,
            false,
        ),
        (&["evaluate", EVIL, "--data", "d"], 2, false),
        (&["sample", "run", "--class", EVIL], 2, false),
        (&["sample", "run", EVIL], 2, false),
        (&["recipes", EVIL], 2, false),
    ] {
        let output = gan_cli(folder, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        if arguments[0] != "sample" || arguments[1] != "run" {
            assert_plain(&output);
        }
        assert!(!text(&output.stderr).contains('\u{1b}'), "{arguments:?}");
        let stdout = text(&output.stdout);
        assert_eq!(stdout.contains(escaped), shown, "{arguments:?}: {stdout}");
    }
}

#[test]
fn diagnostics_are_a_word_and_a_text() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    let generator = folder.join("run/generator.safetensors");
    let mut bytes = fs::read(&generator).unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    fs::write(folder.join("cut.safetensors"), bytes).unwrap();
    let cut = ["inspect", "cut.safetensors"];
    let message = expect(command(folder, &cut).env("RUST_BACKTRACE", "1"), 2);
    assert!(
        message.starts_with("error: cut.safetensors: ") && message.lines().count() == 1,
        "{message}"
    );

    fs::write(folder.join("bad.toml"), "[train]\nsteps = many\n").unwrap();
    let bad = ["train", "--config", "bad.toml"];
    let message = expect(command(folder, &bad).env("RUST_BACKTRACE", "1"), 2);
    let mut lines = message.lines();
    assert!(
        lines.next().unwrap().starts_with("error: bad.toml: "),
        "{message}"
    );
    assert!(lines.clone().count() > 1, "{message}");
    assert!(
        lines.all(|line| line.is_empty() || line.starts_with("  ")),
        "{message}"
    );

    // A damaged checkpoint is a warning.
    let newest = folder.join("run/checkpoints/step-00000002.safetensors");
    let bytes = fs::read(&newest).unwrap();
    let earlier = folder.join("run/checkpoints/step-00000001.safetensors");
    fs::write(&earlier, &bytes).unwrap();
    fs::write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    let resume = ["train", "--resume", "run"];
    let message = text(&command(folder, &resume).output().unwrap().stderr);
    assert!(message.starts_with("warning: "), "{message}");
    assert!(
        !message.contains('\u{1b}') && !message.contains("gan_cli"),
        "{message}"
    );

    let verbose = ["-vv", "recipes"];
    let message = expect(&mut command(folder, &verbose), 0);
    assert!(
        message.starts_with("debug: thread pool threads="),
        "{message}"
    );
    let message = expect(command(folder, &["recipes"]).env("RUST_LOG", "debug"), 0);
    assert!(message.starts_with("debug: thread pool"), "{message}");
}

#[test]
fn a_printed_recipe_trains_as_the_recipe_does() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_data(folder);
    for name in ["tutorial", "best", "ring", "hinge-sn"] {
        let printed = run(folder, &format!("recipes {name}"));
        fs::write(folder.join("mine.toml"), printed.stdout).unwrap();
        let dry_run = |what: &str| {
            let output = run(
                folder,
                &format!("train {what} --data d --batch-size 16 --dry-run --out x"),
            );
            ended_with(&output, 0);
            text(&output.stdout)
        };
        let found = dry_run("--config mine.toml");
        assert!(found.contains(&format!("recipe = \"{name}\"")), "{found}");
        assert_eq!(found, dry_run(&format!("--recipe {name}")), "{name}");
    }
}

/// What is advised is not refused.
#[test]
fn advice_can_be_followed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    tiny_run(folder);
    ended_with(
        &run(folder, "train --recipe ring --steps 2 --out points -q"),
        0,
    );
    let advice = |line: &str| {
        let output = run(folder, line);
        text(&output.stdout) + &text(&output.stderr)
    };
    // Points are not evaluated.
    let said = advice("doctor points");
    assert!(
        said.contains("these are points") && !said.contains("evaluate"),
        "{said}"
    );
    let said = advice("compare points points");
    assert!(
        said.contains("a data set of points") && !said.contains("first"),
        "{said}"
    );
    for line in [
        "sample points --count 3 --out x",
        "sample points --interpolate 3",
    ] {
        let said = advice(line);
        assert!(said.contains("leave it out"), "{said}");
    }
    assert!(!advice("sample points --class 1").contains("--classes auto --"));

    let said = advice("compare run run");
    assert!(said.contains("evaluate run` first"), "{said}");
    let said = advice("doctor run");
    assert!(said.contains("evaluate run` shows"), "{said}");
    ended_with(
        &run(folder, "evaluate run --count 100 --metrics sharpness"),
        0,
    );
    let said = advice("doctor run");
    assert!(
        said.contains("train-classifier") && !said.contains("evaluate run"),
        "{said}"
    );
    let said = advice("compare run d");
    assert!(
        said.contains("d/evaluation.json: does not exist; give run folders"),
        "{said}"
    );
}
