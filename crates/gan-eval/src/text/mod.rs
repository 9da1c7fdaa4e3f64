//! Evaluations of text: the scores of generated texts against a data set or an oracle, with controls beside them.

mod batches;
mod classifier;
mod compare;
mod controls;
mod data;
mod distances;
mod encoder;
mod evaluate;
mod examples;
mod facts;
mod file;
#[cfg(test)]
mod fixture;
mod generator;
mod lengths;
mod plots;
mod protocol;
mod reference;
#[cfg(feature = "report")]
mod report;
mod results;
mod score;
mod scores;
mod sheet;
mod subject;
mod table;
mod training;
mod verdict;

pub use compare::check_texts_comparable;
pub use data::TextEvaluationData;
pub use evaluate::evaluate_text;
pub use examples::{NearestText, TextExamples};
pub use facts::{EncoderFacts, TextDataFacts, TextPartFacts, TextSubjectFacts};
pub use file::{EvaluationKind, TextEvaluationFile};
pub use plots::{length_plots, trade_off_plots};
pub use protocol::{DEFAULT_TEXTS, TEXT_PROTOCOL, TextProtocol};
pub use results::{
    BinFigures, ComparedScore, CurveGenerator, Figure, PositionFigure, PositionTexts,
    TemperatureCurve, TemperaturePoint, TextByLength, TextByPosition, TextControl, TextControlKind,
    TextLengthBin, TextVerdict,
};
pub use score::{TextMetric, TextScore, TextScoreKind};
pub use subject::TextSubject;
pub use table::{text_comparison_table, text_score_table};

#[cfg(test)]
mod tests;
