//! Files that the MANIFEST.toml above their folder lists are checked.

use crate::support::{assert_says, folder, read, three_images, three_labels, train};
use gan_data::DataError;
use std::path::Path;

/// `sha256sum` of the bytes of `three_images` and `three_labels`.
const IMAGES_SHA256: &str = "0be823900fd737b5e43178fc03f9057c51b61fc5e0c09df5ca1d94a3a341a120";
const LABELS_SHA256: &str = "b8ddd3c531b1c153167e965a44966a3ebcb598513d129d4e5c34f053de2d6a06";

fn tiny() -> tempfile::TempDir {
    folder(&[
        ("train-images-idx3-ubyte", &three_images()),
        ("train-labels-idx1-ubyte", &three_labels()),
    ])
}

fn manifest(images_sha256: &str, image_bytes: u64) -> String {
    format!(
        "[other]\nis = \"something else\"\n\
         [tiny]\nlicence = \"none\"\nmirrors = [\"http://host/\"]\n\
         [[tiny.files]]\nname = \"train-images-idx3-ubyte\"\nbytes = {image_bytes}\n\
         sha256 = \"{images_sha256}\"\nnote = \"ignored\"\n\
         [[tiny.files]]\nname = \"train-labels-idx1-ubyte\"\nbytes = 11\n\
         sha256 = \"{LABELS_SHA256}\"\n"
    )
}

fn with_manifest(text: &str) -> tempfile::TempDir {
    let above = tiny();
    std::fs::write(above.path().join("MANIFEST.toml"), text).unwrap();
    above
}

#[test]
fn the_listed_files_pass_in_either_case_of_the_digits() {
    for digest in [IMAGES_SHA256.to_string(), IMAGES_SHA256.to_uppercase()] {
        assert_eq!(
            train(&with_manifest(&manifest(&digest, 34))).unwrap().len(),
            3
        );
    }
}

#[test]
fn another_content_is_refused_with_both_hashes() {
    let zeros = "0".repeat(64);
    let result = train(&with_manifest(&manifest(&zeros, 34)));
    assert!(
        matches!(result, Err(DataError::Checksum { .. })),
        "{result:?}"
    );
    assert_says(
        result,
        &[
            "train-images-idx3-ubyte: ",
            IMAGES_SHA256,
            &zeros,
            "fetch the data set again (`fetch tiny`)",
        ],
    );
}

#[test]
fn labels_are_checked_too() {
    let above = with_manifest(&manifest(IMAGES_SHA256, 34));
    let mut labels = three_labels();
    labels[8] = 1;
    std::fs::write(above.path().join("tiny/train-labels-idx1-ubyte"), labels).unwrap();
    assert_says(
        train(&above),
        &["train-labels-idx1-ubyte: SHA-256 is ", LABELS_SHA256],
    );
}

#[test]
fn another_length_is_refused_with_both_lengths() {
    let result = train(&with_manifest(&manifest(IMAGES_SHA256, 35)));
    assert_says(result, &["34 bytes, expected 35"]);
}

#[test]
fn a_manifest_of_other_folders_checks_nothing() {
    let text = "[mnist]\nfiles = 3\n";
    assert_eq!(train(&with_manifest(text)).unwrap().len(), 3);
}

#[test]
fn a_folder_that_is_listed_and_missing_is_to_be_fetched() {
    let above = with_manifest(&manifest(IMAGES_SHA256, 34));
    std::fs::remove_dir_all(above.path().join("tiny")).unwrap();
    assert_says(train(&above), &["fetch the data set (`fetch tiny`)"]);
}

#[test]
fn a_folder_with_all_that_is_listed_needs_no_fetching() {
    let text = "[tiny]\n[[tiny.files]]\nname = \"cifar.tar.gz\"\nbytes = 0\nsha256 = \"\"\n";
    let above = folder(&[]);
    std::fs::write(above.path().join("MANIFEST.toml"), text).unwrap();
    let tiny = above.path().join("tiny");
    assert_says(train(&above), &["fetch the data set (`fetch tiny`)"]);
    std::fs::write(tiny.join("cifar.tar.gz"), []).unwrap();
    assert_says(train(&above), &["are there; give another folder"]);
}

#[test]
fn a_malformed_manifest_is_named() {
    for text in [
        "[tiny",
        "tiny = 3",
        "[tiny]\nfiles = [{ name = \"a\" }]",
        "[tiny]\nfiles = [{ name = \"a\", bytes = -1, sha256 = \"\" }]",
    ] {
        assert_says(
            train(&with_manifest(text)),
            &["MANIFEST.toml: ", "[[NAME.files]]"],
        );
    }
    let above = tiny();
    std::fs::create_dir(above.path().join("MANIFEST.toml")).unwrap();
    assert_says(train(&above), &["MANIFEST.toml: "]);
    let above = tiny();
    std::fs::write(above.path().join("MANIFEST.toml"), [0xff, 0xfe]).unwrap();
    assert_says(train(&above), &["MANIFEST.toml: "]);
}

#[test]
fn the_folder_is_known_also_by_a_path_without_its_name() {
    let above = with_manifest(&manifest(&"0".repeat(64), 34));
    let tiny = above.path().join("tiny");
    std::fs::create_dir(tiny.join("sub")).unwrap();
    for path in [tiny.join("."), tiny.join("sub").join("..")] {
        let result = read(Path::new(&path));
        assert!(
            matches!(result, Err(DataError::Checksum { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in [
        "../a", "/a", "a/b", "..", ".", "", "a\\b", "..\\a", "c:a", "a\0",
    ] {
        let text = format!("[tiny]\nfiles = [{{ name = {name:?}, bytes = 1, sha256 = \"\" }}]");
        let text = text.replace("\\0", "\\u0000");
        let found = format!("the file name {name:?}");
        assert_says(
            train(&with_manifest(&text)),
            &["MANIFEST.toml: ", &found, "without folders"],
        );
    }
}
