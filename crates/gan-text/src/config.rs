//! What a user may say about a text, as the table `data` of a configuration.

use crate::TextError;
use crate::reading::encoding_of;
use gan_core::{Range, check_ranges};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The most tokens of a text: far beyond any use, but a typing error must not take all of the memory.
pub const MOST_LENGTH: usize = 65_536;

/// The share that is held out of a text without a split of its own.
pub(crate) const DEFAULT_HELD_OUT: f64 = 0.1;

/// How a text is read, divided into tokens and split. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextConfig {
    /// The field of `.jsonl` files or the column of `.csv` files that holds the text; several, separated by
    /// commas, are texts of their own. `text` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The files' encoding, by one of its usual names, such as `euc-kr` or `windows-1252`.
    pub encoding: String,
    /// What a token is.
    pub tokens: Tokens,
    /// A `tokenizer.json` that says what a token is instead of `tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// Whether the text is put in lower case first.
    pub lowercase: bool,
    /// The most tokens of the vocabulary, beside the special ones; the rarest are unknown. 5,000 words or 3,000
    /// characters by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<usize>,
    /// The most tokens of a text; by default as many as 99 % of the training texts have at most, or as the longest
    /// has if these are at most half as many again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// What happens to longer texts.
    pub long: Long,
    /// Whether repeated texts are left out.
    pub remove_duplicates: bool,
    /// The share that is held out of a text without a split of its own, from 0 to 0.5; a tenth by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<f64>,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            field: None,
            encoding: "utf-8".to_string(),
            tokens: Tokens::Auto,
            tokenizer: None,
            lowercase: false,
            vocabulary: None,
            max_length: None,
            long: Long::Cut,
            remove_duplicates: true,
            held_out: None,
        }
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// Characters where most letters are of a script that writes no spaces between words, or Hangul, and where
    /// most texts are single words; else words.
    #[default]
    Auto,
    /// Words and punctuation.
    Word,
    /// Characters.
    Character,
    /// Characters, with Hangul syllables taken apart into their letters.
    Jamo,
    /// Bytes of UTF-8.
    Byte,
}

/// What happens to texts with too many tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Long {
    /// Their first tokens are kept.
    #[default]
    Cut,
    /// They are left out.
    Drop,
}

impl TextConfig {
    /// The largest vocabulary.
    const MOST_TOKENS: u64 = 1_000_000;

    /// Whether the values are in their ranges and fit each other.
    ///
    /// # Errors
    /// Names the key, its value and what would fit.
    pub fn check(&self) -> Result<(), TextError> {
        let whole = |number: Option<usize>| number.map(|number| number as u64).into();
        check_ranges(&[
            (
                "data.vocabulary",
                whole(self.vocabulary),
                Range::OneTo(Self::MOST_TOKENS),
            ),
            (
                "data.max_length",
                whole(self.max_length),
                Range::OneTo(MOST_LENGTH as u64),
            ),
            ("data.held_out", self.held_out.into(), Range::ZeroTo(0.5)),
        ])?;
        encoding_of(&self.encoding)?;
        if let (Some(_), Some(vocabulary)) = (&self.tokenizer, self.vocabulary) {
            return Err(TextError::Setting {
                key: "data.vocabulary",
                found: vocabulary.to_string(),
                expected: "no value beside `data.tokenizer`, whose file has a vocabulary"
                    .to_string(),
            });
        }
        if self.tokenizer.is_some() && self.tokens != Tokens::Auto {
            return Err(TextError::Setting {
                key: "data.tokens",
                found: format!("{:?}", self.tokens).to_lowercase(),
                expected: "no value beside `data.tokenizer`, whose file says what a token is"
                    .to_string(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_comes_back_as_it_was_written_and_unknown_keys_are_refused() {
        let config = TextConfig {
            field: Some("Q,A".to_string()),
            tokens: Tokens::Jamo,
            long: Long::Drop,
            held_out: Some(0.2),
            ..TextConfig::default()
        };
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TextConfig>(&text).unwrap(), config);
        let empty: TextConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, TextConfig::default());
        serde_json::from_str::<TextConfig>(r#"{"feild": "Q"}"#).unwrap_err();
    }

    #[test]
    fn values_out_of_range_are_named_by_their_key() {
        let said = |config: TextConfig| config.check().unwrap_err().to_string();
        let default = TextConfig::default;
        TextConfig::default().check().unwrap();
        let share = TextConfig {
            held_out: Some(0.6),
            ..default()
        };
        assert!(said(share).contains("data.held_out is 0.6"));
        let none = TextConfig {
            vocabulary: Some(0),
            ..default()
        };
        assert!(said(none).contains("data.vocabulary is 0"));
        let encoding = TextConfig {
            encoding: "utf-9".to_string(),
            ..default()
        };
        assert!(said(encoding).contains("`data.encoding` is utf-9"));
        let both = TextConfig {
            tokens: Tokens::Word,
            tokenizer: Some("tokenizer.json".into()),
            ..default()
        };
        assert!(said(both).contains("`data.tokens` is word"));
        let both = TextConfig {
            vocabulary: Some(7),
            tokenizer: Some("tokenizer.json".into()),
            ..default()
        };
        assert!(said(both).contains("`data.vocabulary` is 7"));
        let long = TextConfig {
            max_length: Some(MOST_LENGTH + 1),
            ..default()
        };
        assert!(said(long).contains("data.max_length is 65537"));
    }
}
