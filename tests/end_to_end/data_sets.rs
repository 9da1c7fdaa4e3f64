//! Everyone's data: what is held out, which classes there are, what scores are taken against.

use crate::support::evaluation::{json, refuse, small_mnist, value, write_npy};
use crate::support::program::{root, succeed};
use gan_core::{Purpose, Seed};
use gan_data::{DataSplits, Parts, ReadOptions};
use image::GrayImage;
use rand::RngCore;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

static MNIST: LazyLock<DataSplits> = LazyLock::new(|| {
    let folder = root().join("data/mnist");
    gan_data::open(&folder, &ReadOptions::default(), Parts::All).unwrap()
});

/// Numbers of the training digits of a class.
fn digits(class: u32) -> impl Iterator<Item = usize> {
    let labels = MNIST.training.labels().unwrap();
    (0..labels.len()).filter(move |i| labels[*i] == class)
}

fn write_digit(path: &Path, number: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = MNIST.training.image(number).unwrap().to_vec();
    GrayImage::from_raw(28, 28, pixels)
        .unwrap()
        .save(path)
        .unwrap();
}

/// `count` pictures of 8 by 8 bytes, each at least `darkest`.
fn write_noise(folder: &Path, count: usize, darkest: u8) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let mut pixels = vec![0; 64];
        let seed = Seed(u64::from(darkest));
        seed.rng(Purpose::NoiseImages, number as u64)
            .fill_bytes(&mut pixels);
        pixels
            .iter_mut()
            .for_each(|byte| *byte = darkest + *byte / 4);
        let picture = GrayImage::from_raw(8, 8, pixels).unwrap();
        picture
            .save(folder.join(format!("{number:04}.png")))
            .unwrap();
    }
}

/// A folder of classes is read class after class: a part that were cut from its front would be one class.
#[test]
fn scores_do_not_depend_on_the_order_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for class in [1, 4, 8] {
        for (k, number) in digits(class).take(200).enumerate() {
            write_digit(&folder.join(format!("sorted/{class}/{k:03}.png")), number);
            write_digit(&folder.join(format!("mixed/{k:03}-{class}.png")), number);
            write_digit(&folder.join(format!("subject/{k:03}-{class}.png")), number);
        }
    }
    let score = |data: &str, kind: &str| {
        let command = format!("evaluate subject --data {data} --count 150 --out {data}-scores");
        succeed(folder, &format!("{command} --metrics fid,precision-recall"));
        value(
            &json(&folder.join(format!("{data}-scores/evaluation.json"))),
            kind,
        )
    };
    let (sorted, mixed) = (score("sorted", "precision"), score("mixed", "precision"));
    // About 0.7 was measured; against 600 images of one class alone 0.26, about a third.
    assert!(sorted > 0.5 && mixed > 0.5, "{sorted} {mixed}");
}

#[test]
fn a_small_held_out_part_is_the_control_of_distances_and_the_measure_of_copying() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_noise(&folder.join("d"), 200, 0);
    let log = succeed(
        folder,
        "train --data d --steps 10 --batch-size 20 --out run",
    );
    assert!(log.contains("held out by content"), "{log}");
    let config = fs::read_to_string(folder.join("run/config.toml")).unwrap();
    assert!(config.contains("held_out = 0.1"), "{config}");
    let table = succeed(folder, "evaluate run --count 100");
    assert!(
        table.contains("FID, random features, against training images"),
        "{table}"
    );
    let found = json(&folder.join("run/evaluation.json"));
    let held_out = found["data"]["held_out_images"].as_u64().unwrap();
    let training = found["data"]["training_images"].as_u64().unwrap();
    assert_eq!(held_out + training, 200);
    // 200 draws at a tenth: 20, within five deviations of √(200 · 0.1 · 0.9) = 4.2.
    assert!((2..=41).contains(&held_out), "{held_out}");
    let kinds: Vec<&str> = found["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|control| control["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "training-images",
            "held-out-images",
            "noise",
            "repeated-image",
            "blurred-images"
        ]
    );
    // Training images are not compared with themselves, but are copies of themselves.
    let training = &found["controls"][0];
    let scores = training["scores"].as_array().unwrap();
    assert!(
        scores
            .iter()
            .all(|score| score["kind"] != "kernel-distance")
    );
    assert_eq!(value(training, "pixel-distance-ratio"), 0.0);
    assert!(value(&found["controls"][1], "kernel-distance").abs() < 1.0);
    let gap = value(&found, "d-training") - value(&found, "d-held-out");
    assert!(gap != 0.0);

    // One held-out picture less is another data set as well.
    let options = ReadOptions::default();
    let splits = gan_data::open(&folder.join("d"), &options, Parts::All).unwrap();
    let held = splits.held_out.unwrap();
    let first = held.image(0).unwrap();
    let is_first = |path: &Path| image::open(path).unwrap().into_luma8().into_raw() == first;
    let mut paths = fs::read_dir(folder.join("d"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let path = paths.find(|path| is_first(path)).unwrap();
    let away = folder.join("away.png");
    fs::rename(&path, &away).unwrap();
    refuse(folder, "evaluate run", &["were held out", "--data"]);
    fs::rename(&away, &path).unwrap();

    // The same side for another seed; another share is another data set.
    succeed(
        folder,
        "train --data d --seed 9 --steps 2 --batch-size 20 --out other",
    );
    let sha = |run: &str| {
        let inspected = succeed(folder, &format!("inspect {run}"));
        let line = inspected.lines().find(|line| line.contains("SHA-256"));
        line.unwrap().to_string()
    };
    assert_eq!(sha("run"), sha("other"));
    refuse(
        folder,
        "evaluate run --held-out 0.3",
        &["was trained on images with SHA-256", "--data"],
    );
}

#[test]
fn a_data_set_with_a_test_split_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 60, 30);
    let log = succeed(
        folder,
        "train --data small --steps 1 --batch-size 30 --dry-run",
    );
    assert!(
        log.contains("90 images") || log.contains("60 images"),
        "{log}"
    );
    assert!(log.contains("held out by the publisher"), "{log}");
    let log = succeed(
        folder,
        "train --data small --held-out 0.2 --steps 1 --batch-size 30 --dry-run",
    );
    assert!(log.contains(" to choose by"), "{log}");
}

