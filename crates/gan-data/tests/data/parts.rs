//! Folders with subfolders for training and testing, and the classes of folders.

use crate::support::{assert_says, folder, pixel, pixels, plain, read, tiny, train};
use gan_data::{Channels, DataSplits, Division, Parts, ReadOptions, open};

/// A folder with an image in each of these subfolders, of a brightness by their order.
fn with(paths: &[&str]) -> tempfile::TempDir {
    let files: Vec<Vec<u8>> = (1..=paths.len() as u8).map(pixel).collect();
    let files: Vec<(&str, &[u8])> = paths
        .iter()
        .copied()
        .zip(files.iter().map(Vec::as_slice))
        .collect();
    folder(&files)
}

fn splits(paths: &[&str]) -> DataSplits {
    read(&tiny(&with(paths))).unwrap()
}

#[test]
fn folders_for_training_and_testing_are_the_parts() {
    for (training, test) in [
        ("train", "test"),
        ("Training", "TEST"),
        ("train", "val"),
        ("TRAIN", "Validation"),
        ("training", "valid"),
    ] {
        let paths = ["cat/a.png", "dog/a.png"].map(|name| format!("{training}/{name}"));
        let test_path = format!("{test}/dog/b.png");
        let splits = splits(&[&paths[0], &paths[1], &test_path]);
        assert_eq!(splits.division, Division::Published);
        assert_eq!(pixels(&splits.training), [1, 2]);
        assert_eq!(splits.training.class_names().unwrap(), ["cat", "dog"]);
        let held_out = splits.held_out.unwrap();
        assert_eq!(held_out.labels().unwrap(), [1]);
        assert_eq!(held_out.class_names(), splits.training.class_names());
        let words = format!("1 of them held out by the publisher ({test})");
        assert!(splits.reading.summary.contains(&words));
        assert_eq!(splits.reading.classes.unwrap(), "0 cat 1, 1 dog 2");
    }
}

#[test]
fn validation_images_beside_test_images_are_skipped_and_said() {
    let splits = splits(&["train/a.png", "val/b.png", "test/c.png"]);
    assert_eq!(pixels(&splits.held_out.unwrap()), [3]);
    let summary = splits.reading.summary;
    assert!(summary.contains("val with 1 image skipped"), "{summary}");
}

/// Its only file is damaged, which nobody sees who does not read it.
#[test]
fn a_test_split_that_is_not_asked_for_is_not_read() {
    let above = folder(&[("train/a.png", &pixel(1)), ("test/b.png", b"damaged")]);
    assert!(read(&tiny(&above)).is_err());
    let splits = open(&tiny(&above), &ReadOptions::default(), Parts::Training).unwrap();
    assert_eq!(splits.division, Division::Published);
    assert!(splits.held_out.is_none());
}

#[test]
fn too_few_training_images_beside_a_test_split_to_keep_some_apart_are_refused() {
    let above = with(&["train/a.png", "test/b.png"]);
    let options = ReadOptions::new(Channels::Auto, None, Some(0.1)).unwrap();
    assert_says(
        open(&tiny(&above), &options, Parts::Training),
        &["`data.held_out`: ", "fewer than 20"],
    );
}

#[test]
fn the_classes_are_those_of_the_training_images() {
    assert_says(
        read(&tiny(&with(&[
            "train/cat/a.png",
            "test/cat/b.png",
            "test/cow/c.png",
        ]))),
        &["test: the class cow", "remove its folder"],
    );
    let unlabelled = splits(&["train/cat/a.png", "test/b.png"]).held_out;
    assert_eq!(unlabelled.unwrap().labels(), None);
    assert_says(
        read(&tiny(&with(&["train/a.png", "test/cat/b.png"]))),
        &["test: the class cat"],
    );
}

