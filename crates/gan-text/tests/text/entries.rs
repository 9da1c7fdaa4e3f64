//! Each kind of file that the crate reads, as a function of its bytes that says whether they could be used: no
//! bytes may make one panic. The stable tests and the fuzzer call the same functions.

// Each program uses a part of it.
#![allow(dead_code, clippy::unwrap_used, reason = "shared by several programs")]

use gan_core::Sequences;
use gan_text::{TextConfig, TextData, Tokenizer, Tokens};
use std::fs;
use tempfile::TempDir;

/// Whether the bytes of a file can be used.
pub(crate) type Entry = fn(&[u8]) -> bool;

/// By name, each with the folder of its inputs in `tests/hostile_inputs`.
pub(crate) const ENTRIES: [(&str, Entry); 5] = [
    ("text_lines", text_lines),
    ("text_json_lines", text_json_lines),
    ("text_csv", text_csv),
    ("text_vocabulary", text_vocabulary),
    ("text_tokenizer_json", text_tokenizer_json),
];

/// Lines of text, in several encodings and tokens.
pub(crate) fn text_lines(bytes: &[u8]) -> bool {
    let folder = folder_of("a.txt", bytes);
    let encodings = [
        ("utf-8", Tokens::Auto),
        ("utf-16le", Tokens::Word),
        ("euc-kr", Tokens::Jamo),
        ("iso-2022-jp", Tokens::Byte),
    ];
    let read = encodings.map(|(encoding, tokens)| {
        let config = TextConfig {
            encoding: encoding.to_string(),
            tokens,
            lowercase: true,
            ..TextConfig::default()
        };
        opens(&folder, "a.txt", &config)
    });
    read[0]
}

/// Objects a line, with the field `text`.
pub(crate) fn text_json_lines(bytes: &[u8]) -> bool {
    opens(
        &folder_of("a.jsonl", bytes),
        "a.jsonl",
        &TextConfig::default(),
    )
}

/// Rows with the columns `Q` and `A`.
pub(crate) fn text_csv(bytes: &[u8]) -> bool {
    let config = TextConfig {
        field: Some("Q,A".to_string()),
        ..TextConfig::default()
    };
    opens(&folder_of("a.csv", bytes), "a.csv", &config)
}

/// A `vocab.txt` of jamo.
pub(crate) fn text_vocabulary(bytes: &[u8]) -> bool {
    let folder = folder_of("vocab.txt", bytes);
    fs::write(
        folder.path().join("tokens.json"),
        r#"{"kind":"jamo","lowercase":false}"#,
    )
    .unwrap();
    let Ok(tokenizer) = Tokenizer::load(folder.path()) else {
        return false;
    };
    uses(&tokenizer);
    true
}

/// A `tokenizer.json`.
pub(crate) fn text_tokenizer_json(bytes: &[u8]) -> bool {
    let folder = folder_of("tokenizer.json", bytes);
    let Ok(tokenizer) = Tokenizer::from_file(&folder.path().join("tokenizer.json"), false) else {
        return false;
    };
    uses(&tokenizer);
    true
}

/// Whether the file can be read; if so, what was read is used.
fn opens(folder: &TempDir, name: &str, config: &TextConfig) -> bool {
    let Ok(data) = TextData::open(&folder.path().join(name), config) else {
        return false;
    };
    let all = |sequences: &Sequences| {
        sequences
            .iter()
            .all(|ids| !data.tokenizer.decode(ids).is_empty())
    };
    assert!(!data.train.is_empty() && all(&data.train) && all(&data.held_out));
    assert!(!data.report.to_string().is_empty());
    true
}

/// Encodes a text, and decodes all ids.
fn uses(tokenizer: &Tokenizer) {
    let all = u32::try_from(tokenizer.len()).unwrap();
    for ids in [
        tokenizer.encode("하루가 a dog, [UNK] <pad>"),
        (0..=all).collect(),
    ] {
        tokenizer.decode(&ids);
        tokenizer.valid_share([&ids[..]]);
    }
}

fn folder_of(name: &str, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}
