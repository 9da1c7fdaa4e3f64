//! Runs of text: the same bytes however often they are stopped or killed, in every phase.

#![allow(clippy::unwrap_used, reason = "a test")]

use gan_run::{
    Configuration, Ended, Event, NewRun, SavedTextRun, StopToken, TextPlan, TextRunConfig,
    TextSample, TextSession,
};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// 40 texts of four letters, twelve training steps, and two adversarial steps with rounds before each.
fn config(folder: &Path) -> TextRunConfig {
    let data = folder.join("lines.txt");
    let line = |k: u32| {
        let letters = (0..4).map(|place| char::from(b'a' + ((k >> (2 * place)) % 4) as u8));
        letters.collect::<String>()
    };
    let lines: Vec<String> = (0..40).map(|k| line(k * 7)).collect();
    fs::write(&data, lines.join("\n")).unwrap();
    let text = r#"
        [model]
        embedding = 4
        hidden = 8
        [train]
        seed = 3
        epochs = 3
        batch_size = 10
        [adversary]
        method = "seqgan"
        steps = 2
        rollouts = 2
        discriminator_rounds = 2
        discriminator_epochs = 1
        embedding = 4
        widths = [1, 2]
        filters = [4, 4]
        [output]
        sample_every = 4
        log_every = 5
        evaluate_every = 3
        checkpoint_every = 3
    "#;
    let mut config = TextRunConfig::parse(text, Path::new("here")).unwrap();
    config.data.path = data;
    config.data.reading.tokens = gan_text::Tokens::Character;
    config
}

fn create(config: &TextRunConfig, out: PathBuf) -> TextSession {
    let plan = TextPlan::new(config.clone(), None, &mut |_: Event<'_>| {}).unwrap();
    TextSession::create(plan, &NewRun::Given(out), false).unwrap()
}

fn resume(run: &Path, change: impl FnOnce(&mut TextRunConfig)) -> Ended {
    let mut nobody = |_: Event<'_>| {};
    let saved = SavedTextRun::open(run).unwrap();
    let mut config = saved.config.clone();
    change(&mut config);
    let plan = TextPlan::new(config, saved.tokenizer(), &mut nobody).unwrap();
    let session = TextSession::resume(saved.agreed(plan, false).unwrap()).unwrap();
    session.train(&StopToken::default(), &mut nobody).unwrap()
}

/// Every file but those that a clock writes.
fn files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for folder in ["", "samples", "checkpoints"] {
        for entry in fs::read_dir(run.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().display().to_string();
            if path.is_file() && !["timing.jsonl", ".lock"].contains(&name.as_str()) {
                all.insert(name, fs::read(path).unwrap());
            }
        }
    }
    all
}

fn same(found: &Path, expected: &Path, what: &str) {
    let (found, expected) = (files(found), files(expected));
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{what}"
    );
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{what}: {name} differs");
    }
}

fn copy(from: &Path, to: &Path) {
    for folder in ["", "samples", "checkpoints"] {
        fs::create_dir_all(to.join(folder)).unwrap();
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(from).unwrap();
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
}

#[test]
fn a_run_that_was_stopped_or_killed_in_any_phase_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let config = config(folder.path());
    let whole = path("whole");
    // What is there whenever something was told is what a kill would leave.
    let told = Cell::new(0);
    let mut kill = |event: Event<'_>| {
        let is_written = matches!(
            event,
            Event::TextLogged { .. }
                | Event::TextScored(_)
                | Event::Text { .. }
                | Event::Checkpoint { .. }
        );
        if is_written {
            copy(&whole, &path(&format!("killed-{:03}", told.get())));
            told.set(told.get() + 1);
        }
    };
    let session = create(&config, whole.clone());
    let ended = session.train(&StopToken::default(), &mut kill).unwrap();
    assert!(matches!(ended, Ended::Complete(_)), "{ended:?}");
    let names = files(&whole);
    for name in [
        "pretrained.safetensors",
        "generator.safetensors",
        "tokens.json",
        "vocab.txt",
        "samples/000000.txt",
        "samples/000012.txt",
        "samples/000014.txt",
        "checkpoints/best.safetensors",
    ] {
        assert!(names.contains_key(name), "{name} of {:?}", names.keys());
    }
    for number in 0..told.get() {
        let killed = path(&format!("killed-{number:03}"));
        resume(&killed, |_| {});
        same(&killed, &whole, &format!("killed after {number} files"));
    }
    for stop_after in 1..19 {
        let stopped = path(&format!("stopped-{stop_after}"));
        let stop = StopToken::default();
        let parts = Cell::new(0);
        let mut listen = |event: Event<'_>| {
            // Every step is told, and every round has a line.
            let is_round = matches!(
                event,
                Event::TextLogged { line, .. } if line.figures.get("discriminator_loss").is_some()
            );
            if is_round || matches!(event, Event::Step { .. }) {
                parts.set(parts.get() + 1);
                if parts.get() == stop_after {
                    stop.stop();
                }
            }
        };
        create(&config, stopped.clone())
            .train(&stop, &mut listen)
            .unwrap();
        resume(&stopped, |_| {});
        same(
            &stopped,
            &whole,
            &format!("stopped after {stop_after} parts"),
        );
    }
}

#[test]
fn a_run_that_is_made_longer_is_the_longer_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let config = config(folder.path());
    let mut nobody = |_: Event<'_>| {};
    create(&config, path("whole"))
        .train(&StopToken::default(), &mut nobody)
        .unwrap();
    for steps in [4, 11, 13] {
        let mut shorter = config.clone();
        shorter.train.steps = Some(steps);
        let run = path(&format!("shorter-{steps}"));
        create(&shorter, run.clone())
            .train(&StopToken::default(), &mut nobody)
            .unwrap();
        resume(&run, |config| config.train.steps = None);
        same(&run, &path("whole"), &format!("{steps} steps before"));
    }
}

