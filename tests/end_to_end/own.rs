//! Generators of architectures that only other programs know.

use crate::support::program::{run, text};
use crate::support::runs::ended_with;
use crate::support::tiny::{begins_with, check, tiny_run};
use gan_core::Weights;
use serde_json::{Value, json};
use std::path::Path;

/// `own.safetensors` is the generator of a tiny run under another architecture's name; `without.safetensors` is the
/// same without its graph.
fn foreign_generators(folder: &Path) {
    tiny_run(folder);
    let mut weights = Weights::read(&folder.join("run/generator.safetensors")).unwrap();
    let mut header: Value = serde_json::from_str(&weights.metadata).unwrap();
    header["model"] = json!({"architecture": "own", "name": "mine", "latent_dim": 100});
    weights.metadata = header.to_string();
    let path = folder.join("own.safetensors");
    weights.write_with_checksum(&path).unwrap();
    header.as_object_mut().unwrap().remove("graph").unwrap();
    weights.metadata = header.to_string();
    let path = folder.join("without.safetensors");
    weights.write_with_checksum(&path).unwrap();
}

#[test]
fn a_generator_with_its_graph_is_drawn_scored_and_described_whatever_it_is_called() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    foreign_generators(folder);
    check(
        folder,
        "sample own.safetensors --out own.npy --count 3",
        0,
        &[],
    );
    check(folder, "sample run --out run.npy --count 3", 0, &[]);
    let images = ["own.npy", "run.npy"].map(|name| std::fs::read(folder.join(name)).unwrap());
    assert!(images[0] == images[1]);
    check(folder, "sample own.safetensors --out own.png", 0, &[]);
    assert!(begins_with(&folder.join("own.png"), b"\x89PNG"));
    let scores = "evaluate own.safetensors --data d --count 80 --metrics sharpness --out scores";
    check(folder, scores, 0, &[]);

    let output = run(folder, "inspect own.safetensors");
    ended_with(&output, 0);
    let text = text(&output.stdout);
    for part in ["): own,", "batch norm, eps 0.8", "leaky ReLU 0.2", "MFLOP"] {
        assert!(text.contains(part), "`{part}`: {text}");
    }
}

#[test]
fn a_generator_without_its_graph_is_refused_by_its_name() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    foreign_generators(folder);
    let name = ["model.architecture is own", "model.name is \"mine\""];
    check(folder, "sample without.safetensors --out new.png", 2, &name);
    check(folder, "evaluate without.safetensors --data d", 2, &name);
    check(
        folder,
        "train --data d --architecture own --out new",
        2,
        &["own"],
    );
}
