//! What was read of a text, what was left out and what its tokens are.

use crate::reading::DoubleEncoding;
use crate::tokens::SPECIAL_TOKENS;
use crate::{Long, TokenKind};
use gan_core::grouped;
use std::fmt;

/// The most names of files that the summary lists.
const NAMED: usize = 5;

/// A larger share of unknown tokens is a warning.
const MOSTLY: f64 = 0.5;

/// What was read, left out and counted; its text is a summary of a few lines.
#[derive(Clone, Debug, PartialEq)]
pub struct TextReport {
    /// The number of files.
    pub files: usize,
    /// What else lies in the folder and was not read.
    pub skipped: Vec<String>,
    /// The texts in the files: lines, fields or cells, blank or not.
    pub lines: u64,
    /// Blank ones, which are left out.
    pub blank: u64,
    /// Repetitions of a text before them, in their file if there is a split.
    pub duplicates: u64,
    /// Training texts that the split's held-out file has too.
    pub shared: u64,
    /// Texts of which the tokenizer knows nothing, which are left out.
    pub without_tokens: u64,
    /// Whether these and the repetitions are left out.
    pub removed: bool,
    /// Texts to train on.
    pub training: usize,
    /// Texts that are held out.
    pub held_out: usize,
    /// What is held out, the name of a file or `by a hash of the text`; or why nothing is.
    pub division: String,
    /// What a token is.
    pub kind: TokenKind,
    /// Why, if it was chosen by the text.
    pub reason: Option<&'static str>,
    /// The number of ids, with the four special ones.
    pub vocabulary: usize,
    /// The number of different tokens of the training texts, if the vocabulary was made of them.
    pub different_tokens: Option<usize>,
    /// Lengths of the training texts in tokens, before any is cut: the median.
    pub median_length: usize,
    /// The least length that 99 % of them do not exceed.
    pub percentile_99_length: usize,
    /// The longest.
    pub longest: usize,
    /// The most tokens of a text.
    pub max_length: usize,
    /// The texts that had more.
    pub too_long: u64,
    /// What happened to them.
    pub long: Long,
    /// The share of unknown tokens in the training texts, from 0 to 1.
    pub unknown_training: f64,
    /// The same in the held-out texts.
    pub unknown_held_out: f64,
    /// Lines that look as if they had been encoded twice. They are not changed.
    pub double_encoding: DoubleEncoding,
}

impl fmt::Display for TextReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [self.read(), self.sides(), self.tokens(), self.lengths()];
        f.write_str(&lines.join("\n"))?;
        let lines = [self.skipped(), self.encoded_twice(), self.mostly_unknown()];
        for line in lines.into_iter().flatten() {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}

impl TextReport {
    /// `23,646 texts in 1 file: 2 blank and 4,210 repeated ones left out`.
    fn read(&self) -> String {
        let repeated = if self.removed {
            "repeated"
        } else {
            "repeated (kept)"
        };
        let counts = [
            (self.blank, "blank"),
            (self.duplicates, repeated),
            (self.shared, "both to train on and held out"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{} {what}", grouped(*count)))
            .collect();
        let without = (self.without_tokens > 0).then(|| {
            let number = grouped(self.without_tokens);
            format!("; {number} without a token left out")
        });
        let without = without.unwrap_or_default();
        let texts = counted(self.lines, "text");
        let read = format!("{texts} in {}", counted(self.files as u64, "file"));
        match (counts.is_empty(), self.removed) {
            (true, _) => format!("{read}, none blank or repeated{without}"),
            (false, true) => format!("{read}; left out: {}{without}", counts.join(", ")),
            (false, false) => format!("{read}: {}{without}", counts.join(", ")),
        }
    }

    fn sides(&self) -> String {
        let [training, held_out] =
            [self.training, self.held_out].map(|texts| grouped(texts as u64));
        match self.held_out {
            0 => format!(
                "{training} to train on, nothing held out ({})",
                self.division
            ),
            _ => format!(
                "{training} to train on, {held_out} held out ({})",
                self.division
            ),
        }
    }

    fn tokens(&self) -> String {
        let kind = self.kind;
        let reason = self
            .reason
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        let special = SPECIAL_TOKENS.len();
        let own = grouped(self.vocabulary.saturating_sub(special) as u64);
        let of = self.different_tokens.map_or_else(String::new, |different| {
            format!(" of {} different ones", grouped(different as u64))
        });
        let [training, held_out] = [self.unknown_training, self.unknown_held_out].map(percent);
        let unknown = match self.held_out {
            0 => format!("unknown {training}"),
            _ => format!("unknown {training} in training, {held_out} held out"),
        };
        format!("tokens: {kind}{reason}, {own}{of} and {special} special ones; {unknown}")
    }

    fn lengths(&self) -> String {
        let [median, most, longest, limit] = [
            self.median_length,
            self.percentile_99_length,
            self.longest,
            self.max_length,
        ]
        .map(|length| grouped(length as u64));
        let done = match self.long {
            Long::Cut => "cut",
            Long::Drop => "left out",
        };
        let too_long = grouped(self.too_long);
        format!(
            "length: median {median}, 99 % up to {most}, longest {longest}; {too_long} above {limit} {done}"
        )
    }

    fn skipped(&self) -> Option<String> {
        let more = match self.skipped.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = self
            .skipped
            .iter()
            .take(NAMED)
            .map(String::as_str)
            .collect();
        (!named.is_empty()).then(|| format!("not read: {}{more}", named.join(", ")))
    }

    fn mostly_unknown(&self) -> Option<String> {
        (self.unknown_training > MOSTLY).then(|| {
            let share = percent(self.unknown_training);
            format!(
                "warning: {share} of the tokens are unknown; there is little to learn; choose other tokens, or a \
                 larger vocabulary"
            )
        })
    }

    fn encoded_twice(&self) -> Option<String> {
        let DoubleEncoding {
            lines,
            restorable,
            lost,
        } = self.double_encoding;
        let share = restorable as f64 / (restorable + lost).max(1) as f64;
        (lines > 0).then(|| {
            format!(
                "warning: {} as if encoded twice (UTF-8 read as Windows-1252 or Latin-1); decoding once more would restore \
                 {} of their characters beyond ASCII; nothing was changed",
                match lines {
                    1 => "1 line looks".to_string(),
                    lines => format!("{} lines look", grouped(lines)),
                },
                percent(share)
            )
        })
    }
}

/// `1 text`, `2 texts`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
