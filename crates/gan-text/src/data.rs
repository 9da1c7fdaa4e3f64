//! A text as sequences to train on and sequences that are held out.

use crate::config::{Long, MOST_LENGTH, TextConfig, Tokens};
use crate::error::Problem;
use crate::lengths::Lengths;
use crate::reading::{Side, Source};
use crate::survey::Survey;
use crate::tokens::{Counts, TokenKind, Tokenizer, UNKNOWN, each_piece};
use crate::{TextError, TextReport};
use gan_core::Sequences;
use std::path::Path;

/// The most words of a vocabulary, and the most characters or jamo, by default.
const DEFAULT_WORDS: usize = 5000;
const DEFAULT_CHARACTERS: usize = 3000;

/// A text that was read, divided and encoded.
#[derive(Clone, Debug)]
pub struct TextData {
    /// The sequences to train on, in the order of the files, without start and end.
    pub train: Sequences,
    /// Those that are held out.
    pub held_out: Sequences,
    /// What made ids of them.
    pub tokenizer: Tokenizer,
    /// What was read and left out.
    pub report: TextReport,
}

impl TextData {
    /// Reads a file or a folder of files, with a vocabulary of its training texts.
    ///
    /// A file is a text a line; one that ends in `.jsonl` an object a line, one that ends in `.csv` a row with a
    /// header, whose `field` is the text. A folder is its `.txt` files, else its `.jsonl`, else its `.csv` files,
    /// all together; but a file called `test`, else `valid`, is held out beside one called `train`, and of two
    /// files (`test_coco.txt` is called `test` too). Otherwise a share is held out by SHA-256 of the texts.
    ///
    /// Texts are brought into NFC, with one space for each run of white space. The files are read three times,
    /// in blocks: only hashes, counts and ids are kept in memory.
    ///
    /// # Errors
    /// When a file cannot be read or decoded, is no text, or has no field of the name, by file and line; when a
    /// line is longer than 1 MiB; when nothing is left to train on; or when a key of `config` is out of its range.
    pub fn open(path: &Path, config: &TextConfig) -> Result<Self, TextError> {
        config.check()?;
        let (source, survey) = survey(path, config)?;
        let (kind, reason) = match config.tokens {
            Tokens::Auto => {
                let (kind, reason) = survey.script.choose();
                (kind, Some(reason))
            }
            Tokens::Word => (TokenKind::Word, None),
            Tokens::Character => (TokenKind::Character, None),
            Tokens::Jamo => (TokenKind::Jamo, None),
            Tokens::Byte => (TokenKind::Byte, None),
        };
        let given = match (&config.tokenizer, kind) {
            (Some(file), _) => Tokenizer::from_file(file, config.lowercase)?,
            (None, TokenKind::Byte) => Tokenizer::bytes(config.lowercase),
            _ => {
                let (tokenizer, mut counted) = learn(&source, &survey, kind, config)?;
                counted.reason = reason;
                return encode(&source, &survey, config, tokenizer, &counted);
            }
        };
        let counted = measure(&source, &survey, &given)?;
        encode(&source, &survey, config, given, &counted)
    }

    /// The same with the tokens of an earlier run, as sequences that its model knows. `lowercase` must be that of
    /// the tokenizer; `tokens`, `tokenizer` and `vocabulary` are not looked at.
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn with_tokenizer(
        path: &Path,
        config: &TextConfig,
        tokenizer: Tokenizer,
    ) -> Result<Self, TextError> {
        config.check()?;
        if config.lowercase != tokenizer.lowercase() {
            return Err(TextError::Setting {
                key: "data.lowercase",
                found: config.lowercase.to_string(),
                expected: format!("{}, as when the tokens were made", tokenizer.lowercase()),
            });
        }
        let (source, survey) = survey(path, config)?;
        let counted = measure(&source, &survey, &tokenizer)?;
        encode(&source, &survey, config, tokenizer, &counted)
    }
}

fn survey(path: &Path, config: &TextConfig) -> Result<(Source, Survey), TextError> {
    let source = Source::find(path, config)?;
    let survey = Survey::of(&source, config)?;
    Ok((source, survey))
}

/// What the second reading counted of the training texts.
struct Counted {
    lengths: Lengths,
    /// If the vocabulary was made of them.
    different_tokens: Option<usize>,
    /// Why these tokens were chosen, if the text decided.
    reason: Option<&'static str>,
}

