//! `evaluation.json` of text: the scores of one set of texts, with everything that they depend on.

use super::facts::{EncoderFacts, TextDataFacts, TextSubjectFacts};
use super::{TEXT_PROTOCOL, TextExamples, TextScore, TextScoreKind};
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

/// Known texts, and their scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextControl {
    /// Which texts.
    pub kind: TextControlKind,
    /// The inverse temperature, of texts that a generator drew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// How many there are.
    pub count: usize,
    /// Their scores.
    pub scores: Vec<TextScore>,
    /// What a reader should know: which texts it shares with what it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Texts whose quality is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextControlKind {
    /// Training texts in place of generated ones: real text, and what copying looks like.
    TrainingText,
    /// Held-out texts in place of generated ones, compared with other held-out texts.
    HeldOutText,
    /// The generator before its adversarial steps, at α = 1.
    Pretrained,
    /// The same at the α at which its NLL_div is the subject's.
    PretrainedMatched,
    /// Texts of a 5-gram model of the training text.
    FiveGram,
    /// Held-out texts with their tokens in random order.
    ShuffledText,
    /// Independent tokens as frequent as in the training text.
    UnigramTokens,
    /// Independent tokens, all equally frequent.
    UniformTokens,
    /// One training text repeated.
    RepeatedText,
}

/// A generator's scores over the inverse temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemperatureCurve {
    /// Whose.
    pub generator: CurveGenerator,
    /// By α, ascending.
    pub points: Vec<TemperaturePoint>,
}

/// Whose curve it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurveGenerator {
    /// The subject's.
    Subject,
    /// That of the generator before its adversarial steps.
    Pretrained,
}

/// A generator's scores at one inverse temperature, of `curve_count` texts: NLL_div, NLL_gen, BLEU, self-BLEU,
/// NLL_oracle, NLL by 5-grams, clean share, Fréchet distances and diversity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemperaturePoint {
    /// The inverse temperature, by which logits are multiplied.
    pub alpha: f64,
    /// The scores.
    pub scores: Vec<TextScore>,
}

/// A score that each text has, over the texts' lengths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextByLength {
    /// Whose texts: none is the subject, else a control.
    pub control: Option<TextControlKind>,
    /// [`NllNgram`](TextScoreKind::NllNgram), [`NllOracle`](TextScoreKind::NllOracle),
    /// [`Bleu4`](TextScoreKind::Bleu4) or [`CleanShare`](TextScoreKind::CleanShare).
    pub score: TextScoreKind,
    /// By length, ascending; without empty ones.
    pub bins: Vec<TextLengthBin>,
}

/// The texts of one range of lengths, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextLengthBin {
    /// The least length.
    pub shortest: usize,
    /// The greatest.
    pub longest: usize,
    /// Of the generated texts.
    pub generated: BinFigures,
    /// Of held-out texts.
    pub real: BinFigures,
    /// The generated texts' mean over the real ones', where there are both: 1 is as good as real.
    pub ratio: Option<Figure>,
}

/// The mean of a score over a bin's texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinFigures {
    /// How many there are.
    pub texts: usize,
    /// The mean, if there are any.
    pub mean: Option<Figure>,
}

/// A number with its standard error, which is 0 where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// What texts are like from position to position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextByPosition {
    /// Whose texts.
    pub of: PositionTexts,
    /// By which model a token's loss is: [`NllOracle`](TextScoreKind::NllOracle), or without an oracle
    /// [`NllNgram`](TextScoreKind::NllNgram).
    pub score: TextScoreKind,
    /// The losses in nats, of position 1 first.
    pub losses: Vec<PositionFigure>,
    /// The share of clean texts among those that reach 5, 10, 20, 40 … tokens, if only so many are looked at.
    pub clean: Vec<PositionFigure>,
}

/// Whose texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionTexts {
    /// Real ones: held-out text, or an oracle's.
    Real,
    /// The subject's.
    Subject,
    /// Those of the generator before its adversarial steps.
    Pretrained,
    /// Those of a 5-gram model.
    FiveGram,
}

/// A figure of the texts that reach a position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionFigure {
    /// The position, from 1.
    pub position: usize,
    /// How many texts reach it.
    pub texts: usize,
    /// Their mean.
    pub mean: Figure,
}

/// The subject beside the pretrained generator at the temperature that makes both vary as much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextVerdict {
    /// The inverse temperature of the pretrained generator, interpolated on its curve.
    pub alpha: f64,
    /// The scores that are compared, the one that decides first.
    pub compared: Vec<ComparedScore>,
    /// What it means, with the numbers.
    pub sentence: String,
}

/// A score of both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedScore {
    /// Which.
    pub score: TextScoreKind,
    /// The subject's.
    pub subject: Figure,
    /// That of the pretrained generator at this α.
    pub tempered: Figure,
    /// By how much the subject's is better, in units of the score; negative if it is worse.
    pub gain: Figure,
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
        find(&self.scores, kind)
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

impl TextControl {
    /// One of its scores.
    pub fn score(&self, kind: TextScoreKind) -> Option<TextScore> {
        find(&self.scores, kind)
    }
}

impl TemperaturePoint {
    /// One of its scores.
    pub fn score(&self, kind: TextScoreKind) -> Option<TextScore> {
        find(&self.scores, kind)
    }
}

impl TextControlKind {
    /// Its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::TrainingText => "training text",
            Self::HeldOutText => "held-out text",
            Self::Pretrained => "pretrained",
            Self::PretrainedMatched => "pretrained, tempered",
            Self::FiveGram => "5-grams",
            Self::ShuffledText => "shuffled",
            Self::UnigramTokens => "unigrams",
            Self::UniformTokens => "uniform",
            Self::RepeatedText => "one text",
        }
    }
}

fn find(scores: &[TextScore], kind: TextScoreKind) -> Option<TextScore> {
    scores.iter().copied().find(|score| score.kind == kind)
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
