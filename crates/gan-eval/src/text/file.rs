//! `evaluation.json` of text: the scores of one set of texts, with everything that they depend on.

use super::facts::{EncoderFacts, TextDataFacts, TextSubjectFacts};
use super::results::score_of;
use super::{
    CurveGenerator, TEXT_PROTOCOL, TemperatureCurve, TextByLength, TextByPosition, TextControl,
    TextControlKind, TextExamples, TextScore, TextScoreKind, TextVerdict,
};
use crate::EvalError;
use gan_core::{read_regular, write_atomically};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;

/// The format that is written. A reader refuses any other.
const FORMAT_VERSION: u32 = 1;

/// Everything that an evaluation of text found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextEvaluationFile {
    kind: Kind,
    text_evaluation_format_version: u32,
    /// See [`TEXT_PROTOCOL`].
    pub protocol: u32,
    /// What was scored.
    pub subject: TextSubjectFacts,
    /// The data that it was scored against.
    pub data: TextDataFacts,
    /// The encoder whose states are compared; none of too little text.
    pub encoder: Option<EncoderFacts>,
    /// Texts scored.
    pub count: usize,
    /// Of these, the most whose features are compared, as many of real text. A classifier and a reverse model see
    /// fixed numbers of texts too.
    pub distance_count: usize,
    /// Texts of each point of a curve.
    pub curve_count: usize,
    /// The subject's scores, in the order of [`TextScoreKind::ALL`].
    pub scores: Vec<TextScore>,
    /// Scores of texts whose quality is known, each computed as the subject's.
    pub controls: Vec<TextControl>,
    /// Scores over the inverse temperature α, of the pretrained generator and of the subject.
    pub curves: Vec<TemperatureCurve>,
    /// Scores by the texts' length beside real text's of that length.
    pub by_length: Vec<TextByLength>,
    /// Losses and clean shares by position.
    pub by_position: Vec<TextByPosition>,
    /// What the adversarial steps gained over temperature; none without a pretrained generator.
    pub verdict: Option<TextVerdict>,
    /// Texts to be read.
    pub examples: TextExamples,
    /// The most frequent text.
    pub most_frequent: String,
    /// What could not be scored and why.
    pub notes: Vec<String>,
}

/// Tells the file from an evaluation of images, which has no such field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Text,
}

/// What an `evaluation.json` is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationKind {
    /// Images: an [`EvaluationFile`](crate::EvaluationFile).
    Images,
    /// Text: a [`TextEvaluationFile`].
    Text,
}

impl TextEvaluationFile {
    /// An evaluation without scores yet.
    pub(crate) fn new(subject: TextSubjectFacts, data: TextDataFacts) -> Self {
        Self {
            kind: Kind::Text,
            text_evaluation_format_version: FORMAT_VERSION,
            protocol: TEXT_PROTOCOL,
            subject,
            data,
            encoder: None,
            count: 0,
            distance_count: 0,
            curve_count: 0,
            scores: Vec::new(),
            controls: Vec::new(),
            curves: Vec::new(),
            by_length: Vec::new(),
            by_position: Vec::new(),
            verdict: None,
            examples: TextExamples::default(),
            most_frequent: String::new(),
            notes: Vec::new(),
        }
    }

    /// One of the scores.
    pub fn score(&self, kind: TextScoreKind) -> Option<TextScore> {
        score_of(&self.scores, kind)
    }

    /// Real text's score: that of held-out text.
    pub fn real_score(&self, kind: TextScoreKind) -> Option<f64> {
        let held_out = self.control(TextControlKind::HeldOutText)?;
        Some(held_out.score(kind)?.value)
    }

    /// One of the controls.
    pub fn control(&self, kind: TextControlKind) -> Option<&TextControl> {
        self.controls.iter().find(|control| control.kind == kind)
    }

    /// One of the curves.
    pub fn curve(&self, generator: CurveGenerator) -> Option<&TemperatureCurve> {
        self.curves
            .iter()
            .find(|curve| curve.generator == generator)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EvalError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let written = write_atomically(path, |out| out.write_all(text.as_bytes()));
        written.map_err(|source| EvalError::Write {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Reads an evaluation.
    ///
    /// # Errors
    /// When the file is not an evaluation of text, or one of another format.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let (kind, text) = Versions::read(path)?;
        let wrong = |found: String, expected: String| EvalError::File {
            path: path.to_path_buf(),
            found,
            expected,
        };
        match kind {
            Versions {
                evaluation_format_version: Some(_),
                ..
            } => {
                let expected = "one of text; evaluations of images and of text cannot be compared";
                return Err(wrong(
                    "an evaluation of images".to_string(),
                    expected.to_string(),
                ));
            }
            Versions {
                text_evaluation_format_version: Some(found),
                ..
            } if found != FORMAT_VERSION => {
                return Err(wrong(
                    format!("an evaluation of text of format version {found}"),
                    format!("{FORMAT_VERSION}; evaluate the texts again with this version"),
                ));
            }
            _ => {}
        }
        serde_json::from_str(&text).map_err(|error| damaged(path, &error))
    }
}

impl EvaluationKind {
    /// What the evaluation in a file is of.
    ///
    /// # Errors
    /// When the file is no evaluation.
    pub fn of(path: &Path) -> Result<Self, EvalError> {
        let (versions, _) = Versions::read(path)?;
        Ok(match versions.text_evaluation_format_version {
            Some(_) => Self::Text,
            None => Self::Images,
        })
    }
}

/// By what evaluations are told apart.
#[derive(Deserialize)]
struct Versions {
    evaluation_format_version: Option<u32>,
    text_evaluation_format_version: Option<u32>,
}

impl Versions {
    fn read(path: &Path) -> Result<(Self, String), EvalError> {
        let bytes = read_regular(path).map_err(|error| damaged(path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| damaged(path, &error))?;
        let versions: Self = serde_json::from_str(&text).map_err(|error| damaged(path, &error))?;
        if versions.evaluation_format_version.is_none()
            && versions.text_evaluation_format_version.is_none()
        {
            return Err(damaged(path, &"it has no format version"));
        }
        Ok((versions, text))
    }
}

fn damaged(path: &Path, error: &dyn Display) -> EvalError {
    EvalError::File {
        path: path.to_path_buf(),
        found: format!("not a readable evaluation ({error})"),
        expected: "an evaluation.json that `evaluate` wrote, or a run folder with one".to_string(),
    }
}
