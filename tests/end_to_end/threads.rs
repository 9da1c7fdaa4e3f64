//! `--threads` changes the speed alone: the files of a run are the same.

use crate::idx::idx;
use crate::support::runs::{assert_same, command, expect};
use std::fs;
use std::path::Path;

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

/// Runs of 8 steps on one, two and three threads.
fn assert_threads_change_nothing(model: &str, train: &str) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    write_images(folder);
    let config = format!(
        "[data]\npath = \"d\"\n[model]\nlatent_dim = 7\n{model}\n\
         [train]\nsteps = 8\nbatch_size = {BATCH}\nema_half_life_images = 300.0\n{train}\n\
         [output]\nlog_every = 2\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
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

#[test]
fn perceptrons_of_odd_widths_end_in_equal_files() {
    let widths = "generator_widths = [33, 97, 17]\ndiscriminator_widths = [97, 17]";
    assert_threads_change_nothing(widths, "r1 = 0.1\ngradient_clip = 1.0");
}

#[test]
fn convolutions_end_in_equal_files() {
    let spectral = "architecture = \"dcgan\"\nwidth = 5\ndiscriminator_norm = \"spectral\"";
    assert_threads_change_nothing(spectral, "");
    assert_threads_change_nothing(
        "architecture = \"residual\"\nwidth = 5",
        "r1 = 0.1\nr2 = 0.1",
    );
}

#[test]
fn maxout_on_candles_graph_ends_in_equal_files() {
    assert_threads_change_nothing("architecture = \"maxout\"", "");
}
