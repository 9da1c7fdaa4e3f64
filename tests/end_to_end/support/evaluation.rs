//! Small data sets and batches to score, and what the program says of them.

use super::program::{gan_cli, root, text};
use gan_data::{Dataset, Parts, ReadOptions};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;

/// The first images of each split as plain IDX files in `folder/small`.
pub(crate) fn small_mnist(folder: &Path, training: usize, test: usize) {
    let small = folder.join("small");
    fs::create_dir_all(&small).unwrap();
    let mnist = root().join("data/mnist");
    let data = gan_data::open(&mnist, &ReadOptions::default(), Parts::All).unwrap();
    write_idx(&small, "train", &data.training, training);
    write_idx(&small, "t10k", &data.held_out.unwrap(), test);
}

fn write_idx(folder: &Path, name: &str, data: &Dataset, count: usize) {
    let size = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let mut images = [0, 0, 8, 3].to_vec();
    images.extend([count, 28, 28].map(size).concat());
    images.extend(data.images().iter().take(count).flatten());
    fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
    let mut labels = [0, 0, 8, 1].to_vec();
    labels.extend(size(count));
    labels.extend(
        data.labels().unwrap()[..count]
            .iter()
            .map(|label| *label as u8),
    );
    fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
}

#[track_caller]
pub(crate) fn succeed(folder: &Path, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = gan_cli(folder, &arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

pub(crate) fn run(folder: &Path, arguments: &str) -> Output {
    gan_cli(folder, &arguments.split(' ').collect::<Vec<_>>())
}

/// The command is refused as wrong use, says each of `parts`, and no score is written.
#[track_caller]
pub(crate) fn refuse(folder: &Path, arguments: &str, parts: &[&str]) {
    let output = run(folder, arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
    for part in parts {
        assert!(
            error.contains(part),
            "{arguments}: `{part}` is not in: {error}"
        );
    }
    assert!(!text(&output.stdout).contains("FID"), "{arguments}");
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn value(evaluation: &Value, kind: &str) -> f64 {
    let scores = evaluation["scores"].as_array().unwrap();
    let score = scores.iter().find(|score| score["kind"] == kind);
    score.unwrap_or_else(|| panic!("no {kind}"))["value"]
        .as_f64()
        .unwrap()
}

/// An array of little-endian float32 in C order, as NumPy's format has it.
pub(crate) fn write_npy(path: &Path, shape: &[u64], values: &[f32]) {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides}), }}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    out.extend(text.bytes());
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    fs::write(path, out).unwrap();
}
