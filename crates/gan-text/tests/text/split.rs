//! What is held out, by the contents of the texts.

use crate::support::{read, texts};
use gan_text::{TextConfig, Tokens};
use std::collections::BTreeSet;

fn sides(text: &str, config: &TextConfig) -> [BTreeSet<String>; 2] {
    let data = read("a.txt", text.as_bytes(), config).unwrap();
    [&data.train, &data.held_out].map(|side| texts(&data, side).into_iter().collect())
}

fn numbers(range: impl Iterator<Item = u32>) -> String {
    range.map(|number| format!("line {number}\n")).collect()
}

#[test]
fn a_tenth_is_held_out_whatever_the_order_and_the_tokens() {
    let config = TextConfig {
        tokens: Tokens::Byte,
        ..TextConfig::default()
    };
    let [training, held_out] = sides(&numbers(0..1000), &config);
    assert_eq!(training.len() + held_out.len(), 1000);
    assert!((70..=130).contains(&held_out.len()), "{}", held_out.len());
    for tokens in [Tokens::Word, Tokens::Character, Tokens::Jamo] {
        let config = TextConfig {
            tokens,
            ..config.clone()
        };
        let data = read("a.txt", numbers((0..1000).rev()).as_bytes(), &config).unwrap();
        assert_eq!(data.held_out.len(), held_out.len(), "{tokens:?}");
    }
    let [_, again] = sides(&numbers((0..1000).rev()), &config);
    assert_eq!(again, held_out);
    // A larger share holds out the same and more.
    let more = TextConfig {
        held_out: Some(0.3),
        ..config
    };
    let [_, more] = sides(&numbers(0..1000), &more);
    assert!(more.is_superset(&held_out) && more.len() > 2 * held_out.len());
}

#[test]
fn repetitions_are_on_one_side_also_when_they_are_kept() {
    let text = numbers((0..300).map(|number| number % 100));
    for remove_duplicates in [true, false] {
        let config = TextConfig {
            remove_duplicates,
            tokens: Tokens::Byte,
            ..TextConfig::default()
        };
        let data = read("a.txt", text.as_bytes(), &config).unwrap();
        let lines = if remove_duplicates { 100 } else { 300 };
        assert_eq!(data.train.len() + data.held_out.len(), lines);
        assert_eq!(data.report.duplicates, 200);
        let [training, held_out] = sides(&text, &config);
        assert!(training.is_disjoint(&held_out));
    }
}

#[test]
fn the_vocabulary_is_of_the_training_texts_alone() {
    // Each line is a character of its own, so all that is held out is unknown.
    let text: String = (0..200)
        .filter_map(|k| char::from_u32(0x4e00 + k))
        .flat_map(|c| [c, '\n'])
        .collect();
    let data = read("a.txt", text.as_bytes(), &TextConfig::default()).unwrap();
    assert_eq!(data.report.unknown_held_out, 1.0);
    assert_eq!(data.tokenizer.len(), 4 + data.train.len());
    assert_eq!(data.report.different_tokens, Some(data.train.len()));
}
