//! A run of text, a generator's file or a file of texts as something that can be scored.

use super::sample::read_generator;
use super::saved::{TOKENS, TextRunFacts};
use super::{TextDataConfig, TextRunConfig, TextSet};
use crate::configuration::read_text;
use crate::{Configuration, RunError, RunFolder};
use gan_eval::{TextEvaluationData, TextEvaluationFile, TextSubject};
use gan_text::{TextCheckpoint, TextGeneratorFile, Tokenizer};
use std::path::{Path, PathBuf};

/// What is to be scored, before its data are read.
pub struct ScoredTexts {
    path: PathBuf,
    /// A generator and the one before its adversarial steps; none of a file of texts.
    generator: Option<(TextGeneratorFile, Option<TextGeneratorFile>)>,
    tokenizer: Option<Tokenizer>,
    /// SHA-256 of the data that a run was trained on.
    trained_on: Option<String>,
    /// The data of a run.
    pub data: Option<TextDataConfig>,
}

impl ScoredTexts {
    /// The run, the generator or the file of texts at `path`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut scored = Self {
            path: path.to_path_buf(),
            generator: None,
            tokenizer: None,
            trained_on: None,
            data: None,
        };
        let file = match path.is_dir() {
            true => RunFolder::open(path).generator(),
            false
                if path
                    .extension()
                    .is_some_and(|ending| ending == "safetensors") =>
            {
                path.to_path_buf()
            }
            false => return Ok(scored),
        };
        let (generator, tokenizer) = read_generator(&file)?;
        scored.tokenizer = tokenizer;
        let mut pretrained = None;
        if path.is_dir() {
            let run = RunFolder::open(path);
            let mut config = TextRunConfig::read(&run.config())?;
            config.data.locate(path);
            scored.data = Some(config.data);
            scored.trained_on = trained_on(&run);
            if run.pretrained().exists() {
                pretrained = Some(TextGeneratorFile::read(&run.pretrained())?);
            }
        }
        scored.generator = Some((generator, pretrained));
        Ok(scored)
    }

    /// Reads the data and makes the subject of an evaluation. may_differ: whether they may be others than those that a
    /// run was trained on.
    ///
    /// # Errors
    /// When the data cannot be read, or are not those of the run.
    pub fn with_data(
        self,
        data: &TextDataConfig,
        may_differ: bool,
    ) -> Result<(TextSubject, TextEvaluationData), RunError> {
        if !may_differ {
            data.check_found(&self.path)?;
        }
        let mut data = data.clone();
        if let Some(tokenizer) = &self.tokenizer {
            self.check_tokens(&data)?;
            data.reading.lowercase = tokenizer.lowercase();
        }
        let set = data.open(self.tokenizer)?;
        if let (Some(expected), false) = (&self.trained_on, may_differ) {
            let found = set.sha256();
            if found != *expected {
                return Err(RunError::refused(
                    data.place(),
                    format!(
                        "read so, it has SHA-256 {found}, expected {expected}, that of the data that {} was trained on; \
                         leave out what changes how it is read, or give `data.path` to score against these all the \
                         same",
                        self.path.display()
                    ),
                ));
            }
        }
        let subject = match self.generator {
            Some((generator, pretrained)) => {
                let kind = match self.path.is_dir() {
                    true => "run",
                    false => "generator",
                };
                let subject = TextSubject::of_generator(&self.path, kind, generator);
                match pretrained {
                    Some(file) => subject.with_pretrained(file),
                    None => subject,
                }
            }
            None => texts_of(&self.path, &set)?,
        };
        Ok((subject, for_evaluation(set, data.place())))
    }
}

impl ScoredTexts {
    /// A generator has tokens of its own.
    fn check_tokens(&self, data: &TextDataConfig) -> Result<(), RunError> {
        let own = self.data.clone().unwrap_or_default().reading;
        let asked = &data.reading;
        let differ = [
            asked.tokens != own.tokens,
            asked.tokenizer != own.tokenizer,
            asked.vocabulary != own.vocabulary,
            asked.lowercase != own.lowercase,
        ];
        for (key, differs) in TOKENS.into_iter().zip(differ) {
            if differs {
                let text = format!("has tokens of its own, expected no `{key}`; leave it out");
                return Err(RunError::refused(&self.path, text));
            }
        }
        Ok(())
    }
}

/// The texts of a file: lines, or the benchmark's ids.
fn texts_of(path: &Path, set: &TextSet) -> Result<TextSubject, RunError> {
    if let Some(tokenizer) = &set.tokenizer {
        return Ok(TextSubject::of_file(path, tokenizer)?);
    }
    let text = read_text(path)?;
    let ids = |(number, line): (usize, &str)| -> Result<Vec<u32>, RunError> {
        let ids = line.split_whitespace().map(str::parse);
        ids.collect::<Result<_, _>>().map_err(|_| {
            let text = format!(
                "line {number}: not the numbers of tokens, expected them as `sample` writes them"
            );
            RunError::refused(path, text)
        })
    };
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let ids = lines.map(ids).collect::<Result<Vec<_>, _>>()?;
    Ok(TextSubject::of_texts(
        path,
        ids.iter().map(Vec::as_slice).collect(),
    ))
}

/// SHA-256 of the data that a run was trained on, as its newest checkpoint says.
fn trained_on(run: &RunFolder) -> Option<String> {
    let path = run.text_checkpoints().newest().ok()??;
    let checkpoint = TextCheckpoint::read(&path).ok()?;
    let facts: TextRunFacts = serde_json::from_value(checkpoint.header.run).ok()?;
    Some(facts.data_sha256)
}

/// The evaluation of a run of text, or the one in a file. evaluate: what to do to evaluate the run, for messages.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn read_text_evaluation(path: &Path, evaluate: &str) -> Result<TextEvaluationFile, RunError> {
    if !path.is_dir() {
        return Ok(TextEvaluationFile::read(path)?);
    }
    let file = RunFolder::open(path).evaluation();
    if file.exists() {
        return Ok(TextEvaluationFile::read(&file)?);
    }
    let text = format!("does not exist; run `{evaluate}` first");
    Err(RunError::refused(&file, text))
}

/// The same data, for an evaluation.
fn for_evaluation(set: TextSet, path: &Path) -> TextEvaluationData {
    let TextSet {
        corpus,
        held_out,
        tokenizer,
        oracle,
        ..
    } = set;
    TextEvaluationData {
        path: path.to_path_buf(),
        corpus,
        held_out,
        tokenizer,
        oracle,
    }
}
