//! A `tokenizer.json` of the crate `tokenizers`, whose ids follow the special tokens.

use super::{FIRST_TOKEN, SPECIAL_TOKENS, UNKNOWN};
use crate::TextError;
use crate::error::Problem;
use gan_core::read_regular;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The largest file.
const MOST_BYTES: u64 = 64 << 20;

/// Ids are below this.
const MOST_TOKENS: u32 = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct FileTokenizer {
    tokenizer: Box<tokenizers::Tokenizer>,
    /// The file's id of what is not in its vocabulary.
    unknown: Option<u32>,
    /// Whether the model passes over what is not in its vocabulary: a BPE that knows neither an unknown token nor bytes.
    passes_over: bool,
    tokens: Vec<String>,
    bytes: Vec<u8>,
}

impl FileTokenizer {
    pub(super) fn read(path: &Path) -> Result<Self, TextError> {
        let io = |error| TextError::io(path, "check `data.tokenizer`")(error);
        let length = fs::metadata(path).map_err(io)?.len();
        if length > MOST_BYTES {
            let found = format!("the file has {length} bytes");
            return Err(wrong(found, "at most 64 MiB").of(path, None));
        }
        let bytes = read_regular(path).map_err(io)?;
        Self::parse(bytes).map_err(|problem| problem.of(path, None))
    }

    fn parse(bytes: Vec<u8>) -> Result<Self, Problem> {
        let not_one =
            |error: String| wrong(format!("not a tokenizer ({error})"), "a tokenizer.json");
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|error| not_one(error.to_string()))?;
        let model = &value["model"];
        if model["dropout"]
            .as_f64()
            .is_some_and(|dropout| dropout != 0.0)
        {
            let found = "it encodes a text in another way each time (`dropout` of its model)";
            return Err(wrong(found, "a `dropout` of null"));
        }
        let parsed = tokenizers::Tokenizer::from_bytes(&bytes);
        let mut tokenizer = parsed.map_err(|error| not_one(error.to_string()))?;
        let whole = tokenizer.with_truncation(None);
        whole
            .map_err(|error| not_one(error.to_string()))?
            .with_padding(None);
        let named = model["unk_token"]
            .as_str()
            .and_then(|token| tokenizer.token_to_id(token));
        let numbered = || {
            model["unk_id"]
                .as_u64()
                .and_then(|id| u32::try_from(id).ok())
        };
        let unknown = named.or_else(numbered);
        let knows_bytes = model["byte_fallback"].as_bool() == Some(true);
        Ok(Self {
            passes_over: model["type"] == "BPE" && unknown.is_none() && !knows_bytes,
            unknown,
            tokens: tokens(&tokenizer)?,
            tokenizer: Box::new(tokenizer),
            bytes,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Adds the ids of a text to `ids`. A text that the file's model cannot encode is one unknown token.
    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        if self.passes_over {
            return self.encode_by_place(text, ids);
        }
        let Ok(encoding) = self.tokenizer.encode_fast(text, false) else {
            return ids.push(UNKNOWN);
        };
        ids.extend(encoding.get_ids().iter().map(|id| match id {
            id if Some(*id) == self.unknown => UNKNOWN,
            id => FIRST_TOKEN + id,
        }));
    }

    /// The same for a model that passes over what it does not know: that becomes an unknown token.
    fn encode_by_place(&self, text: &str, ids: &mut Vec<u32>) {
        let Ok(encoding) = self.tokenizer.encode(text, false) else {
            return ids.push(UNKNOWN);
        };
        let is_lost = |from: usize, to: usize| {
            let between = text.get(from..to.max(from)).unwrap_or_default();
            !between.trim().is_empty()
        };
        let mut done = 0;
        for (id, (start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            if is_lost(done, *start) {
                ids.push(UNKNOWN);
            }
            ids.push(FIRST_TOKEN + id);
            done = done.max(*end);
        }
        if is_lost(done, text.len()) {
            ids.push(UNKNOWN);
        }
    }

    /// The text of ids that are not special, or [`UNKNOWN`].
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let own = ids.iter().filter_map(|id| match *id {
            UNKNOWN => self.unknown,
            id => id.checked_sub(FIRST_TOKEN),
        });
        let own: Vec<u32> = own.collect();
        self.tokenizer.decode(&own, true).unwrap_or_default()
    }
}

/// The tokens by id, the special ones first; ids that the file leaves out are empty.
fn tokens(tokenizer: &tokenizers::Tokenizer) -> Result<Vec<String>, Problem> {
    let vocabulary = tokenizer.get_vocab(true);
    let last = vocabulary.values().max().copied().unwrap_or_default();
    if vocabulary.is_empty() || last >= MOST_TOKENS {
        let found = format!("{} tokens, the last with id {last}", vocabulary.len());
        return Err(wrong(
            found,
            format!("at least one, and ids below {MOST_TOKENS}"),
        ));
    }
    let mut tokens = SPECIAL_TOKENS.map(str::to_string).to_vec();
    tokens.resize((FIRST_TOKEN + last + 1) as usize, String::new());
    for (token, id) in vocabulary {
        tokens[(FIRST_TOKEN + id) as usize] = token;
    }
    Ok(tokens)
}

fn wrong(found: impl Into<String>, expected: impl Into<String>) -> Problem {
    Problem::new(found, expected, "give another file as `data.tokenizer`")
}
