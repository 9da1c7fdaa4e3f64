//! The texts of the repository.

use crate::support::{root, texts};
use gan_core::hex;
use gan_text::{TextConfig, TextData, TokenKind};
use sha2::{Digest, Sha256};

fn open(folder: &str) -> TextData {
    TextData::open(&root(folder), &TextConfig::default()).unwrap()
}

#[test]
fn the_files_are_those_of_the_readme() {
    let readme = std::fs::read_to_string(root("data/README.md")).unwrap();
    for name in ["names/surnames.txt", "poems/quatrains.txt"] {
        let bytes = std::fs::read(root("data").join(name)).unwrap();
        let hash = hex(&Sha256::digest(&bytes));
        let row = readme
            .lines()
            .find(|line| line.contains(&format!("`{name}`")));
        assert!(row.unwrap().contains(&hash), "{name}: {hash}");
    }
}

#[test]
fn surnames_are_read_letter_by_letter() {
    let data = open("data/names");
    assert_eq!(
        (
            data.train.len() + data.held_out.len(),
            data.report.duplicates
        ),
        (88_799, 0)
    );
    assert_eq!(
        (data.tokenizer.kind(), data.tokenizer.len()),
        (TokenKind::Character, 30)
    );
    assert_eq!(
        (data.report.longest, data.report.unknown_held_out),
        (13, 0.0)
    );
    assert_eq!(data.report.max_length, 13);
    assert_eq!(texts(&data, &data.train.select([0])), ["smith"]);
    let share = data.held_out.len() as f64 / 88_799.0;
    assert!((0.097..0.103).contains(&share), "{share}");
}

#[test]
fn quatrains_are_read_character_by_character() {
    let data = open("data/poems");
    assert_eq!(data.train.len() + data.held_out.len(), 10_321);
    assert_eq!(
        (data.tokenizer.kind(), data.tokenizer.len()),
        (TokenKind::Character, 3004)
    );
    assert!(data.train.iter().all(|ids| ids.len() == 32));
    assert!(
        data.report.unknown_held_out < 0.02,
        "{}",
        data.report.unknown_held_out
    );
}
