//! Texts in the tokens of a tokenizer.json.

use crate::support::{assert_says, folder, read, root};
use gan_text::{TextConfig, TextData, TokenKind, Tokenizer, UNKNOWN};
use std::path::Path;

fn config(file: &Path) -> TextConfig {
    TextConfig {
        tokenizer: Some(file.to_path_buf()),
        ..TextConfig::default()
    }
}

/// The words `a`, `dog` and `barks`, and pairs of letters.
fn words() -> TextConfig {
    config(&root(
        "tests/hostile_inputs/text_tokenizer_json/valid_words.json",
    ))
}

#[test]
fn ids_follow_the_special_ones_and_the_unknown_token_is_ours() {
    let data = read("a.txt", b"a dog barks\na cat barks\n", &words()).unwrap();
    assert_eq!(data.tokenizer.kind(), TokenKind::File);
    let ids: Vec<&[u32]> = data.train.iter().collect();
    // [UNK] is 0 in the file, a 1, dog 2, barks 3.
    assert_eq!(ids, [&[5, 6, 7], &[5, UNKNOWN, 7]]);
    assert_eq!(data.tokenizer.decode(ids[0]), "a dog barks");
    assert_eq!(
        data.tokenizer.vocabulary()[4..],
        ["[UNK]", "a", "dog", "barks"]
    );
    assert!((data.report.unknown_training - 1.0 / 6.0).abs() < 1e-12);
}

#[test]
fn the_file_is_kept_with_the_run() {
    let data = read("a.txt", b"a dog barks\n", &words()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    data.tokenizer.save(folder.path()).unwrap();
    let back = Tokenizer::load(folder.path()).unwrap();
    assert_eq!(back.hash(), data.tokenizer.hash());
    assert_eq!(back.encode("dog"), data.tokenizer.encode("dog"));
}

#[test]
fn files_that_are_no_tokenizer_are_refused() {
    let random = r#"{"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}}"#;
    let sparse = r#"{"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 4000000000}, "unk_token": "a"}}"#;
    for (bytes, part) in [
        ("", "not a tokenizer"),
        ("{}", "not a tokenizer"),
        ("[[[[", "not a tokenizer"),
        (random, "in another way each time"),
        (sparse, "the last with id 4000000000"),
    ] {
        let folder = folder(&[
            ("a.txt", b"some text"),
            ("tokenizer.json", bytes.as_bytes()),
        ]);
        let config = config(&folder.path().join("tokenizer.json"));
        let read = TextData::open(&folder.path().join("a.txt"), &config);
        assert_says(read, &["tokenizer.json: ", part]);
    }
    let missing = config(Path::new("missing.json"));
    assert_says(
        read("a.txt", b"text", &missing),
        &["missing.json: ", "`data.tokenizer`"],
    );
}
