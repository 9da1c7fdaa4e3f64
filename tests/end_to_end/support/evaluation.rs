//! Small data sets and batches to score, and what the program says of them.

use super::program::{root, run, text};
use crate::idx::idx;
use gan_data::{Dataset, Parts, ReadOptions};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The first images of each split as plain IDX files in `folder/small`.
pub(crate) fn small_mnist(folder: &Path, training: usize, test: usize) {
    let small = folder.join("small");
    fs::create_dir_all(&small).unwrap();
    let mnist = root().join("data/mnist");
    let data = gan_data::open(&mnist, &ReadOptions::default(), Parts::All).unwrap();
    write_split(&small, "train", &data.training, training);
    write_split(&small, "t10k", &data.held_out.unwrap(), test);
}

/// The first images of one split, as plain files of images and of labels.
fn write_split(folder: &Path, name: &str, data: &Dataset, count: usize) {
    let size = u32::try_from(count).unwrap();
    let pixels = data.images().iter().take(count).flatten();
    let labels = data.labels().unwrap()[..count].iter();
    for (what, bytes) in [
        ("images-idx3", idx(&[size, 28, 28], pixels.copied())),
        (
            "labels-idx1",
            idx(&[size], labels.map(|label| *label as u8)),
        ),
    ] {
        fs::write(folder.join(format!("{name}-{what}-ubyte")), bytes).unwrap();
    }
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