/// Makes a vocabulary of the training texts.
fn learn(
    source: &Source,
    survey: &Survey,
    kind: TokenKind,
    config: &TextConfig,
) -> Result<(Tokenizer, Counted), TextError> {
    let mut counts = Counts::default();
    let mut lengths = Lengths::default();
    survey.each_kept(source, |side, text| {
        if side == Side::Training {
            let mut length = 0;
            each_piece(kind, text, |piece| {
                counts.add(piece);
                length += 1;
            });
            lengths.add(length);
        }
    })?;
    let limit = match kind {
        TokenKind::Word => DEFAULT_WORDS,
        _ => DEFAULT_CHARACTERS,
    };
    let counted = Counted {
        lengths,
        different_tokens: Some(counts.len()),
        reason: None,
    };
    let limit = config.vocabulary.unwrap_or(limit);
    Ok((
        Tokenizer::of_counts(kind, config.lowercase, counts, limit),
        counted,
    ))
}

/// Measures the training texts in tokens that are known.
fn measure(source: &Source, survey: &Survey, tokenizer: &Tokenizer) -> Result<Counted, TextError> {
    let mut lengths = Lengths::default();
    let mut ids = Vec::new();
    survey.each_kept(source, |side, text| {
        if side == Side::Training {
            ids.clear();
            tokenizer.encode_normalised(text, &mut ids);
            lengths.add(ids.len());
        }
    })?;
    Ok(Counted {
        lengths,
        different_tokens: None,
        reason: None,
    })
}

/// The sequences of a side, and how many of their tokens are unknown.
#[derive(Default)]
struct Encoded {
    sequences: Sequences,
    unknown: usize,
}

impl Encoded {
    fn push(&mut self, ids: &[u32]) {
        self.sequences.push(ids);
        self.unknown += ids.iter().filter(|id| **id == UNKNOWN).count();
    }

    fn unknown_share(&self) -> f64 {
        self.unknown as f64 / self.sequences.tokens().max(1) as f64
    }
}

/// Makes ids of the texts and reports all that was counted.
fn encode(
    source: &Source,
    survey: &Survey,
    config: &TextConfig,
    tokenizer: Tokenizer,
    counted: &Counted,
) -> Result<TextData, TextError> {
    let lengths = &counted.lengths;
    let max_length = config.max_length.unwrap_or_else(|| default_length(lengths));
    let (mut training, mut held_out) = (Encoded::default(), Encoded::default());
    let (mut too_long, mut without_tokens) = (0, 0);
    let mut ids = Vec::new();
    survey.each_kept(source, |side, text| {
        ids.clear();
        tokenizer.encode_normalised(text, &mut ids);
        without_tokens += u64::from(ids.is_empty());
        let is_long = ids.len() > max_length;
        too_long += u64::from(is_long);
        tokenizer.cut(&mut ids, max_length);
        let encoded = match side {
            Side::Training => &mut training,
            Side::HeldOut => &mut held_out,
        };
        // A tokenizer.json may leave nothing of a text, and a cut nothing of its first character.
        if !(ids.is_empty() || is_long && config.long == Long::Drop) {
            encoded.push(&ids);
        }
    })?;
    if training.sequences.is_empty() {
        let problem = match survey.sides(Side::Training) {
            0 => all_held_out(survey.shared),
            _ => nothing_left(max_length),
        };
        return Err(problem.of(source.path(), None));
    }
    let report = TextReport {
        files: source.files(),
        skipped: source.skipped().to_vec(),
        lines: survey.lines(),
        blank: survey.blank,
        duplicates: survey.duplicates,
        shared: survey.shared,
        without_tokens,
        removed: config.remove_duplicates,
        training: training.sequences.len(),
        held_out: held_out.sequences.len(),
        division: survey.division.clone(),
        kind: tokenizer.kind(),
        reason: counted.reason,
        vocabulary: tokenizer.len(),
        different_tokens: counted.different_tokens,
        median_length: lengths.percentile(50),
        percentile_99_length: lengths.percentile(99),
        longest: lengths.percentile(100),
        max_length,
        too_long,
        long: config.long,
        unknown_training: training.unknown_share(),
        unknown_held_out: held_out.unknown_share(),
        double_encoding: survey.double_encoding,
    };
    Ok(TextData {
        train: training.sequences,
        held_out: held_out.sequences,
        tokenizer,
        report,
    })
}

/// The length of the longest text, unless the others are much shorter.
fn default_length(lengths: &Lengths) -> usize {
    let (most, longest) = (lengths.percentile(99), lengths.percentile(100));
    let length = if longest <= most + most / 2 {
        longest
    } else {
        most
    };
    length.clamp(1, MOST_LENGTH)
}

fn all_held_out(shared: u64) -> Problem {
    Problem::new(
        format!("no text to train on is left: {shared} of them are held out as well"),
        "at least one that is not",
        "give other texts to train on, or others to hold out",
    )
}

fn nothing_left(max_length: usize) -> Problem {
    Problem::new(
        format!("no text to train on has at most {max_length} tokens"),
        "at least one",
        "set a larger `data.max_length`, or `data.long` to cut",
    )
}
