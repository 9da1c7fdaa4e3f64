//! What someone sees who trains and evaluates for the first time: pictures, lines, progress, advice.

use crate::support::evaluation::small_mnist;
use crate::support::program::{gan_cli, root, run, succeed, text};
use std::fs;
use std::path::Path;

/// A run of few steps on few images.
const TRAIN: &str = "train --data small --batch-size 32 --log-every 4";

/// A ring's run of few steps.
const RING: &str = "train --recipe ring --batch-size 32";

/// A folder with 128 digits in `small`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_mnist(folder.path(), 128, 32);
    folder
}

/// The names of a run's pictures, sorted as a file browser sorts them.
fn pictures(folder: &Path, run: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.join(run).join("samples")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn picture(folder: &Path, run: &str, name: &str) -> Vec<u8> {
    fs::read(folder.join(run).join("samples").join(name)).unwrap()
}

/// Each line has at most 80 characters.
#[track_caller]
fn assert_narrow(printed: &str) {
    for line in printed.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// The lines before the log's.
fn start_up(printed: &str) -> Vec<&str> {
    let lines = printed.lines();
    lines.take_while(|line| !line.contains("D loss")).collect()
}

#[test]
fn pictures_are_named_by_the_steps_done_and_sort_by_them() {
    let folder = folder();
    let folder = folder.path();
    let steps = "--steps 12 --sample-every 5 --out run";
    succeed(folder, &format!("{TRAIN} {steps} --recipe dcgan --width 4"));
    let expected = ["000000.png", "000005.png", "000010.png", "000012.png"];
    assert_eq!(pictures(folder, "run"), expected);
    // The tutorial has its own grid of the batch at hand beside them.
    succeed(
        folder,
        &format!("{TRAIN} --steps 7 --sample-every 5 --out tutorial"),
    );
    let expected = [
        "000000-batch.png",
        "000000.png",
        "000005-batch.png",
        "000005.png",
        "000007.png",
    ];
    assert_eq!(pictures(folder, "tutorial"), expected);
}

#[test]
fn the_last_picture_is_what_sample_draws() {
    let folder = folder();
    let folder = folder.path();
    let averaged = "--ema-half-life-images 100 --steps 3";
    for (out, more, side) in [
        ("plain", "", (5 * 30 + 2, 5 * 30 + 2)),
        (
            "told",
            "--architecture dcgan --width 4 --classes auto",
            (10 * 30 + 2, 10 * 30 + 2),
        ),
    ] {
        let line = format!("{TRAIN} {averaged} --out {out} {more}");
        succeed(folder, line.trim_end());
        succeed(folder, &format!("sample {out} --out {out}.png"));
        let drawn = fs::read(folder.join(format!("{out}.png"))).unwrap();
        assert!(picture(folder, out, "000003.png") == drawn, "{out}");
        let size = image::load_from_memory(&drawn).unwrap();
        assert_eq!((size.width(), size.height()), side);
    }
}

#[test]
fn pictures_show_the_same_latent_vectors_however_often_they_are_drawn() {
    let folder = folder();
    let folder = folder.path();
    for (out, every) in [("often", 1), ("seldom", 4)] {
        let line = format!("{TRAIN} --steps 8 --sample-every {every} --out {out}");
        succeed(folder, &line);
    }
    for name in ["000000.png", "000004.png", "000008.png", "000004-batch.png"] {
        let [often, seldom] = ["often", "seldom"].map(|run| picture(folder, run, name));
        assert!(often == seldom, "{name}");
    }
    assert!(picture(folder, "often", "000000.png") != picture(folder, "often", "000008.png"));
    // Drawing leaves the training as it is.
    let weights = |run: &str| fs::read(folder.join(run).join("generator.safetensors")).unwrap();
    assert!(weights("often") == weights("seldom"));
}

#[test]
fn a_run_that_goes_on_draws_no_picture_of_its_beginning() {
    let folder = folder();
    let folder = folder.path();
    let line = format!("{RING} --steps 6 --sample-every 4 --checkpoint-every 2 --out run");
    succeed(folder, &line);
    assert_eq!(
        pictures(folder, "run"),
        ["000000.png", "000004.png", "000006.png"]
    );
    let last = picture(folder, "run", "000006.png");
    fs::remove_dir_all(folder.join("run/samples")).unwrap();
    // The newest checkpoint but one is of step 4.
    let newest = folder.join("run/checkpoints/step-00000006.safetensors");
    fs::remove_file(newest).unwrap();
    succeed(folder, "train --resume run");
    assert_eq!(pictures(folder, "run"), ["000006.png"]);
    assert!(picture(folder, "run", "000006.png") == last);
}

#[test]
fn the_batch_has_a_picture_where_the_configuration_asks_for_it() {
    let folder = folder();
    let folder = folder.path();
    for (file, run, expected) in [
        ("batch_grid = false", "without", false),
        ("batch_grid = true", "with", true),
    ] {
        fs::write(folder.join("c.toml"), format!("[output]\n{file}\n")).unwrap();
        succeed(
            folder,
            &format!("{TRAIN} --config c.toml --steps 1 --out {run}"),
        );
        let found = pictures(folder, run).contains(&"000000-batch.png".to_string());
        assert_eq!(found, expected);
    }
    let recipes = text(&gan_cli(folder, &["recipes"]).stdout);
    assert!(recipes.contains("tutorial"), "{recipes}");
    for entry in fs::read_dir(root().join("crates/gan-run/recipes")).unwrap() {
        let path = entry.unwrap().path();
        let recipe = fs::read_to_string(&path).unwrap();
        if recipe.contains("kind = \"text\"") {
            continue;
        }
        let tutorial = path.file_stem().unwrap() == "tutorial";
        assert_eq!(recipe.contains("batch_grid = false"), !tutorial, "{path:?}");
    }
    succeed(folder, &format!("{RING} --steps 1 --out ring"));
    assert_eq!(pictures(folder, "ring"), ["000000.png", "000001.png"]);
}

#[test]
fn a_run_begins_with_what_matters_in_five_lines() {
    let folder = folder();
    let folder = folder.path();
    let printed = succeed(folder, &format!("{TRAIN} --steps 6 --out run"));
    let lines = start_up(&printed);
    assert_eq!(lines.len(), 5, "{printed}");
    for (line, parts) in lines.iter().zip([
        &["small: 128 images [1, 28, 28]", "test split", "10 classes"][..],
        &["mlp", "1,510,032", "non-saturating loss"],
        &["6 steps (train.steps)", "4 steps of 32 images"],
        &["Seed 0", "0.0002", "constant"],
        &[
            "run:",
            "pictures every 2,000 steps",
            "checkpoints every minute",
        ],
    ]) {
        for part in parts {
            assert!(line.contains(part), "`{part}` is not in: {line}");
        }
    }
    let printed = succeed(folder, &format!("{TRAIN} --epochs 2 --out epochs"));
    assert!(
        printed.contains("\n8 steps: 2 epochs of 4 steps of 32 images\n"),
        "{printed}"
    );
    let printed = succeed(folder, &format!("{RING} --steps 1 --out ring"));
    assert!(start_up(&printed).len() <= 5, "{printed}");
    // The whole configuration is for who asks.
    for line in [
        format!("{TRAIN} --steps 1 --out verbose -v"),
        format!("{TRAIN} --steps 5000 --dry-run"),
    ] {
        let printed = succeed(folder, &line);
        assert!(
            printed.contains("[train]") && printed.contains("batch_grid = true"),
            "{printed}"
        );
    }
}

#[test]
fn lines_of_a_run_fit_80_columns() {
    let folder = folder();
    let folder = folder.path();
    for line in [
        format!("{TRAIN} --steps 12 --out run"),
        format!(
            "{TRAIN} --steps 12 --evaluate-every 12 --classes auto --recipe fast --width 4 --out fast"
        ),
        format!("{RING} --steps 20 --out ring"),
        format!("{TRAIN} --steps 3 --recipe paper-2014 --out paper"),
    ] {
        let printed = succeed(folder, &line);
        assert_narrow(&printed);
        assert_eq!(printed.matches("G loss   D(x)").count(), 1, "{printed}");
        let end = printed
            .lines()
            .skip_while(|line| !line.contains("images/s; in "));
        assert!(end.count() <= 10, "{printed}");
    }
    let again = succeed(folder, "train --resume run --steps 16");
    assert_narrow(&again);
    assert_eq!(again.matches("G loss   D(x)").count(), 1, "{again}");
}

#[test]
fn a_run_ends_with_its_pictures_and_commands_that_work() {
    let folder = folder();
    let folder = folder.path();
    for (train, commands) in [
        (format!("{RING} --steps 20 --out run1"), 1),
        (format!("{TRAIN} --steps 4 --out run2"), 2),
    ] {
        let printed = succeed(folder, &train);
        let lines: Vec<&str> = printed.lines().collect();
        let begin = lines
            .iter()
            .position(|line| line.contains("; in run"))
            .unwrap();
        let end = &lines[begin..];
        assert!(end.len() <= 10, "{printed}");
        let steps = if commands == 1 { 20 } else { 4 };
        assert!(
            end[1].starts_with(&format!("  samples/{steps:06}.png")),
            "{printed}"
        );
        assert!(!printed.contains("digit"), "{printed}");
        // How the program is called differs under `cargo test`.
        let next = end.iter().filter_map(|line| line.strip_prefix("Next: "));
        let advised = next.map(|line| line.split_once("gan-cli ").unwrap().1);
        let advised: Vec<&str> = advised.map(|line| line.trim_start_matches("-- ")).collect();
        assert_eq!(advised.len(), commands, "{printed}");
        for command in advised {
            let output = run(folder, command);
            assert!(
                output.status.success(),
                "{command}: {}",
                text(&output.stderr)
            );
        }
    }
}

#[test]
fn progress_moves_no_cursor_where_there_is_no_terminal() {
    let folder = folder();
    let folder = folder.path();
    for line in [
        &format!("{RING} --steps 20 --out run"),
        "sample run --count 10 --format npy --out few.npy",
    ] {
        let output = run(folder, line);
        let printed = [output.stdout, output.stderr].concat();
        let moves = printed.iter().any(|byte| matches!(byte, 0x1b | b'\r'));
        assert!(output.status.success() && !moves, "{}", text(&printed));
    }
}
