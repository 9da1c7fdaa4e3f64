//! Folders of files.

use crate::support::{assert_says, folder, texts};
use gan_text::{TextConfig, TextData};

#[test]
fn all_texts_of_a_folder_are_one_set_in_the_order_of_their_names() {
    let files: [(&str, &[u8]); 5] = [
        ("b.txt", b"second file\n"),
        ("a.TXT", b"first file"),
        (".hidden.txt", b"not seen"),
        ("notes.md", b"not read"),
        ("deep/c.txt", b"not read"),
    ];
    let folder = folder(&files);
    let data = TextData::open(folder.path(), &TextConfig::default()).unwrap();
    assert_eq!(texts(&data, &data.train), ["first file", "second file"]);
    assert_eq!(
        (data.report.files, &data.report.skipped[..]),
        (2, &["deep".to_string(), "notes.md".to_string()][..])
    );
    assert!(
        data.report
            .to_string()
            .ends_with("\nnot read: deep, notes.md")
    );
}

#[test]
fn a_folder_of_one_csv_file_is_that_file() {
    let folder = folder(&[("a.csv", b"text\nsome words\n"), ("readme.md", b"")]);
    let data = TextData::open(folder.path(), &TextConfig::default()).unwrap();
    assert_eq!(texts(&data, &data.train), ["some words"]);
}

#[test]
fn folders_without_text_and_folders_called_like_text_are_refused() {
    let config = TextConfig::default();
    let empty = folder(&[("a.png", b"")]);
    assert_says(
        TextData::open(empty.path(), &config),
        &["the folder holds 1 files and folders, none of them text"],
    );
    let nested = folder(&[("a.txt/b.txt", b"text")]);
    assert_says(
        TextData::open(nested.path(), &config),
        &["a.txt: a folder, expected a file"],
    );
}

#[test]
fn a_test_file_is_held_out_and_its_texts_are_not_trained_on() {
    let files: [(&str, &[u8]); 3] = [
        (
            "train.txt",
            b"a dog barks\na cat sleeps\na dog barks\nthe end\n",
        ),
        ("test.txt", b"the end\na cow moos\n"),
        ("valid.txt", b"not read"),
    ];
    let folder = folder(&files);
    let data = TextData::open(folder.path(), &TextConfig::default()).unwrap();
    assert_eq!(texts(&data, &data.train), ["a dog barks", "a cat sleeps"]);
    assert_eq!(data.held_out.len(), 2);
    let report = &data.report;
    assert_eq!((report.duplicates, report.shared), (1, 1));
    assert_eq!(report.skipped, ["valid.txt"]);
    // `the`, `end`, `cow` and `moos` are not among the words to train on.
    assert_eq!(
        (report.unknown_training, report.unknown_held_out),
        (0.0, 0.8)
    );
    let said = report.to_string();
    assert!(
        said.contains("2 to train on, 2 held out (test.txt)"),
        "{said}"
    );
    let share = TextConfig {
        held_out: Some(0.1),
        ..TextConfig::default()
    };
    assert_says(
        TextData::open(folder.path(), &share),
        &["`data.held_out` is 0.1, expected no share"],
    );
}
