//! Scoring from end to end, over the built binary and a small part of MNIST.

use crate::support::evaluation::{json, refuse, small_mnist, value, write_npy};
use crate::support::program::{root, run, succeed, text, with_threads};
use gan_data::{Parts, ReadOptions};
use serde_json::Value;
use std::fs;

#[test]
fn a_run_is_scored_with_controls_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 2400, 1000);
    succeed(folder, "train-classifier --data small --epochs 2");
    succeed(
        folder,
        "train --data small --batch-size 64 --steps 40 --out a",
    );
    let table = succeed(folder, "evaluate a --count 400");
    for part in [
        "FID",
        "recall",
        "classes covered",
        "Parzen",
        "225 ± 2",
        "noise",
        "D(generated)",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }

    let first = fs::read(folder.join("a/evaluation.json")).unwrap();
    let evaluation = json(&folder.join("a/evaluation.json"));
    assert_eq!(evaluation["features"]["kind"], "classifier");
    assert_eq!(evaluation["features"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&evaluation["count"], &evaluation["seeds"]),
        (&400.into(), &serde_json::json!([0]))
    );
    let controls = evaluation["controls"].as_array().unwrap();
    let kinds: Vec<&str> = controls
        .iter()
        .map(|control| control["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "training-images",
            "noise",
            "repeated-image",
            "blurred-images"
        ]
    );
    // A generator of 40 steps is far from the data; training images are not, but are copies.
    let floor = value(&controls[0], "frechet-distance");
    assert!(value(&evaluation, "frechet-distance") > 10.0 * floor);
    assert_eq!(value(&controls[0], "pixel-distance-ratio"), 0.0);
    assert!(value(&evaluation, "pixel-distance-ratio") > 1.0);

    let report = fs::read_to_string(folder.join("a/report.html")).unwrap();
    assert!(
        report.contains("data:image/png;base64,") && report.contains("Nearest training images")
    );
    for outside in ["http:", "https:", "<script", "<link"] {
        assert!(!report.contains(outside), "{outside}");
    }

    // From the cache, the same bytes; from a file of the same images, the same scores.
    succeed(folder, "evaluate a --count 400");
    assert!(first == fs::read(folder.join("a/evaluation.json")).unwrap());
    succeed(folder, "sample a --count 400 --format npy --out x.npy");
    succeed(
        folder,
        "evaluate x.npy --data small --metrics fid,precision-recall,modes",
    );
    let of_file = json(&folder.join("x.npy.evaluation.json"));
    for kind in ["frechet-distance", "precision", "recall", "class-entropy"] {
        assert_eq!(value(&of_file, kind), value(&evaluation, kind), "{kind}");
    }

    // Pictures hold the same bytes.
    succeed(folder, "sample a --count 400 --out pictures");
    succeed(
        folder,
        "evaluate pictures --data small --metrics fid,parzen",
    );
    let of_pictures = json(&folder.join("pictures.evaluation.json"));
    for kind in ["frechet-distance", "parzen-log-likelihood"] {
        assert_eq!(
            value(&of_pictures, kind),
            value(&evaluation, kind),
            "{kind}"
        );
    }

    let table = succeed(folder, "compare a x.npy.evaluation.json");
    assert!(table.contains("FID") && table.contains("x.npy"), "{table}");
    succeed(folder, "evaluate a --count 300 --metrics fid --out fewer");
    refuse(
        folder,
        "compare a fewer/evaluation.json",
        &["number of images", "400", "300"],
    );
    succeed(
        folder,
        "train-classifier --data small --epochs 1 --out other.safetensors",
    );
    succeed(
        folder,
        "evaluate a --count 400 --metrics fid --features other.safetensors --out other",
    );
    refuse(
        folder,
        "compare a other/evaluation.json",
        &["feature network's SHA-256"],
    );

    succeed(
        folder,
        "evaluate a --count 200 --metrics fid --seeds 3 --out seeds",
    );
    let seeds = json(&folder.join("seeds/evaluation.json"));
    let values: Vec<f64> = seeds["scores_by_seed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scores| scores[0]["value"].as_f64().unwrap())
        .collect();
    let mean = values.iter().sum::<f64>() / 3.0;
    assert_eq!(values.len(), 3);
    assert!(values[0] != values[1] && (value(&seeds, "frechet-distance") - mean).abs() < 1e-9);
}