#[test]
fn images_kept_apart_choose_the_best_checkpoint_and_the_windows_width() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 200, 30);
    let train = "train --data small --steps 6 --batch-size 20 --evaluate-every 2 --best-by parzen";
    refuse(
        folder,
        &format!("{train} --out run"),
        &["--best-by", "is parzen", "--held-out"],
    );
    refuse(
        folder,
        "train --data small --batch-size 20 --best-by parzen --held-out 0.4 --dry-run",
        &["--best-by", "--evaluate-every"],
    );
    // What belongs to the recipe's optimizer and schedule goes with them.
    let other = "train --data small --recipe paper-2014 --batch-size 20 --optimizer adam --lr-schedule constant";
    let printed = succeed(folder, &format!("{other} --dry-run"));
    assert!(
        !printed.contains("momentum") && !printed.contains("lr_decay"),
        "{printed}"
    );
    succeed(folder, &format!("{train} --held-out 0.4 --out run"));
    let scores = fs::read_to_string(folder.join("run/scores.jsonl")).unwrap();
    let mut highest = f64::NEG_INFINITY;
    for line in scores.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let nats = line["scores"]["parzen-log-likelihood"].as_f64().unwrap();
        assert_eq!(line["best"].as_bool(), Some(nats > highest), "{scores}");
        highest = highest.max(nats);
    }
    assert_eq!(scores.lines().count(), 3);
    succeed(folder, "evaluate run --metrics parzen");
    let evaluation = json(&folder.join("run/evaluation.json"));
    let apart = evaluation["data"]["validation_images"].as_u64().unwrap();
    assert!((40..120).contains(&apart), "{apart}");
}

#[test]
fn a_set_of_the_hub_that_cannot_be_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    refuse(
        folder,
        "train --data hub:foo",
        &["hub:foo", "hub:mnist, hub:fashion-mnist, hub:cifar10"],
    );
    if cfg!(not(feature = "hub")) {
        let without = "hub:mnist: this program was built without the feature `hub`";
        for command in ["train", "train-classifier"] {
            refuse(folder, &format!("{command} --data hub:mnist"), &[without]);
        }
    }
    assert!(!folder.join("runs").exists() && !folder.join("data").exists());
}

#[test]
fn classes_have_names_and_their_shares() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (class, name, count) in [(0, "1", 90), (1, "2", 60), (2, "10", 30), (3, "walnut", 20)] {
        for (k, number) in digits(class).take(count).enumerate() {
            write_digit(&folder.join(format!("d/{name}/{k:03}.png")), number);
        }
    }
    let train = "train --data d --architecture dcgan --width 4 --latent-dim 8 --batch-size 20";
    let log = succeed(
        folder,
        &format!("{train} --classes auto --steps 2 --out run"),
    );
    assert!(
        log.contains("Classes: 0 1 90, 1 2 60, 2 10 30, 3 walnut 20"),
        "{log}"
    );
    let inspected = succeed(folder, "inspect run/generator.safetensors");
    assert!(inspected.contains("class 3 walnut ("), "{inspected}");
    let drawn = succeed(folder, "sample run --class walnut --out a.png");
    assert!(drawn.contains("class 3 walnut"), "{drawn}");
    succeed(folder, "sample run --class 3 --out b.png");
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert!(read("a.png") == read("b.png"));
    // A name goes before a number.
    let drawn = succeed(folder, "sample run --class 10 --out c.png");
    assert!(drawn.contains("class 2 10 ("), "{drawn}");
    refuse(
        folder,
        "sample run --class pecan --out d.png",
        &["pecan", "walnut"],
    );
    let rows = succeed(folder, "sample run --out rows.png");
    assert!(rows.contains("row 4: class 3 walnut"), "{rows}");

    succeed(folder, "evaluate run --count 200 --metrics kid --out e");
    let found = json(&folder.join("e/evaluation.json"));
    let share = |class: usize| found["conditions"][class][1].as_f64().unwrap();
    // Within four images of 200 of the data's shares, of which a tenth is held out.
    assert!(
        (share(0) - 0.45).abs() < 0.06 && (share(3) - 0.1).abs() < 0.05,
        "{found}"
    );
    let page = fs::read_to_string(folder.join("e/report.html")).unwrap();
    assert!(page.contains("<td>walnut</td>"));
}

