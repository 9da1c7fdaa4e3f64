//! Texts as sequences of token ids, and back.

mod file;
mod folder;
mod jamo;
mod script;
mod vocabulary;
mod words;

use self::file::FileTokenizer;
use self::vocabulary::Vocabulary;
use crate::TextError;
use crate::reading::normalised;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

pub(crate) use self::script::Script;
pub(crate) use self::vocabulary::Counts;

/// The id that fills a batch after the end of shorter sequences.
pub const PAD: u32 = 0;
/// The id before the first token.
pub const START: u32 = 1;
/// The id after the last token.
pub const END: u32 = 2;
/// The id of every token that is not in the vocabulary.
pub const UNKNOWN: u32 = 3;

/// The id of the first token that is not special.
pub(crate) const FIRST_TOKEN: u32 = 4;

/// What stands for the special ones where tokens are listed.
pub(crate) const SPECIAL_TOKENS: [&str; FIRST_TOKEN as usize] =
    ["<pad>", "<start>", "<end>", "<unk>"];

/// How an unknown token is written: U+FFFD, replacement character.
const UNKNOWN_TEXT: &str = "\u{fffd}";

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenKind {
    /// Words and punctuation.
    Word,
    /// Characters.
    Character,
    /// Characters, with Hangul syllables taken apart into their letters.
    Jamo,
    /// Bytes of UTF-8.
    Byte,
    /// What a `tokenizer.json` says.
    File,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "words",
            Self::Character => "characters",
            Self::Jamo => "jamo",
            Self::Byte => "bytes",
            Self::File => "tokens of tokenizer.json",
        })
    }
}

/// Texts as ids from 0 to below [`len`](Self::len), of which the first four are [`PAD`], [`START`], [`END`] and
/// [`UNKNOWN`].
///
/// ```
/// use gan_text::Tokenizer;
///
/// let bytes = Tokenizer::bytes(false);
/// assert_eq!(bytes.encode("ab"), [4 + 97, 4 + 98]);
/// assert_eq!(bytes.decode(&bytes.encode("café")), "café");
/// ```
#[derive(Clone, Debug)]
pub struct Tokenizer {
    kind: TokenKind,
    lowercase: bool,
    model: Model,
}

#[derive(Clone, Debug)]
enum Model {
    /// Of bytes, of which each is in the vocabulary at its value.
    Vocabulary(Vocabulary),
    File(FileTokenizer),
}

/// The text of ids; without a tokenizer, as in the synthetic benchmark, the ids themselves with spaces between.
pub fn written(tokenizer: Option<&Tokenizer>, ids: &[u32]) -> String {
    match tokenizer {
        Some(tokenizer) => tokenizer.decode(ids),
        None => ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
    }
}

impl Tokenizer {
    /// Bytes of UTF-8, with a vocabulary of 260.
    pub fn bytes(lowercase: bool) -> Self {
        let names = (0..=u8::MAX).map(|byte| format!("<{byte:#04X}>"));
        Self::new(TokenKind::Byte, lowercase, Vocabulary::new(names))
    }

    /// The tokens of a `tokenizer.json` at `path`, with ids from 4; its unknown token is [`UNKNOWN`].
    ///
    /// # Errors
    /// When the file cannot be read or used, or has a model that encodes a text in another way each time.
    pub fn from_file(path: &Path, lowercase: bool) -> Result<Self, TextError> {
        Ok(Self {
            kind: TokenKind::File,
            lowercase,
            model: Model::File(FileTokenizer::read(path)?),
        })
    }

    /// The `limit` most frequent tokens, for kinds that have pieces.
    pub(crate) fn of_counts(
        kind: TokenKind,
        lowercase: bool,
        counts: Counts,
        limit: usize,
    ) -> Self {
        Self::new(kind, lowercase, counts.into_vocabulary(limit))
    }

    fn new(kind: TokenKind, lowercase: bool, vocabulary: Vocabulary) -> Self {
        Self {
            kind,
            lowercase,
            model: Model::Vocabulary(vocabulary),
        }
    }

    /// What a token is.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Whether texts are put in lower case first.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// The tokens by id, the special ones first. Bytes are written `<0xFF>`; ids that a `tokenizer.json` leaves
    /// out are empty.
    pub fn vocabulary(&self) -> &[String] {
        match &self.model {
            Model::Vocabulary(vocabulary) => vocabulary.tokens(),
            Model::File(file) => file.tokens(),
        }
    }

    /// The number of ids.
    pub fn len(&self) -> usize {
        self.vocabulary().len()
    }