#[test]
fn what_is_not_clear_is_refused() {
    for (paths, parts) in [
        (
            &["train/a.png", "test/b.png", "extra/c.png"][..],
            &["extra/c.png beside train and test", "move the images"][..],
        ),
        (
            &["train/a.png", "test/b.png", "c.png"],
            &["c.png beside train and test"],
        ),
        (
            &["train/a.png", "Train/b.png", "test/c.png"],
            &["Train and ", "keep one of them"],
        ),
        (
            &["train/a.png", "val/b.png", "valid/c.png"],
            &["val and ", "valid"],
        ),
        (
            &["train/a.png", "train/cat/b.png", "test/c.png"],
            &["both ", "train/a.png"],
        ),
    ] {
        assert_says(read(&tiny(&with(paths))), parts);
    }
    let above = folder(&[("train/a.png", &pixel(1)), ("test/notes.txt", b"")]);
    assert_says(read(&tiny(&above)), &["test: no images, found 1 .txt"]);
}

#[test]
fn a_folder_for_training_alone_is_a_class() {
    let splits = splits(&["train/a.png", "trains/b.png"]);
    assert_eq!(splits.training.class_names().unwrap(), ["train", "trains"]);
}

#[test]
fn classes_are_counted_as_people_count() {
    let data = train(&with(&["10/a.png", "walnut/b.png", "2/c.png", "1/d.png"])).unwrap();
    assert_eq!(data.class_names().unwrap(), ["1", "2", "10", "walnut"]);
    assert_eq!(pixels(&data), [4, 3, 1, 2]);
}

#[test]
fn a_class_without_images_is_refused_and_not_left_out() {
    let above = folder(&[
        ("apple/a.png", &pixel(1)),
        ("berry/a.heic", b"another format"),
        ("berry/deep/b.heic", b"another format"),
        ("cherry/a.png", &pixel(2)),
    ]);
    assert_says(
        train(&above),
        &["berry: no images, found 2 .heic", "remove the folder"],
    );
    std::fs::remove_dir_all(tiny(&above).join("berry/deep")).unwrap();
    std::fs::remove_file(tiny(&above).join("berry/a.heic")).unwrap();
    assert_says(train(&above), &["berry: no images, found nothing"]);
}

#[test]
fn many_classes_are_shortened() {
    let paths: Vec<String> = (0..23).map(|k| format!("c{k}/a.png")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let classes = splits(&paths).reading.classes.unwrap();
    assert!(classes.starts_with("0 c0 1, 1 c1 1, "), "{classes}");
    assert!(classes.ends_with("19 c19 1, … and 3 more"), "{classes}");
}

#[test]
fn a_test_split_with_colours_follows_gray_training_images_and_is_named() {
    let above = folder(&[
        ("train/a.png", &pixel(1)),
        ("test/b.png", &plain(1, 1, [255, 0, 0])),
    ]);
    let splits = read(&tiny(&above)).unwrap();
    // The luma of red: 0.2126 of 255.
    assert_eq!(pixels(&splits.held_out.unwrap()), [54]);
    assert!(splits.reading.warnings[0].contains("1 image of the test split"));
}

#[test]
fn classes_that_look_like_parts_are_suspected() {
    for paths in [
        &["train/a.png", "dev/b.png"][..],
        &["train/a/x.png"],
        &["wrap/train/a.png", "wrap/test/b.png"],
        &["trainA/a.png", "testA/b.png"],
        &["training_set/a.png", "test_set/b.png"],
        &["cat/train/a.png", "cat/test/b.png"],
    ] {
        let warnings = splits(paths).reading.warnings;
        assert!(
            warnings.iter().any(|w| w.contains("looks like a part")),
            "{paths:?}"
        );
    }
    for paths in [
        &["trains/a.png", "valley/b.png", "device/c.png"][..],
        &["cat/a.png"],
    ] {
        assert!(splits(paths).reading.warnings.is_empty(), "{paths:?}");
    }
}

#[test]
fn what_archives_of_macos_add_is_no_class() {
    let splits = splits(&["cat/a.png", "dog/b.png", "__MACOSX/cat/._a.png"]);
    assert_eq!(splits.training.class_names().unwrap(), ["cat", "dog"]);
}