/// A kill after the first score and before the first checkpoint leaves a best checkpoint alone.
#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let config = config(folder.path());
    let mut nobody = |_: Event<'_>| {};
    let whole = create(&config, path("whole"));
    whole.train(&StopToken::default(), &mut nobody).unwrap();
    let killed = path("killed");
    copy(&path("whole"), &killed);
    fs::remove_file(killed.join("generator.safetensors")).unwrap();
    for entry in fs::read_dir(killed.join("checkpoints")).unwrap() {
        let checkpoint = entry.unwrap().path();
        let name = checkpoint.file_name().unwrap().to_string_lossy();
        if name.starts_with("part-") {
            fs::remove_file(&checkpoint).unwrap();
        }
    }
    assert!(killed.join("checkpoints/best.safetensors").exists());
    assert!(matches!(resume(&killed, |_| {}), Ended::Complete(_)));
    same(&killed, &path("whole"), "killed");
}

#[test]
fn other_data_and_other_keys_are_refused_when_a_run_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = config(folder.path());
    let mut nobody = |_: Event<'_>| {};
    create(&config, run.clone())
        .train(&StopToken::default(), &mut nobody)
        .unwrap();
    let refused = |change: &dyn Fn(&mut TextRunConfig)| {
        let saved = SavedTextRun::open(&run).unwrap();
        let mut config = saved.config.clone();
        change(&mut config);
        let plan = TextPlan::new(config, saved.tokenizer(), &mut |_: Event<'_>| {}).unwrap();
        saved.agreed(plan, false).err().unwrap().to_string()
    };
    let refused_all_the_same = |change: &dyn Fn(&mut TextRunConfig)| {
        let saved = SavedTextRun::open(&run).unwrap();
        let mut config = saved.config.clone();
        change(&mut config);
        let plan = TextPlan::new(config, saved.tokenizer(), &mut |_: Event<'_>| {}).unwrap();
        saved.agreed(plan, true).err().unwrap().to_string()
    };
    let byte = |config: &mut TextRunConfig| config.data.reading.tokens = gan_text::Tokens::Byte;
    assert!(refused_all_the_same(&byte).contains("the tokens of a run stay"));
    let lr = |config: &mut TextRunConfig| config.train.lr = 0.5;
    assert!(refused_all_the_same(&lr).contains("all steps are done"));
    assert!(refused(&|config| config.train.lr = 0.5).contains("train.lr is 0.5, was 0.01"));
    assert!(refused(&|config| config.train.epochs = 9).contains("train.epochs is 9"));
    let other = folder.path().join("other.txt");
    fs::write(&other, "abab\nbaba\nabba\n").unwrap();
    assert!(refused(&|config| config.data.path.clone_from(&other)).contains("SHA-256"));
    assert!(refused(&|config| config.train.steps = Some(2)).contains("14 steps are done"));
    fs::write(run.join("vocab.txt"), "x\ny\n").unwrap();
    assert!(SavedTextRun::open(&run).is_err());
}

#[test]
fn texts_depend_on_the_seed_and_their_number_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = config(folder.path());
    let mut nobody = |_: Event<'_>| {};
    create(&config, run.clone())
        .train(&StopToken::default(), &mut nobody)
        .unwrap();
    let sample = TextSample {
        count: 20,
        temperature: 1.0,
        length: None,
        prompt: None,
        format: None,
        seed: gan_run::PICTURE_SEED,
        out: None,
        replace: false,
    };
    let lines = |sample: &TextSample| {
        let mut lines = Vec::new();
        let drawn = sample.draw(&run, &mut |line: &str| {
            lines.push(line.to_string());
            Ok(())
        });
        drawn.map(|()| lines)
    };
    let all = lines(&sample).unwrap();
    let file = fs::read_to_string(run.join("samples/000014.txt")).unwrap();
    assert!(file.lines().eq(&all));
    let few = TextSample {
        count: 3,
        ..sample.clone()
    };
    assert_eq!(lines(&few).unwrap(), all[..3]);
    let prompt = TextSample {
        prompt: Some("ab".to_string()),
        length: Some(3),
        ..sample.clone()
    };
    let prompted = lines(&prompt).unwrap();
    assert!(
        prompted
            .iter()
            .all(|line| line.starts_with("ab") && line.len() <= 3)
    );
    for (wrong, part) in [
        (
            TextSample {
                count: 0,
                ..sample.clone()
            },
            "count",
        ),
        (
            TextSample {
                length: Some(usize::MAX),
                ..sample.clone()
            },
            "65536",
        ),
        (
            TextSample {
                temperature: 1e-39,
                ..sample.clone()
            },
            "temperature",
        ),
        (
            TextSample {
                out: Some("texts.png".into()),
                ..sample.clone()
            },
            "FILE.jsonl",
        ),
        (
            TextSample {
                out: Some("texts.jsonl".into()),
                format: Some(gan_run::TextFormat::Txt),
                ..sample.clone()
            },
            "FILE.jsonl",
        ),
        (
            TextSample {
                temperature: 0.0,
                ..sample.clone()
            },
            "temperature",
        ),
        (
            TextSample {
                temperature: f64::NAN,
                ..sample.clone()
            },
            "temperature",
        ),
        (
            TextSample {
                length: Some(0),
                ..sample.clone()
            },
            "length",
        ),
        (
            TextSample {
                length: Some(1),
                ..prompt.clone()
            },
            "2 tokens",
        ),
        (
            TextSample {
                prompt: Some("xyz".to_string()),
                ..sample.clone()
            },
            "does not know",
        ),
    ] {
        let error = lines(&wrong).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
