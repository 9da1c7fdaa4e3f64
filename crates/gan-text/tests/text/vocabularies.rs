//! What tokens are chosen, and how many.

use crate::support::{lines, read};
use gan_text::{TextConfig, TextData, TokenKind, Tokenizer, Tokens};

fn with(text: &str, config: &TextConfig) -> TextData {
    read("a.txt", text.as_bytes(), config).unwrap()
}

#[test]
fn the_text_decides_unless_it_is_said() {
    for (text, kind) in [
        ("a dog and a cat\n", TokenKind::Word),
        (
            "하루가 또 가네요.\n여행은 언제나 좋죠.\n",
            TokenKind::Character,
        ),
        ("smith\njohnson\n", TokenKind::Character),
    ] {
        let data = lines(text);
        assert_eq!(
            (data.tokenizer.kind(), data.report.reason.is_some()),
            (kind, true),
            "{text}"
        );
    }
    for (tokens, kind) in [
        (Tokens::Word, TokenKind::Word),
        (Tokens::Character, TokenKind::Character),
        (Tokens::Jamo, TokenKind::Jamo),
        (Tokens::Byte, TokenKind::Byte),
    ] {
        let config = TextConfig {
            tokens,
            ..TextConfig::default()
        };
        let data = with("하루가 또 가네요.\n", &config);
        assert_eq!((data.tokenizer.kind(), data.report.reason), (kind, None));
    }
}

#[test]
fn the_rarest_tokens_are_unknown_beyond_the_limit() {
    let config = TextConfig {
        vocabulary: Some(2),
        ..TextConfig::default()
    };
    let data = with("b b c a\na b d e f\n", &config);
    assert_eq!(data.tokenizer.vocabulary()[4..], ["b", "a"]);
    assert_eq!(data.report.different_tokens, Some(6));
    assert!((data.report.unknown_training - 4.0 / 9.0).abs() < 1e-12);
    let said = data.report.to_string();
    assert!(
        said.contains("2 of 6 different ones and 4 special ones; unknown 44.44 %"),
        "{said}"
    );
}

#[test]
fn a_million_different_characters_make_a_vocabulary_of_the_limit() {
    let characters = ('\u{20}'..=char::MAX).filter(|c| !c.is_control());
    let text: String = characters
        .enumerate()
        .map(|(k, c)| if k % 1000 == 999 { '\n' } else { c })
        .collect();
    let data = with(&text, &TextConfig::default());
    assert!(data.report.different_tokens > Some(900_000));
    assert!(data.tokenizer.len() <= 5004);
}

#[test]
fn lower_case_is_a_choice() {
    let config = TextConfig {
        lowercase: true,
        ..TextConfig::default()
    };
    let data = with("The DOG barks\nthe dog Barks\n", &config);
    assert_eq!((data.train.len(), data.report.duplicates), (1, 1));
    assert_eq!(data.tokenizer.encode("THE"), data.tokenizer.encode("the"));
}

#[test]
fn a_text_is_read_with_the_tokens_of_another() {
    let folder = tempfile::tempdir().unwrap();
    lines("a dog barks\nthe dog sleeps\n")
        .tokenizer
        .save(folder.path())
        .unwrap();
    let file = folder.path().join("other.txt");
    std::fs::write(&file, "a cat sleeps\n").unwrap();
    let config = TextConfig::default();
    let tokenizer = Tokenizer::load(folder.path()).unwrap();
    let data = TextData::with_tokenizer(&file, &config, tokenizer.clone()).unwrap();
    assert_eq!(data.tokenizer.hash(), tokenizer.hash());
    assert_eq!(
        data.tokenizer.decode(data.train.get(0).unwrap()),
        "a \u{fffd} sleeps"
    );
    let lower = TextConfig {
        lowercase: true,
        ..config
    };
    let error = TextData::with_tokenizer(&file, &lower, tokenizer).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`data.lowercase` is true, expected false")
    );
}
