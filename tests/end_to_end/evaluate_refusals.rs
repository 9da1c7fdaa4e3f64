//! What cannot be scored is refused, with what is wrong and what to do.

use crate::support::evaluation::{json, refuse, small_mnist, write_npy};
use crate::support::program::succeed;
use std::fs;

#[test]
fn images_that_cannot_be_scored_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 200, 100);
    let wave = |count: usize| -> Vec<f32> { (0..count).map(|i| (i as f32 * 0.1).sin()).collect() };
    let check = |name: &str, parts: &[&str]| {
        refuse(folder, &format!("evaluate {name} --data small"), parts);
        assert!(!folder.join(format!("{name}.evaluation.json")).exists());
    };
    let path = |name: &str| folder.join(name);

    fs::create_dir(path("empty")).unwrap();
    check("empty", &["empty", "no images"]);
    check("nowhere", &["nowhere", "no such file or folder"]);
    fs::write(path("x.bin"), "text").unwrap();
    check("x.bin", &["x.bin", "npy"]);
    // A file of texts needs texts to compare with.
    fs::write(path("x.txt"), "text").unwrap();
    check("x.txt", &["none of them text", "--data"]);

    fs::create_dir(path("pictures")).unwrap();
    for name in ["a.png", "b.png"] {
        image::GrayImage::new(30, 28)
            .save(path("pictures").join(name))
            .unwrap();
    }
    check("pictures", &["[1, 28, 30]", "expected [1, 28, 28]"]);
    write_npy(&path("large.npy"), &[4, 1, 32, 32], &wave(4 * 1024));
    check("large.npy", &["[1, 32, 32]", "expected [1, 28, 28]"]);
    write_npy(&path("flat.npy"), &[4, 784], &wave(4 * 784));
    check("flat.npy", &["[4, 784]", "[n, c, h, w]"]);
    write_npy(&path("one.npy"), &[1, 1, 28, 28], &wave(784));
    check("one.npy", &["1 of them", "at least 2"]);
    write_npy(&path("few.npy"), &[20, 1, 28, 28], &wave(20 * 784));
    refuse(
        folder,
        "evaluate few.npy --data small --metrics fid",
        &["at least 65 generated images, found 20"],
    );
    assert!(!path("few.npy.evaluation.json").exists());
    let mut values = wave(100 * 784);
    values[5 * 784 + 3] = f32::NAN;
    write_npy(&path("nan.npy"), &[100, 1, 28, 28], &values);
    check("nan.npy", &["value 3 of row 5 is NaN"]);
    values[5 * 784 + 3] = 3.5;
    write_npy(&path("range.npy"), &[100, 1, 28, 28], &values);
    check(
        "range.npy",
        &["value 3 of image 5 is 3.5", "-1 (black) to 1 (white)"],
    );
    let unit: Vec<f32> = wave(100 * 784).iter().map(|x| x.abs()).collect();
    write_npy(&path("unit.npy"), &[100, 1, 28, 28], &unit);
    check("unit.npy", &["0.00 % of the values are below 0", "2 x - 1"]);

    // Headers of other arrays, by hand.
    let header = |description: &str| {
        let mut text = format!("{{{description}, 'shape': (100, 1, 28, 28), }}");
        text += &" ".repeat((64 - (text.len() + 11) % 64) % 64);
        let size = u16::try_from(text.len() + 1).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &size[..], text.as_bytes(), b"\n"].concat()
    };
    for (name, description, bytes, parts) in [
        (
            "bytes.npy",
            "'descr': '|u1', 'fortran_order': False",
            1,
            ["|u1", "astype"],
        ),
        (
            "doubles.npy",
            "'descr': '<f8', 'fortran_order': False",
            8,
            ["<f8", "astype"],
        ),
        (
            "fortran.npy",
            "'descr': '<f4', 'fortran_order': True",
            4,
            ["Fortran", "ascontiguousarray"],
        ),
        (
            "cut.npy",
            "'descr': '<f4', 'fortran_order': False",
            3,
            ["cut short", "235200 bytes"],
        ),
    ] {
        let contents = [header(description), vec![0; bytes * 100 * 784]].concat();
        fs::write(path(name), contents).unwrap();
        check(name, &parts);
    }
    fs::write(path("text.npy"), "no array").unwrap();
    check("text.npy", &["no npy header"]);
}

#[test]
fn data_and_requests_that_cannot_be_had_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_mnist(folder, 200, 100);
    for labels in ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"] {
        fs::remove_file(folder.join("small").join(labels)).unwrap();
    }
    refuse(
        folder,
        "train-classifier --data small",
        &["no labels", "random features"],
    );
    let wave: Vec<f32> = (0..100 * 784).map(|i| (i as f32 * 0.1).sin()).collect();
    write_npy(&folder.join("x.npy"), &[100, 1, 28, 28], &wave);
    for metric in ["modes", "inception"] {
        let command = format!("evaluate x.npy --data small --metrics {metric}");
        refuse(
            folder,
            &command,
            &["needs a classifier", "train-classifier"],
        );
    }
    refuse(
        folder,
        "evaluate x.npy --data small --metrics equilibrium",
        &["discriminator"],
    );
    refuse(
        folder,
        "evaluate x.npy --data small --seeds 2",
        &["expected a generator for --seeds"],
    );
    refuse(
        folder,
        "evaluate x.npy --data small --count 101",
        &["100 images", "--count 101"],
    );
    assert!(!folder.join("x.npy.evaluation.json").exists());

    // What needs no labels is scored, in features that are called what they are.
    let table = succeed(
        folder,
        "evaluate x.npy --data small --metrics fid,memorization",
    );
    assert!(table.contains("random network"), "{table}");
    assert_eq!(
        json(&folder.join("x.npy.evaluation.json"))["features"]["kind"],
        "random"
    );

    fs::write(folder.join("bad.safetensors"), "no weights").unwrap();
    let command = "evaluate x.npy --data small --features bad.safetensors";
    refuse(
        folder,
        command,
        &["bad.safetensors", "not a valid safetensors file"],
    );
    refuse(
        folder,
        "compare x.npy small",
        &["x.npy: not a readable evaluation", "evaluation.json"],
    );

    // One bit of a classifier, and one that learnt from other images.
    small_mnist(&folder.join("other"), 300, 20);
    let classifier = folder.join("other/small.classifier.safetensors");
    succeed(
        &folder.join("other"),
        "train-classifier --data small --epochs 1",
    );
    let good = fs::read(&classifier).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    fs::write(&classifier, damaged).unwrap();
    refuse(folder, "evaluate x.npy --data other/small", &["SHA-256 is"]);
    fs::write(folder.join("small.classifier.safetensors"), good).unwrap();
    refuse(
        folder,
        "evaluate x.npy --data small",
        &["was trained on other images", "--force"],
    );
    let table = succeed(
        folder,
        "evaluate x.npy --data small --features small.classifier.safetensors --metrics kid",
    );
    assert!(
        table.contains("was not trained on the training images"),
        "{table}"
    );
}