    /// Never: there are special tokens.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The ids of a text, without start and end. The text is normalised first: NFC, one space for each run of
    /// white space, lower case if this tokenizer has it.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_normalised(&normalised(text, self.lowercase), &mut ids);
        ids
    }

    /// The same for the beginning of a text, whose last space counts where a token is not a word.
    pub fn encode_beginning(&self, text: &str) -> Vec<u32> {
        let mut beginning = normalised(text, self.lowercase).into_owned();
        let counts = !matches!(self.kind, TokenKind::Word | TokenKind::File);
        if counts && !beginning.is_empty() && text.ends_with(char::is_whitespace) {
            beginning.push(' ');
        }
        let mut ids = Vec::new();
        self.encode_normalised(&beginning, &mut ids);
        ids
    }

    /// Adds the ids of a text that is normalised.
    pub(crate) fn encode_normalised(&self, text: &str, ids: &mut Vec<u32>) {
        match &self.model {
            Model::File(file) => file.encode(text, ids),
            Model::Vocabulary(_) if self.kind == TokenKind::Byte => {
                ids.extend(text.bytes().map(|byte| FIRST_TOKEN + u32::from(byte)));
            }
            Model::Vocabulary(vocabulary) => each_piece(self.kind, text, |piece| {
                ids.push(vocabulary.id(piece).unwrap_or(UNKNOWN));
            }),
        }
    }

    /// Shortens the ids of a text to at most `length`, and not in the middle of a character or behind a letter
    /// that begins a syllable: what is left is well formed.
    pub(crate) fn cut(&self, ids: &mut Vec<u32>, length: usize) {
        if ids.len() <= length {
            return;
        }
        ids.truncate(length);
        match self.kind {
            TokenKind::Byte => {
                let valid = valid_len(&bytes_of(ids));
                ids.truncate(valid);
            }
            TokenKind::Jamo if self.texts(ids).last().is_some_and(jamo::begins_syllable) => {
                ids.pop();
            }
            _ => {}
        }
    }

    /// The text of ids up to the first [`END`], without start and padding. Words are joined with the usual spaces,
    /// letters of Hangul are composed; unknown tokens and invalid bytes are U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let ids = spoken(ids);
        match (&self.model, self.kind) {
            (Model::File(file), _) => file.decode(&ids),
            (_, TokenKind::Byte) => String::from_utf8_lossy(&bytes_of(&ids)).into_owned(),
            (_, TokenKind::Word) => words::join(self.texts(&ids)),
            (_, TokenKind::Jamo) => jamo::compose(self.texts(&ids).flat_map(str::chars)).text,
            _ => self.texts(&ids).collect(),
        }
    }

    /// The share of what was generated that is well formed, which is 1 for real text: of jamo, the letters of
    /// Hangul that compose into syllables; of bytes, those that are UTF-8. `None` for other tokens, which
    /// cannot be wrong, and if there are no letters or bytes.
    pub fn valid_share<'a>(&self, sequences: impl IntoIterator<Item = &'a [u32]>) -> Option<f64> {
        let (mut valid, mut all) = (0, 0);
        for ids in sequences {
            let ids = spoken(ids);
            match self.kind {
                TokenKind::Jamo => {
                    let done = jamo::compose(self.texts(&ids).flat_map(str::chars));
                    valid += done.composed;
                    all += done.letters;
                }
                TokenKind::Byte => {
                    let bytes = bytes_of(&ids);
                    valid += valid_len(&bytes);
                    all += bytes.len();
                }
                _ => return None,
            }
        }
        (all > 0).then(|| valid as f64 / all as f64)
    }

    fn texts<'a>(&'a self, ids: &'a [u32]) -> impl Iterator<Item = &'a str> {
        let tokens = self.vocabulary();
        ids.iter().map(move |id| match *id {
            UNKNOWN => UNKNOWN_TEXT,
            id => tokens.get(id as usize).map_or(UNKNOWN_TEXT, String::as_str),
        })
    }
}

/// Gives the pieces of a normalised text to `visit`: words, characters or jamo.
pub(crate) fn each_piece(kind: TokenKind, text: &str, mut visit: impl FnMut(&str)) {
    let mut room = [0; 4];
    match kind {
        TokenKind::Word => words::each(text, visit),
        TokenKind::Jamo => jamo::each(text, |letter| visit(letter.encode_utf8(&mut room))),
        _ => text
            .chars()
            .for_each(|character| visit(character.encode_utf8(&mut room))),
    }
}

/// The ids up to the first end, without padding and starts.
fn spoken(ids: &[u32]) -> Vec<u32> {
    let ids = ids.iter().copied().take_while(|id| *id != END);
    ids.filter(|id| *id != PAD && *id != START).collect()
}

/// The bytes of ids of bytes; an unknown one is 0xff, which is in no UTF-8.
fn bytes_of(ids: &[u32]) -> Vec<u8> {
    let byte = |id: &u32| {
        id.checked_sub(FIRST_TOKEN)
            .and_then(|byte| u8::try_from(byte).ok())
    };
    ids.iter().map(|id| byte(id).unwrap_or(u8::MAX)).collect()
}

/// How many of the bytes belong to valid UTF-8.
fn valid_len(bytes: &[u8]) -> usize {
    bytes.utf8_chunks().map(|chunk| chunk.valid().len()).sum()
}

#[cfg(test)]
mod tests;
