//! Evaluations of text: the scores of generated texts against a data set or an oracle, with controls beside them.

mod examples;
mod facts;
mod file;
#[cfg(test)]
mod fixture;
mod plots;
#[cfg(feature = "report")]
mod report;
mod score;

pub use examples::{NearestText, TextExamples};
pub use facts::{EncoderFacts, TextDataFacts, TextPartFacts, TextSubjectFacts};
pub use file::{
    BinFigures, ComparedScore, CurveGenerator, EvaluationKind, Figure, PositionFigure,
    PositionTexts, TemperatureCurve, TemperaturePoint, TextByLength, TextByPosition, TextControl,
    TextControlKind, TextEvaluationFile, TextLengthBin, TextVerdict,
};
pub use plots::{length_plots, trade_off_plots};
pub use score::{TextMetric, TextScore, TextScoreKind};

/// Incremented when scores are computed differently, so that old figures are not taken for new ones.
pub const TEXT_PROTOCOL: u32 = 1;
