//! What is scored: a generator of text, or the texts of a file.

use super::TextSubjectFacts;
use super::data::TextEvaluationData;
use crate::EvalError;
use gan_core::Sequences;
use gan_text::{TextGenerator, TextGeneratorFile, TextGeneratorHeader, Tokenizer, each_text_of};
use std::path::{Path, PathBuf};

/// What a generator of a run's folder is from.
pub(crate) const RUN: &str = "run";

/// Texts, or the generator of texts.
pub struct TextSubject {
    /// What it is.
    pub facts: TextSubjectFacts,
    /// Of what a generator's ids stand for, or a file's.
    tokenizer_sha256: Option<String>,
    /// Those of the generators.
    headers: Vec<TextGeneratorHeader>,
    pub(crate) source: TextSource,
}

/// Where the texts come from.
pub(crate) enum TextSource {
    Generator {
        generator: Box<dyn TextGenerator>,
        /// The same before its adversarial steps, if it is there.
        pretrained: Option<Box<dyn TextGenerator>>,
    },
    Texts(Sequences),
}

impl TextSubject {
    /// The generator in a file at `path`. kind: what it is from, such as `run`.
    pub fn of_generator(path: &Path, kind: &str, file: TextGeneratorFile) -> Self {
        Self {
            facts: facts(path, kind, Some(file.header.step)),
            tokenizer_sha256: file.header.tokenizer_sha256.clone(),
            headers: vec![file.header],
            source: TextSource::Generator {
                generator: file.generator,
                pretrained: None,
            },
        }
    }

    /// The same beside the generator that its adversarial steps began with.
    #[must_use]
    pub fn with_pretrained(mut self, file: TextGeneratorFile) -> Self {
        if let TextSource::Generator { pretrained, .. } = &mut self.source {
            self.facts.pretrained_step = Some(file.header.step);
            *pretrained = Some(file.generator);
            self.headers.push(file.header);
        }
        self
    }

    /// Texts with the ids of the data that they are scored against.
    pub fn of_texts(path: &Path, texts: Sequences) -> Self {
        Self {
            facts: facts(path, "file", None),
            tokenizer_sha256: None,
            headers: Vec::new(),
            source: TextSource::Texts(texts),
        }
    }

    /// The texts of a file as ids of `tokenizer`, see [`each_text_of`]; blank ones are left out.
    ///
    /// # Errors
    /// When the file cannot be read, is not UTF-8 or is no text.
    pub fn of_file(path: &Path, tokenizer: &Tokenizer) -> Result<Self, EvalError> {
        let mut texts = Sequences::default();
        each_text_of(path, |text| texts.push(&tokenizer.encode(text)))?;
        let mut subject = Self::of_texts(path, texts);
        subject.tokenizer_sha256 = Some(tokenizer.hash());
        Ok(subject)
    }

    /// Whether the texts are drawn.
    pub fn is_generator(&self) -> bool {
        matches!(self.source, TextSource::Generator { .. })
    }

    /// Refuses what does not have the data's tokens.
    pub(crate) fn check(&self, data: &TextEvaluationData) -> Result<(), EvalError> {
        let expected = "those of the data; give the data that it was trained on as `data.path`";
        let wrong = |found: String| Err(EvalError::subject(&self.facts.path, found, expected));
        if let (Some(own), Some(known)) = (&self.tokenizer_sha256, data.tokenizer_sha256())
            && *own != known
        {
            return wrong(format!("tokens with SHA-256 {own}"));
        }
        let corpus = &data.corpus;
        for header in &self.headers {
            let (start, end) = (header.start, header.end);
            if (start, end) != (corpus.start, corpus.end) {
                let end = end.map_or("no other".to_string(), |end| end.to_string());
                return wrong(format!(
                    "texts that begin with token {start} and end with {end}"
                ));
            }
        }
        let vocabulary = corpus.vocabulary;
        match &self.source {
            TextSource::Generator {
                generator,
                pretrained,
            } => {
                let all = [Some(generator), pretrained.as_ref()];
                let mut sizes = all.into_iter().flatten().map(|model| model.vocabulary());
                match sizes.find(|size| *size != vocabulary) {
                    Some(found) => wrong(format!("{found} different tokens")),
                    None => Ok(()),
                }
            }
            TextSource::Texts(texts) => {
                let unknown = texts
                    .iter()
                    .flatten()
                    .find(|id| **id as usize >= vocabulary);
                match unknown {
                    Some(id) => wrong(format!("token {id} of a vocabulary of {vocabulary}")),
                    None if texts.is_empty() => Err(EvalError::subject(
                        &self.facts.path,
                        "no texts",
                        "at least one",
                    )),
                    None => Ok(()),
                }
            }
        }
    }
}

fn facts(path: &Path, kind: &str, step: Option<u64>) -> TextSubjectFacts {
    TextSubjectFacts {
        path: PathBuf::from(path),
        kind: kind.to_string(),
        step,
        pretrained_step: None,
    }
}
