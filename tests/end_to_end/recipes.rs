//! Recipes from end to end: what they learn, and what the command line says of them.

use crate::support::program::{gan_cli, root, succeed, text};
use gan_data::Toy;
use gan_sample::read_npy;
use serde_json::Value;
use std::fs;

/// A loss of the wrong sign, or without its gradient, finds none.
#[test]
fn the_ring_is_fully_covered_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeed(folder, "train --recipe ring --out ring");
    succeed(
        folder,
        "sample ring --count 4000 --format npy --out points.npy",
    );
    let (shape, values) = read_npy(&folder.join("points.npy")).unwrap();
    assert_eq!(shape, Toy::SHAPE);
    let centres = Toy::Ring.centres();
    // Points within four deviations of a Gaussian are its own.
    let mut counts = vec![0; centres.len()];
    for point in values.chunks_exact(2) {
        let distance = |centre: &[f64; 2]| {
            let [dx, dy] = [0, 1].map(|k| f64::from(point[k]) - centre[k]);
            dx.hypot(dy)
        };
        let near = centres
            .iter()
            .position(|centre| distance(centre) < 4.0 * Toy::DEVIATION);
        if let Some(mode) = near {
            counts[mode] += 1;
        }
    }
    let share = |count: usize| count as f64 / 4000.0;
    let all: usize = counts.iter().sum();
    // About 0.9 was measured; a network that learnt nothing has 0.02.
    assert!(share(all) > 0.6, "{counts:?}");
    // Half of an even share.
    assert!(
        counts.iter().all(|count| share(*count) > 1.0 / 16.0),
        "{counts:?}"
    );

    let picture = image::open(folder.join("ring/samples/002000.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (400, 400));
    succeed(folder, "sample ring --out points.png");
    assert!(folder.join("points.png").exists());
    for arguments in [
        &["evaluate", "ring"][..],
        &["train-classifier", "--data", "ring"],
    ] {
        let output = gan_cli(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).contains("a data set of points"),
            "{}",
            text(&output.stderr)
        );
    }
}

/// 1,000 steps with fewer channels: an FID of about 15 was measured. Noise has 199, the networks as they
/// begin 143, one digit over and over 123.
#[test]
fn fast_learns_digits_of_every_class_in_few_steps() {
    let folder = tempfile::tempdir().unwrap();
    let data = root().join("data/mnist");
    let train = format!(
        "train --recipe fast --width 12 --steps 1000 --evaluate-every 1000 --out run --data {}",
        data.display()
    );
    succeed(folder.path(), &train);
    let scores = fs::read_to_string(folder.path().join("run/scores.jsonl")).unwrap();
    let line: Value = serde_json::from_str(scores.lines().last().unwrap()).unwrap();
    let score = |name: &str| line["scores"][name].as_f64().unwrap();
    assert!(score("frechet-distance") < 40.0, "{line}");
    assert_eq!(score("classes-covered"), 10.0, "{line}");

    // The classes of a class-conditional generator.
    succeed(folder.path(), "sample run --out classes.png");
    let grid = image::open(folder.path().join("classes.png")).unwrap();
    assert_eq!((grid.width(), grid.height()), (10 * 30 + 2, 10 * 30 + 2));
    succeed(folder.path(), "sample run --class 7 --out sevens.png");
    let sevens = image::open(folder.path().join("sevens.png")).unwrap();
    assert_eq!((sevens.width(), sevens.height()), (5 * 30 + 2, 5 * 30 + 2));
    // A recipe takes the number of classes from the data, and none from data without labels.
    let config = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(config.contains("classes = 10"), "{config}");
    let unlabelled = "train --recipe best --data swissroll --dry-run";
    let printed = succeed(folder.path(), unlabelled);
    assert!(printed.contains("not class-conditional"), "{printed}");
    assert!(!printed.contains("classes = "), "{printed}");
    for (arguments, part) in [
        ("sample run --class 10 --out x.png", "classes 0 to 9"),
        ("train --recipe fastest --out x", "expected one of tutorial"),
        (
            "train --discriminator-norm batch --out x",
            "--discriminator-norm is set",
        ),
        (
            &format!(
                "train --recipe dcgan --r1 1 --out x --data {}",
                data.display()
            ),
            "train.r1",
        ),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = gan_cli(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).contains(part),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn recipes_are_listed_and_a_file_extends_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let list = succeed(folder, "recipes");
    for name in [
        "tutorial",
        "best",
        "fast",
        "wgan-gp",
        "best-stacked",
        "ring",
    ] {
        assert!(
            list.lines().any(|line| line.starts_with(name)),
            "{name}: {list}"
        );
    }
    let printed = succeed(folder, "recipes best");
    assert!(printed.contains("relativistic-pairing"), "{printed}");
    fs::write(
        folder.join("mine.toml"),
        "recipe = 'ring'\n[train]\nsteps = 3\nr1 = 0.5\n",
    )
    .unwrap();
    succeed(
        folder,
        "train --config mine.toml --batch-size 32 --out mine",
    );
    let config = fs::read_to_string(folder.join("mine/config.toml")).unwrap();
    for part in [
        "recipe = \"ring\"",
        "steps = 3",
        "r1 = 0.5",
        "r2 = 0.02",
        "batch_size = 32",
        "latent_dim = 8",
    ] {
        assert!(config.contains(part), "{part}: {config}");
    }
    // What a run wrote begins another.
    succeed(folder, "train --config mine/config.toml --out again");
    let bytes = |run: &str| fs::read(folder.join(run).join("generator.safetensors")).unwrap();
    assert_eq!(bytes("mine"), bytes("again"));
}
