//! The tokens of a text by their frequency, and `vocab.txt`, which lists them.

use super::{FIRST_TOKEN, SPECIAL_TOKENS};
use crate::error::Problem;
use std::cmp::Reverse;
use std::collections::HashMap;

/// How often each token was seen.
#[derive(Default)]
pub(crate) struct Counts(HashMap<Box<str>, u64>);

impl Counts {
    pub(crate) fn add(&mut self, token: &str) {
        match self.0.get_mut(token) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(token.into(), 1);
            }
        }
    }

    /// The number of different tokens.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The `limit` most frequent tokens, after the special ones; equally frequent ones in the order of their
    /// text.
    pub(super) fn into_vocabulary(self, limit: usize) -> Vocabulary {
        let mut tokens: Vec<(Box<str>, u64)> = self.0.into_iter().collect();
        tokens.sort_unstable_by(|(a, count_a), (b, count_b)| {
            (Reverse(count_a), a).cmp(&(Reverse(count_b), b))
        });
        tokens.truncate(limit);
        Vocabulary::new(tokens.into_iter().map(|(token, _)| token.into()))
    }
}

/// Tokens by id, the special ones first.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    tokens: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// Different tokens beside the special ones.
    pub(super) fn new(tokens: impl IntoIterator<Item = String>) -> Self {
        let special = SPECIAL_TOKENS.map(str::to_string);
        let tokens: Vec<String> = special.into_iter().chain(tokens).collect();
        let ids = tokens.iter().zip(0..).skip(FIRST_TOKEN as usize);
        let ids = ids.map(|(token, id)| (token.clone(), id)).collect();
        Self { tokens, ids }
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// One token a line; backslashes, control characters and white space are escaped as in Rust.
    pub(super) fn to_text(&self) -> String {
        let lines = self.tokens.iter().map(|token| escaped(token) + "\n");
        lines.collect()
    }

    /// Reads what [`to_text`](Self::to_text) wrote; the line of a mistake is beside it.
    pub(super) fn parse(text: &str) -> Result<Self, (u64, Problem)> {
        let mut lines = text.lines();
        for (number, special) in (1..).zip(SPECIAL_TOKENS) {
            if lines.next() != Some(special) {
                return Err((number, wrong("something else", special)));
            }
        }
        let mut tokens = Vec::new();
        for (number, line) in (u64::from(FIRST_TOKEN) + 1..).zip(lines) {
            let token = unescaped(line).filter(|token| !token.is_empty());
            tokens.push(token.ok_or_else(|| (number, wrong("no token", "one")))?);
        }
        let vocabulary = Self::new(tokens);
        for (number, token) in (1..).zip(&vocabulary.tokens).skip(FIRST_TOKEN as usize) {
            if vocabulary.id(token) != Some(number - 1) {
                return Err((number.into(), wrong("a token that comes again", "it once")));
            }
        }
        Ok(vocabulary)
    }
}

fn wrong(found: &str, expected: &str) -> Problem {
    Problem::new(
        found,
        expected,
        "restore the file; it is written by the program",
    )
}

fn escaped(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    for character in token.chars() {
        if character.is_control() || character.is_whitespace() {
            text.extend(character.escape_unicode());
        } else if character == '\\' {
            text.push_str("\\\\");
        } else {
            text.push(character);
        }
    }
    text
}

fn unescaped(line: &str) -> Option<String> {
    let mut token = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\\') {
        token.push_str(before);
        if let Some(after) = after.strip_prefix('\\') {
            token.push('\\');
            rest = after;
        } else {
            let (code, after) = after.strip_prefix("u{")?.split_once('}')?;
            token.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
            rest = after;
        }
    }
    token.push_str(rest);
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    #[test]
    fn frequent_tokens_come_first_and_equals_by_their_text() {
        let mut counts = Counts::default();
        ["b", "a", "c", "c", "d", "b", "c"]
            .iter()
            .for_each(|token| counts.add(token));
        assert_eq!(counts.len(), 4);
        let vocabulary = counts.into_vocabulary(3);
        assert_eq!(vocabulary.tokens()[4..], ["c", "b", "a"]);
        assert_eq!((vocabulary.id("c"), vocabulary.id("d")), (Some(4), None));
        assert_eq!(vocabulary.id("<pad>"), None);
    }

    #[test]
    fn a_damaged_file_is_refused_by_its_line() {
        let text = "<pad>\n<start>\n<end>\n<unk>\na\n\\u{20}\n";
        assert_eq!(Vocabulary::parse(text).unwrap().tokens()[4..], ["a", " "]);
        for (damaged, line) in [
            (text.replace("<end>", "end"), 3),
            (text.replace("\na", "\n"), 5),
            (text.replace("u{20}", "u{d800}"), 6),
            (text.replace("u{20}", "n"), 6),
            (text.replace("\\u{20}", "a"), 5),
            (String::new(), 1),
        ] {
            assert_eq!(
                Vocabulary::parse(&damaged).unwrap_err().0,
                line,
                "{damaged:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_vocabulary_comes_back_as_it_was_written(tokens in prop::collection::hash_set(any::<String>(), 0..9)) {
            let tokens = tokens.into_iter().filter(|token| !token.is_empty());
            let vocabulary = Vocabulary::new(tokens);
            let back = Vocabulary::parse(&vocabulary.to_text()).map_err(|(line, _)| line).unwrap();
            prop_assert_eq!(back.tokens(), vocabulary.tokens());
        }
    }
}
