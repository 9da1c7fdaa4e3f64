//! The parts of a result: controls, curves over the temperature, scores by length and position, and the verdict.

use super::{TextScore, TextScoreKind};
use serde::{Deserialize, Serialize};

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
    /// Training texts with their tokens in random order.
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

impl TextControl {
    /// One of its scores.
    pub fn score(&self, kind: TextScoreKind) -> Option<TextScore> {
        score_of(&self.scores, kind)
    }
}

impl TemperaturePoint {
    /// One of its scores.
    pub fn score(&self, kind: TextScoreKind) -> Option<TextScore> {
        score_of(&self.scores, kind)
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

/// The score of this kind.
pub(super) fn score_of(scores: &[TextScore], kind: TextScoreKind) -> Option<TextScore> {
    scores.iter().copied().find(|score| score.kind == kind)
}