#[test]
fn scores_while_training_leave_the_training_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 256, 128);
    let train = "train --data small --batch-size 64 --steps 12 --out";
    succeed(folder, &format!("{train} plain"));
    let log = succeed(folder, &format!("{train} scored --evaluate-every 5"));
    assert!(
        log.contains("the best so far") && log.contains("FID"),
        "{log}"
    );
    for file in ["generator.safetensors", "samples/000012.png"] {
        let read = |run: &str| fs::read(folder.join(run).join(file)).unwrap();
        assert!(read("plain") == read("scored"), "{file} differs");
    }
    let lines = fs::read_to_string(folder.join("scored/scores.jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps: Vec<u64> = lines
        .iter()
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [4, 9, 11]);
    let fid = |line: &Value| line["scores"]["frechet-distance"].as_f64().unwrap();
    let mut lowest = f64::INFINITY;
    for line in &lines {
        assert_eq!(line["best"], fid(line) < lowest);
        lowest = lowest.min(fid(line));
    }
    let best = lines
        .iter()
        .rev()
        .find(|line| line["best"] == true)
        .unwrap();
    let inspected = succeed(
        folder,
        "inspect scored/checkpoints/best-generator.safetensors",
    );
    let done = best["step"].as_u64().unwrap() + 1;
    assert!(inspected.contains(&format!("step {done}")), "{inspected}");
    assert!(folder.join("scored/checkpoints/best.safetensors").exists());
}

#[test]
fn networks_and_scores_are_the_same_bytes_on_one_and_two_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 300, 150);
    let wave: Vec<f32> = (0..150 * 784).map(|i| (i as f32 * 0.1).sin()).collect();
    write_npy(&folder.join("x.npy"), &[150, 1, 28, 28], &wave);
    let run = |arguments: &str, threads: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = with_threads(folder, &arguments, threads);
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    for (threads, name) in [("1", "one"), ("2", "two")] {
        let out = format!("{name}.safetensors");
        run(
            &format!("train-classifier --data small --epochs 2 --out {out}"),
            threads,
        );
        // Nothing from the other's cache.
        fs::remove_dir_all(folder.join("cache")).ok();
        run(
            &format!("evaluate x.npy --data small --features one.safetensors --out {name}"),
            threads,
        );
    }
    let same =
        |a: &str, b: &str| fs::read(folder.join(a)).unwrap() == fs::read(folder.join(b)).unwrap();
    assert!(same("one.safetensors", "two.safetensors"));
    assert!(same("one/evaluation.json", "two/evaluation.json"));
}

#[test]
fn stacked_digits_are_counted_by_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mnist = root().join("data/mnist");
    let data = gan_data::open(&mnist, &ReadOptions::default(), Parts::All).unwrap();
    let data = data.held_out.unwrap();
    // Digits 7, 2 and 1 in every image: one of the 1,000 modes.
    let digits = data.images().iter().take(3).flatten();
    let pixels: Vec<f32> = digits.map(|b| f32::from(*b) / 127.5 - 1.0).collect();
    write_npy(&folder.join("s.npy"), &[50, 3, 28, 28], &pixels.repeat(50));
    let data = root().join("data/mnist");
    let command = format!("evaluate s.npy --stacked --data {}", data.display());
    let table = succeed(folder, &command);
    assert!(
        table.contains("modes - 1) / (2 images) = 9.9900"),
        "{table}"
    );
    let found = json(&folder.join("s.npy.evaluation.json"));
    assert_eq!(value(&found, "stacked-modes"), 1.0);
    // KL of one mode against 1,000 equal ones: ln 1000.
    assert!((value(&found, "stacked-kl") - 1000_f64.ln()).abs() < 1e-9);
    let stacks = value(&found["controls"][0], "stacked-modes");
    assert!((40.0..=50.0).contains(&stacks), "{stacks}");
}

#[test]
fn the_doctor_names_what_ails_a_run_and_leaves_a_healthy_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 256, 128);
    let train = "train --data small --batch-size 64 --log-every 1 --steps 12";
    let log = succeed(folder, &format!("{train} --out healthy"));
    assert!(!log.contains("To try"), "{log}");
    let verdict = succeed(folder, "doctor healthy");
    assert!(
        verdict.contains("Nothing alarming in 12 records, steps 0 to 11"),
        "{verdict}"
    );

    let output = run(folder, &format!("{train} --out diverged --lr 1e30"));
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for part in [
        "diverged: there was no checkpoint yet",
        "smaller learning rate",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!folder.join("diverged/generator.safetensors").exists());
    let verdict = succeed(folder, "doctor diverged");
    assert!(
        verdict.contains("NotFinite") && verdict.contains("To try: "),
        "{verdict}"
    );

    // What an evaluation found of the classes is looked at too.
    let shares = r#"{"step": 11, "class_shares": [1.0, 0.0], "data_class_shares": [0.5, 0.5]}"#;
    fs::write(
        folder.join("healthy/scores.jsonl"),
        format!("{shares}\n{{\"cut sho"),
    )
    .unwrap();
    let verdict = succeed(folder, "doctor healthy");
    assert!(
        verdict.contains("LostClasses: after step 11, 1 of 2 classes"),
        "{verdict}"
    );

    fs::write(folder.join("healthy/metrics.jsonl"), "{}\n{\n").unwrap();
    refuse(
        folder,
        "doctor healthy",
        &["metrics.jsonl", "line 1", "expected a JSON object"],
    );
    refuse(
        folder,
        "doctor small",
        &["metrics.jsonl", "is this a run folder?"],
    );
}
