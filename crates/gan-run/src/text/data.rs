//! Where texts come from.

use crate::RunError;
use crate::data::found_above;
use gan_core::{Purpose, Seed, Sequences, Weights};
use gan_ops::{Generation, LanguageModel, TokenBatch};
use gan_text::{
    TextConfig, TextCorpus, TextData, TextReport, Tokenizer, oracle, read_oracle, until_end,
    written,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a configuration calls the synthetic benchmark.
pub(crate) const ORACLE: &str = "oracle";

/// Sequences of the benchmark to train on, and others that are held out, as in SeqGAN's program.
const ORACLE_SEQUENCES: usize = 9984;

/// Tokens of each.
const ORACLE_STEPS: usize = 20;

/// Seed of the oracle and its sequences, which are the same in every run.
const DATA_SEED: Seed = Seed(0);

/// Which texts to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextDataConfig {
    /// A file with a text a line, a `.jsonl` or a `.csv` file, a folder of these, or `oracle`.
    pub path: PathBuf,
    /// The oracle's weights; without them it is random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oracle: Option<PathBuf>,
    /// How the text is read, divided into tokens and split.
    #[serde(flatten)]
    pub reading: TextConfig,
    /// Where the data were found, if not at `path`.
    #[serde(skip)]
    pub found: Option<PathBuf>,
}

impl Default for TextDataConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/poems"),
            oracle: None,
            reading: TextConfig::default(),
            found: None,
        }
    }
}

/// Texts as sequences, and what they are made of.
pub struct TextSet {
    /// What to train on.
    pub corpus: TextCorpus,
    /// What is held out.
    pub held_out: Sequences,
    /// What the ids stand for; nothing in the benchmark.
    pub tokenizer: Option<Tokenizer>,
    /// The truth of the benchmark.
    pub oracle: Option<LanguageModel>,
    /// What was read and left out.
    pub report: Option<TextReport>,
}

impl TextDataConfig {
    /// Whether it is the synthetic benchmark.
    pub fn is_oracle(&self) -> bool {
        self.path == Path::new(ORACLE)
    }

    /// The file or folder to read.
    pub fn place(&self) -> &Path {
        self.found.as_deref().unwrap_or(&self.path)
    }

    /// Whether the values are in their ranges and fit each other.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        self.reading.check()?;
        match (self.is_oracle(), &self.oracle) {
            (false, Some(file)) => Err(RunError::Refused(format!(
                "`data.oracle` is {}, but the data are {}; expected no value, or `data.path = oracle`",
                file.display(),
                self.path.display()
            ))),
            (true, _) if self.reading != TextConfig::default() => Err(RunError::Refused(format!(
                "{ORACLE} is a synthetic data set, expected no options of how a text is read; leave them out, \
                 or give a file of this name as ./{ORACLE}"
            ))),
            _ => Ok(()),
        }
    }

    /// Reads the texts, or draws those of the oracle. tokenizer: that of an earlier run, whose model knows its ids.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open(&self, tokenizer: Option<Tokenizer>) -> Result<TextSet, RunError> {
        self.check()?;
        if self.is_oracle() {
            return self.drawn();
        }
        let (path, config) = (self.place(), &self.reading);
        let data = match tokenizer {
            Some(tokenizer) => TextData::with_tokenizer(path, config, tokenizer)?,
            None => TextData::open(path, config)?,
        };
        let corpus = TextCorpus::of(&data);
        let TextData {
            held_out,
            tokenizer,
            report,
            ..
        } = data;
        Ok(TextSet {
            corpus,
            held_out,
            tokenizer: Some(tokenizer),
            oracle: None,
            report: Some(report),
        })
    }

    fn drawn(&self) -> Result<TextSet, RunError> {
        let dtype = candle_core::DType::F32;
        let oracle = match &self.oracle {
            Some(path) => {
                let refused = |error: &dyn std::fmt::Display| {
                    let text = format!("{error}; give SeqGAN's parameters as `data.oracle`");
                    RunError::Refused(text)
                };
                let weights = Weights::read(path).map_err(|error| refused(&error))?;
                read_oracle(&weights, dtype)
                    .map_err(|error| refused(&format!("{}: {error}", path.display())))?
            }
            None => oracle(DATA_SEED, dtype)?,
        };
        let request = Generation {
            count: ORACLE_SEQUENCES,
            steps: ORACLE_STEPS,
            prefixes: None,
            alpha: 1.0,
            never: &[],
            end: None,
        };
        let draw = |first: usize| -> Result<Sequences, RunError> {
            let stream = |k: usize| DATA_SEED.rng(Purpose::OracleData, (first + k) as u64);
            let tokens = oracle.generate(&request, &stream)?;
            Ok(tokens.chunks(ORACLE_STEPS).collect())
        };
        let sequences = draw(0)?;
        let some = sequences
            .iter()
            .take(64)
            .flatten()
            .copied()
            .collect::<Vec<_>>();
        let nll = oracle.nll(TokenBatch::new(&some, ORACLE_STEPS)?, 1.0)?;
        if !nll.iter().all(|nll| nll.is_finite()) {
            let text = "the oracle's weights are too large: its own sequences have no likelihood; give SeqGAN's \
                        parameters as `data.oracle`";
            return Err(RunError::Refused(text.to_string()));
        }
        let corpus = TextCorpus {
            sequences,
            vocabulary: oracle.vocabulary(),
            start: 0,
            end: None,
            never: Vec::new(),
            steps: ORACLE_STEPS,
        };
        Ok(TextSet {
            corpus,
            held_out: draw(ORACLE_SEQUENCES)?,
            tokenizer: None,
            oracle: Some(oracle),
            report: None,
        })
    }

    /// Finds the data of a run if their path does not exist here, in a folder above the run.
    pub(crate) fn locate(&mut self, run: &Path) {
        if !self.is_oracle() {
            self.found = found_above(run, &self.path);
        }
    }

    /// Refuses a run's data that are not where they were.
    ///
    /// # Errors
    /// Says where they were looked for.
    pub fn check_found(&self, run: &Path) -> Result<(), RunError> {
        match self.is_oracle() || self.place().exists() {
            true => Ok(()),
            false => Err(crate::data::not_found(run, &self.path)),
        }
    }

    /// The name of a new run's folder.
    pub(crate) fn name(&self) -> String {
        let whole = self.place();
        let whole = whole.canonicalize().unwrap_or_else(|_| whole.to_path_buf());
        let name = match whole.is_dir() || self.is_oracle() {
            true => whole.file_name(),
            false => whole.file_stem(),
        };
        name.map_or("text".into(), |name| name.to_string_lossy().into_owned())
    }
}

impl TextSet {
    /// A text to be read, or the ids of the benchmark; the end and what follows it are left out.
    pub fn written(&self, tokens: &[u32]) -> String {
        written(self.tokenizer.as_ref(), until_end(tokens, self.corpus.end))
    }

    /// SHA-256 of the sequences of both sides, and of what they stand for.
    pub fn sha256(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for sequences in [&self.corpus.sequences, &self.held_out] {
            hash.update((sequences.len() as u64).to_le_bytes());
            sequences.each_byte_run(&mut |bytes| hash.update(bytes));
        }
        hash.update(
            self.tokenizer
                .as_ref()
                .map(Tokenizer::hash)
                .unwrap_or_default(),
        );
        gan_core::hex(&hash.finalize())
    }
}