#[test]
fn labels_of_an_idx_set_may_have_names_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 120, 30);
    // As EMNIST's letters, whose labels begin with 1.
    let path = folder.join("small/train-labels-idx1-ubyte");
    let mut labels = fs::read(&path).unwrap();
    labels[8..]
        .iter_mut()
        .for_each(|label| *label = 1 + *label % 2);
    fs::write(&path, labels).unwrap();
    let path = folder.join("small/t10k-labels-idx1-ubyte");
    let mut labels = fs::read(&path).unwrap();
    labels[8..]
        .iter_mut()
        .for_each(|label| *label = 1 + *label % 2);
    fs::write(&path, labels).unwrap();
    fs::write(folder.join("small/classes.txt"), "none\neven\nodd\n").unwrap();
    let train = "train --data small --classes auto --steps 2 --batch-size 20 --out run";
    let log = succeed(folder, train);
    assert!(log.contains("0 none 0, 1 even"), "{log}");
    let rows = succeed(folder, "sample run --out rows.png");
    assert!(
        !rows.contains("none") && rows.contains("row 2: class 2 odd"),
        "{rows}"
    );
    succeed(folder, "train-classifier --data small --epochs 1");
    let table = succeed(folder, "evaluate run --count 100 --metrics modes");
    assert!(table.contains("none 0.0 (0.0)"), "{table}");
}

#[test]
fn a_run_finds_its_data_from_elsewhere_or_says_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = folder.join("home");
    write_noise(&home.join("data/d"), 30, 0);
    succeed(
        &home,
        "train --data data/d --steps 2 --batch-size 9 --out runs/a",
    );
    let evaluate = "--count 30 --metrics kid --out e";
    succeed(folder, &format!("evaluate home/runs/a {evaluate}"));
    fs::rename(home.join("runs/a"), folder.join("moved")).unwrap();
    refuse(folder, "evaluate moved", &["data/d", "--data"]);
    refuse(folder, "train --resume moved", &["data/d", "--data"]);
    succeed(
        folder,
        &format!("evaluate moved --data home/data/d {evaluate}"),
    );
    // One picture more is another data set.
    write_noise(&home.join("more"), 31, 0);
    fs::copy(home.join("more/0030.png"), home.join("data/d/z.png")).unwrap();
    fs::rename(folder.join("moved"), home.join("runs/a")).unwrap();
    refuse(
        folder,
        "evaluate home/runs/a",
        &["was trained on images with SHA-256", "--data"],
    );
    let table = succeed(
        folder,
        &format!("evaluate home/runs/a --data home/data/d {evaluate}"),
    );
    assert!(table.contains("scores are against other data"), "{table}");
}

#[test]
fn what_can_be_scored_of_few_or_bright_pictures_is_scored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_noise(&folder.join("d"), 50, 0);
    write_noise(&folder.join("bright"), 20, 190);
    let table = succeed(folder, "evaluate bright --data d");
    for part in [
        "KID, random features",
        "precision (k = 3), random features",
        "No FID: it needs at least 65 generated images, found 20.",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    for wrong in ["NaN", "± 0 ", "subsets of 1,000"] {
        assert!(!table.contains(wrong), "{wrong}: {table}");
    }
    // Numbers have no scale of their own; what looks like another is refused.
    let unit: Vec<f32> = (0..20 * 64).map(|i| (i % 64) as f32 / 64.0).collect();
    write_npy(&folder.join("unit.npy"), &[20, 1, 8, 8], &unit);
    refuse(
        folder,
        "evaluate unit.npy --data d",
        &["0.00 % of the values are below 0", "2 x - 1"],
    );
    // Both sides are resized, but data whose size lies in their files.
    succeed(
        folder,
        "evaluate bright --data d --image-size 6 --metrics kid",
    );
    small_mnist(folder, 60, 30);
    let digits = "evaluate bright --data small --metrics kid";
    succeed(folder, &format!("{digits} --image-size 28"));
    refuse(
        folder,
        &format!("{digits} --image-size 8"),
        &["--image-size", "28 by 28"],
    );
}

#[test]
fn features_that_learnt_nothing_are_called_so_in_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_noise(&folder.join("d"), 60, 0);
    let train = "train --data d --steps 4 --batch-size 18 --evaluate-every 2 --out run";
    let log = succeed(folder, train);
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("KID ")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines.iter().all(|line| line.contains("in random features")),
        "{log}"
    );
    let scores = fs::read_to_string(folder.join("run/scores.jsonl")).unwrap();
    for line in scores.lines() {
        assert!(line.contains(r#""features":"random""#), "{line}");
        assert!(line.contains(r#""against":"training""#), "{line}");
    }
    assert!(folder.join("run/checkpoints/best.safetensors").exists());
}
