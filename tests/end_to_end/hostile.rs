//! Input that cannot be used: an error that says what is wrong, exit code 2, nothing written.

use crate::idx::idx;
use crate::support::program::{gan_cli, root, text};
use std::fs;
use std::path::Path;

/// Runs `gan-cli`, expects exit code 2 and every part in the message.
fn refused(folder: &Path, arguments: &[&str], parts: &[&str]) {
    let output = gan_cli(folder, arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(
        !folder.join("out").exists(),
        "{arguments:?} wrote a run folder"
    );
}

/// An IDX file of images of 2 × 2 pixels: the magic's last byte, their count, and how many bytes follow.
fn images(magic: u8, count: u32, pixels: usize) -> Vec<u8> {
    let mut bytes = idx(&[count, 2, 2], vec![7; pixels]);
    bytes[3] = magic;
    bytes
}

fn data(folder: &Path, images: &[u8]) {
    fs::create_dir_all(folder.join("d")).unwrap();
    fs::write(folder.join("d/train-images-idx3-ubyte"), images).unwrap();
}

const TRAIN: [&str; 5] = ["train", "--data", "d", "--out", "out"];

fn train_with(more: &[&'static str]) -> Vec<&'static str> {
    [&TRAIN[..], more].concat()
}

#[test]
fn damaged_data_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let name = "train-images-idx3-ubyte";
    for (images, part) in [
        (images(1, 4, 16), "0x00000801"),
        (images(3, u32::MAX, 16), "4294967295"),
        (images(3, 4, 15), name),
        (images(3, 4, 17), name),
    ] {
        data(folder, &images);
        refused(folder, &TRAIN, &[name, part]);
    }
    let real = fs::read(root().join("data/mnist/train-images-idx3-ubyte.gz")).unwrap();
    data(folder, &real[..real.len() / 2]);
    refused(folder, &TRAIN, &[name]);
    data(folder, &images(3, 200, 800));
    let labels = idx(&[3], [1, 2, 3]);
    fs::write(folder.join("d/train-labels-idx1-ubyte"), labels).unwrap();
    refused(folder, &TRAIN, &["200", "3"]);
}

#[test]
fn folders_without_usable_images_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    refused(folder, &TRAIN, &["d"]);
    fs::create_dir(folder.join("d")).unwrap();
    refused(folder, &TRAIN, &["d", "expected"]);
    image::GrayImage::new(4, 4)
        .save(folder.join("d/good.png"))
        .unwrap();
    fs::write(folder.join("d/broken.png"), b"no picture").unwrap();
    refused(folder, &TRAIN, &["broken.png"]);
}

#[test]
fn configurations_out_of_range_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    data(folder, &images(3, 129, 516));
    fs::write(folder.join("c.toml"), "[train]\nlearning_rate = 1\n").unwrap();
    for (more, parts) in [
        (
            &["--config", "c.toml"][..],
            &["c.toml", "learning_rate"][..],
        ),
        (&["--lr", "-0.1"], &["lr", "-0.1"]),
        (&["--batch-size", "1"], &["batch_size is 1"]),
        (&["--batch-size", "128"], &["last batch of 1"]),
        (&["--batch-size", "130"], &["130", "129"]),
        (
            &["--latent-dim", "0", "--batch-size", "10"],
            &["latent_dim is 0"],
        ),
        (&["--batch-size", "10", "--device", "gpu"], &["`gpu`"]),
    ] {
        refused(folder, &train_with(more), parts);
    }
    fs::write(folder.join("file"), "kept").unwrap();
    let arguments = [
        "train",
        "--data",
        "d",
        "--batch-size",
        "10",
        "--out",
        "file/run",
    ];
    refused(folder, &arguments, &["file/run", "cannot be written"]);
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "kept");
}

#[test]
fn runs_are_kept_and_weights_that_do_not_fit_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    data(folder, &images(3, 20, 80));
    for (out, latent_dim) in [("a", "8"), ("b", "9")] {
        let arguments = [
            "train",
            "--data",
            "d",
            "--batch-size",
            "10",
            "--steps",
            "2",
            "--latent-dim",
            latent_dim,
            "--out",
            out,
        ];
        let output = gan_cli(folder, &arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let file = |run: &str| folder.join(run).join("generator.safetensors");
    let bytes = fs::read(file("a")).unwrap();
    let again = [
        "train",
        "--data",
        "d",
        "--batch-size",
        "10",
        "--steps",
        "1",
        "--out",
        "a",
    ];
    refused(folder, &again, &["already holds a run", "--force"]);
    assert_eq!(fs::read(file("a")).unwrap(), bytes);

    fs::copy(file("b"), file("a")).unwrap();
    refused(
        folder,
        &["sample", "a", "--out", "out.png"],
        &["generator.safetensors", "another run"],
    );
    fs::write(file("a"), &bytes[..bytes.len() - 9]).unwrap();
    refused(
        folder,
        &["sample", "a", "--out", "out.png"],
        &["generator.safetensors", "safetensors"],
    );
}
