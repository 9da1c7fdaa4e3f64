//! Evaluations of text: the scores of generated texts against a data set or an oracle, with controls beside them.

mod facts;
mod file;
mod score;

pub use facts::{EncoderFacts, TextDataFacts, TextPartFacts, TextSubjectFacts};
pub use file::{
    BinFigures, ComparedScore, CurveGenerator, EvaluationKind, Figure, PositionFigure,
    PositionTexts, TemperatureCurve, TemperaturePoint, TextByLength, TextByPosition, TextControl,
    TextControlKind, TextEvaluationFile, TextLengthBin, TextVerdict,
};
pub use score::{TextMetric, TextScore, TextScoreKind};

/// Incremented when scores are computed differently, so that old figures are not taken for new ones.
pub const TEXT_PROTOCOL: u32 = 1;
