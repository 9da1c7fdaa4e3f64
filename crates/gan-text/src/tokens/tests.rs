//! Tokenizers of every kind: ids, texts and files.

use super::*;
use gan_core::Sequences;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

/// A tokenizer of all pieces of `texts`.
fn learned(kind: TokenKind, texts: &[&str]) -> Tokenizer {
    let mut counts = Counts::default();
    for text in texts {
        each_piece(kind, &normalised(text, false), |piece| counts.add(piece));
    }
    Tokenizer::of_counts(kind, false, counts, 5000)
}

fn all() -> [Tokenizer; 4] {
    let texts = ["하루가 또 가네요.", "a dog, a cat", "12시 땡!"];
    let learned = |kind| learned(kind, &texts);
    [
        learned(TokenKind::Word),
        learned(TokenKind::Character),
        learned(TokenKind::Jamo),
        Tokenizer::bytes(false),
    ]
}

#[test]
fn known_texts_come_back_from_ids_of_every_kind() {
    for tokenizer in all() {
        for text in ["하루가 또 가네요.", "a dog, a cat", "12시 땡!", ""] {
            let ids = tokenizer.encode(text);
            assert!(
                ids.iter()
                    .all(|id| *id > UNKNOWN && (*id as usize) < tokenizer.len())
            );
            assert_eq!(tokenizer.decode(&ids), text, "{}", tokenizer.kind());
        }
    }
}

#[test]
fn texts_are_normalised_before_they_are_encoded() {
    let characters = learned(TokenKind::Character, &["é a"]);
    assert_eq!(
        characters.encode(" e\u{301}\t a\n"),
        characters.encode("é a")
    );
    let lower = Tokenizer::bytes(true);
    assert_eq!(lower.encode("AB"), lower.encode("ab"));
}

#[test]
fn special_tokens_are_not_written_and_nothing_follows_the_end() {
    for tokenizer in all() {
        let ids = tokenizer.encode("a dog");
        let padded = [&[START], &ids[..], &[END], &ids[..], &[PAD, PAD]].concat();
        assert_eq!(tokenizer.decode(&padded), "a dog");
        assert_eq!(tokenizer.decode(&[UNKNOWN]), "\u{fffd}");
        assert_eq!(tokenizer.decode(&[u32::MAX]), "\u{fffd}");
        assert_eq!(
            tokenizer.vocabulary()[..4],
            ["<pad>", "<start>", "<end>", "<unk>"]
        );
    }
}

#[test]
fn the_share_of_valid_output_is_one_for_real_text_alone() {
    let [words, characters, jamo, bytes] = all();
    let real = |tokenizer: &Tokenizer| {
        let ids = tokenizer.encode("하루가 또 가네요.");
        tokenizer.valid_share([&ids[..]])
    };
    assert_eq!([&words, &characters].map(real), [None; 2]);
    assert_eq!([&jamo, &bytes].map(real), [Some(1.0); 2]);
    let mut ids = jamo.encode("가");
    ids.reverse();
    assert_eq!(jamo.valid_share([&ids[..]]), Some(0.0));
    assert_eq!(jamo.valid_share([&jamo.encode("a")[..]]), None);
    // Two of the three bytes of a syllable, and one letter.
    let mut ids = bytes.encode("가a");
    ids.remove(2);
    let sequences: Sequences = [&ids[..]].into_iter().collect();
    assert_eq!(bytes.valid_share(sequences.iter()), Some(1.0 / 3.0));
}

#[test]
fn tokenizers_come_back_from_their_folder_and_hashes_tell_them_apart() {
    let mut hashes = Vec::new();
    for tokenizer in all() {
        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path()).unwrap();
        let back = Tokenizer::load(folder.path()).unwrap();
        assert_eq!(back.vocabulary(), tokenizer.vocabulary());
        assert_eq!(
            (back.kind(), back.hash()),
            (tokenizer.kind(), tokenizer.hash())
        );
        hashes.push(back.hash());
    }
    hashes.push(Tokenizer::bytes(true).hash());
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
}

proptest! {
    #[test]
    fn any_text_comes_back_from_bytes(text in any::<String>()) {
        let bytes = Tokenizer::bytes(false);
        prop_assert_eq!(bytes.decode(&bytes.encode(&text)), normalised(&text, false));
    }

    #[test]
    fn any_text_comes_back_from_its_own_characters_and_jamo(text in any::<String>()) {
        for kind in [TokenKind::Character, TokenKind::Jamo] {
            let tokenizer = learned(kind, &[&text]);
            let normal = normalised(&text, false);
            // Letters of Hangul that stand apart may compose only with a neighbour, which NFC has done.
            prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), normal);
        }
    }

    #[test]
    fn any_ids_are_some_text(ids in prop::collection::vec(0_u32..400, 0..50)) {
        for tokenizer in all() {
            let text = tokenizer.decode(&ids);
            prop_assert!(text.chars().count() <= 40 * ids.len() + 1);
            let share = tokenizer.valid_share([&ids[..]]).unwrap_or(1.0);
            prop_assert!((0.0..=1.0).contains(&share));
        }
    }
}
