//! Evaluations: the scores of generated images against a data set, with controls beside every score.
//!
//! A [`Subject`] is what is scored: a generator, an array of images or a folder of them. It is compared
//! with the images of [`EvaluationData`] by a [`Protocol`]. [`evaluate`] gives an [`Evaluated`], whose
//! [`EvaluationFile`] is `evaluation.json`, and from which `report.html` is drawn (feature `report`).
//! [`train_classifier`] makes the feature network of a labelled data set. [`DataReference`] is what the
//! data set contributes to all of these, for whoever scores a generator several times.
//!
//! A [`Plot`] is a picture as SVG. Those of text are [`trade_off_plots`], quality against diversity, and
//! [`length_plots`], quality against length, of one or several evaluations; they are in its `report.html` too.
//!
//! ```no_run
//! use gan_data::{Parts, ReadOptions};
//! use gan_eval::{EvaluationData, Protocol, Subject, evaluate};
//! use gan_models::KnownNetworks;
//! use std::path::Path;
//!
//! let folder = Path::new("data/mnist");
//! let splits = gan_data::open(folder, &ReadOptions::default(), Parts::All)?;
//! let data = EvaluationData::new(folder, splits);
//! let subject = Subject::open(Path::new("generator.safetensors"), &KnownNetworks)?;
//! let evaluated = evaluate(&subject, &data, &Protocol::default(), &mut |_| {})?;
//! for line in gan_eval::score_table(&evaluated.file) {
//!     println!("{line}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod classifier;
mod compare;
mod controls;
mod data;
mod drawing;
mod error;
mod evaluate;
mod event;
mod facts;
mod features;
mod file;
mod notes;
mod plot;
mod protocol;
mod reference;
#[cfg(feature = "report")]
mod report;
mod scores;
mod subject;
mod table;
mod text;

pub use cache::cache_folder;
pub use classifier::{ClassifierEvent, ClassifierOptions, is_feature_network, train_classifier};
pub use compare::check_comparable;
pub use controls::{Control, ControlKind};
pub use data::{EvaluationData, feature_network_beside};
pub use drawing::{classes_like, draw};
pub use error::EvalError;
pub use evaluate::{Evaluated, evaluate};
pub use event::EvalEvent;
pub use facts::{ClassHistogram, DataFacts, FeatureFacts, SubjectFacts};
pub use file::EvaluationFile;
pub use plot::{Axis, AxisKind, Plot, PlotPoint, ReferenceLine, Scale, Series};
pub use protocol::{DEFAULT_COUNT, PROTOCOL, Protocol, SCORE_SEED, STACKED_COUNT};
pub(crate) use reference::LEAST_HELD_OUT;
pub use reference::{DataReference, Request};
pub use subject::Subject;
pub use table::{comparison_table, parzen_lines, score_table, value};
pub use text::{
    BinFigures, ComparedScore, CurveGenerator, DEFAULT_TEXTS, EncoderFacts, EvaluationKind, Figure,
    NearestText, PositionFigure, PositionTexts, TEXT_PROTOCOL, TemperatureCurve, TemperaturePoint,
    TextByLength, TextByPosition, TextControl, TextControlKind, TextDataFacts, TextEvaluationData,
    TextEvaluationFile, TextExamples, TextLengthBin, TextMetric, TextPartFacts, TextProtocol,
    TextScore, TextScoreKind, TextSubject, TextSubjectFacts, TextVerdict, check_texts_comparable,
    evaluate_text, length_plots, text_comparison_table, text_score_table, trade_off_plots,
};
