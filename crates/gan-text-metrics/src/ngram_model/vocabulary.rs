//! Tokens as consecutive numbers, so that ids may be any, and markers beyond them.

use std::collections::HashMap;

/// The known tokens by first appearance, "words" from 0 on, then the end and the start.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    words: HashMap<u32, u32>,
    tokens: Vec<u32>,
}

impl Vocabulary {
    /// The word of `token`, a new one if it is not known.
    pub(super) fn learn(&mut self, token: u32) {
        let next = self.tokens.len() as u32;
        if *self.words.entry(token).or_insert(next) == next {
            self.tokens.push(token);
        }
    }

    /// The word of `token`, if it is known.
    pub(super) fn word(&self, token: u32) -> Option<u32> {
        self.words.get(&token).copied()
    }

    /// The token of `word`, if it is not a marker.
    pub(super) fn token(&self, word: u32) -> Option<u32> {
        self.tokens.get(word as usize).copied()
    }

    /// The word that ends a sequence.
    pub(super) fn end(&self) -> u32 {
        self.tokens.len() as u32
    }

    /// The word before a sequence, which is never an event.
    pub(super) fn start(&self) -> u32 {
        self.end() + 1
    }

    /// How many events have a probability: the known tokens, the end and the unknown token.
    pub(super) fn events(&self) -> u32 {
        self.end() + 2
    }
}
