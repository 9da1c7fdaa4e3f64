//! Runs of text, in the same folders as runs of images.

mod attempt;
mod checkpoint;
mod comparison;
mod config;
mod data;
mod describe;
mod examination;
mod go_back;
mod log;
mod plan;
mod sample;
mod saved;
mod scores;
mod session;
mod subject;
mod texts;

pub use comparison::write_comparison;
pub use config::{TextOutputConfig, TextRunConfig};
pub(crate) use data::ORACLE;
pub use data::{TextDataConfig, TextSet};
pub use examination::{TextExamination, examine_text};
pub use log::{TextMetricsLine, text_log_heading, text_log_row, text_scores_row};
pub use plan::TextPlan;
pub use sample::{TextFormat, TextSample};
pub use saved::{AgreedTextRun, SavedTextRun};
pub use session::TextSession;
pub use subject::{ScoredTexts, read_text_evaluation};
