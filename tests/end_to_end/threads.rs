//! Threads and the length of vectors change the speed alone: the files of a run are the same.

use crate::idx::idx;
use crate::support::runs::{assert_same, command, expect};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Images of odd sides.
const SIDE: usize = 17;

/// Of images and of a batch: multiples of nothing that work is shared out by.
const IMAGES: usize = 202;
const BATCH: usize = 101;

/// An IDX file of unsigned bytes, 0x08, with three dimensions: images of stripes.
fn write_images(folder: &Path) {
    let pixel = |place: usize| (place / (SIDE * SIDE) * 37 + place * 11) as u8;
    let sizes = [IMAGES, SIDE, SIDE].map(|size| size as u32);
    let bytes = idx(&sizes, (0..IMAGES * SIDE * SIDE).map(pixel));
    fs::create_dir(folder.join("d")).unwrap();
    fs::write(folder.join("d/train-images-idx3-ubyte"), bytes).unwrap();
}

/// A folder with images and the configuration of a run.
fn folder_of_run(model: &str, train: &str, steps: u64, batch_size: usize) -> TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    write_images(folder);
    let config = format!(
        "[data]\npath = \"d\"\n[model]\nlatent_dim = 7\n{model}\n\
         [train]\nsteps = {steps}\nbatch_size = {batch_size}\nema_half_life_images = 300.0\n{train}\n\
         [output]\nlog_every = 2\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    temporary
}

/// Runs with the processor's longest vectors, with those of AVX2, and with single numbers, for which the
/// product of two numbers and its sum with a third one are rounded together by software.
fn assert_vectors_change_nothing(model: &str, train: &str, steps: u64) {
    let temporary = folder_of_run(model, train, steps, 17);
    let folder = temporary.path();
    for vectors in ["longest", "avx2", "scalar"] {
        let line = ["train", "--config", "config.toml", "--out", vectors];
        let mut run = command(folder, &line);
        expect(run.env("GAN_OPS_VECTORS", vectors), 0);
    }
    for vectors in ["avx2", "scalar"] {
        assert_same(&folder.join(vectors), &folder.join("longest"));
    }
}

/// Runs of 8 steps on one, two and three threads.
fn assert_threads_change_nothing(model: &str, train: &str) {
    let temporary = folder_of_run(model, train, 8, BATCH);
    let folder = temporary.path();
    for threads in ["1", "2", "3"] {
        let line = ["--threads", threads, "train", "--config", "config.toml"];
        let line: Vec<&str> = line.into_iter().chain(["--out", threads]).collect();
        let mut run = command(folder, &line);
        expect(run.env_remove("RAYON_NUM_THREADS"), 0);
    }
    for threads in ["2", "3"] {
        assert_same(&folder.join(threads), &folder.join("1"));
    }
}

const PERCEPTRONS: &str = "generator_widths = [33, 97, 17]\ndiscriminator_widths = [97, 17]";
const SPECTRAL: &str = "architecture = \"dcgan\"\nwidth = 5\ndiscriminator_norm = \"spectral\"";
const BATCH_NORM: &str = "architecture = \"dcgan\"\nwidth = 5\ndiscriminator_norm = \"batch\"";
const RESIDUAL: &str = "architecture = \"residual\"\nwidth = 3";
const MAXOUT: &str = "architecture = \"maxout\"";
/// What uses exponentials, powers, cosines and normal numbers.
const EXACT: &str =
    "lr_schedule = \"cosine\"\ninstance_noise = 0.1\naugmentations = [\"translation\"]";

#[test]
fn perceptrons_of_odd_widths_end_in_equal_files() {
    let train = "r1 = 0.1\ngradient_clip = 1.0";
    assert_threads_change_nothing(PERCEPTRONS, train);
    assert_vectors_change_nothing(PERCEPTRONS, &format!("{train}\n{EXACT}"), 30);
}

#[test]
fn convolutions_end_in_equal_files() {
    let penalties = "r1 = 0.1\nr2 = 0.1\nloss = \"relativistic-pairing\"";
    for (model, train) in [
        (SPECTRAL, "loss = \"hinge\""),
        (BATCH_NORM, ""),
        (RESIDUAL, penalties),
    ] {
        assert_threads_change_nothing(model, train);
        assert_vectors_change_nothing(model, train, 30);
    }
}

/// Its widths are large and fixed.
#[test]
fn maxout_ends_in_equal_files() {
    assert_threads_change_nothing(MAXOUT, "");
    assert_vectors_change_nothing(MAXOUT, "", 3);
}
