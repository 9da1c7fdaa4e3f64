//! Training runs, from a configuration to their end, with stops and resumes between.
//!
//! A [`RunConfig`] is made in layers: the defaults are the tutorial's, a [`Recipe`] or a file overrides
//! them, and the caller overrides both. A [`Plan`] is such a configuration that was checked against its
//! data set. A [`Session`] is a plan with a [`RunFolder`] that this process alone writes to; it trains
//! until the end or until a [`StopToken`] asks it to stop, and tells what happens as [`Event`]s. How it
//! ended is a value, [`Ended`]. A [`SavedRun`] goes on to the same bytes.
//!
//! ```no_run
//! use gan_data::Parts;
//! use gan_run::{Configuration, Ended, Event, NewRun, Plan, RunConfig, Session, StopToken};
//!
//! let mut events = |event: Event<'_>| {
//!     if let Event::Logged { line, .. } = event {
//!         println!("{} {:?}", line.step, line.figures.get("d_real"));
//!     }
//! };
//! let config = RunConfig::layered(Some("fast"), None)?;
//! let plan = Plan::new(config, Parts::Training, &mut events)?;
//! let place = NewRun::Given("runs/mine".into());
//! let session = Session::create(plan, &place, false, &mut events)?;
//! if let Ended::Complete(summary) = session.train(&StopToken::default(), &mut events)? {
//!     println!("{} steps", summary.steps);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The lock, the checkpoints and the lines of the logs do not know what is trained; the session, its observers
//! and what describes them know images. [`TextPlan`], [`TextSession`] and [`SavedTextRun`] are the same for text, and an
//! [`AnySession`] is one of either.

mod any_session;
mod best;
mod changes;
mod checkpoints;
mod config;
mod configuration;
mod contents;
mod data;
mod describe;
mod device;
mod error;
mod events;
mod examination;
mod figures;
mod folder;
#[cfg(feature = "cuda")]
mod gpu;
mod history;
mod inspect;
mod json_lines;
mod kind;
mod layers;
mod lock;
mod log;
mod log_table;
mod new_run;
mod observers;
mod picture;
mod plan;
mod recipe;
mod result_place;
pub mod sample;
mod saved;
mod saved_state;
mod schedule;
mod session;
mod settings;
mod stop;
mod subject;
mod text;

pub use any_session::AnySession;
pub use best::BestFiles;
pub use changes::Change;
pub use checkpoints::CheckpointFolder;
pub use config::{BestBy, OutputConfig, RunConfig};
pub use configuration::Configuration;
pub use data::DataConfig;
pub use error::RunError;
pub use events::{Event, Events};
pub use examination::{Examination, examine, read_evaluation, without_classes};
pub use figures::Figures;
pub use folder::RunFolder;
pub use inspect::inspect;
pub use kind::Kind;
pub use log::{MetricsLine, ScoresLine, TimingLine};
pub use log_table::{log_heading, log_row, scores_row};
pub use new_run::{NewRun, check_outside_data, check_outside_texts};
pub use picture::{GridShape, PICTURE_SEED};
pub use plan::Plan;
pub use recipe::{About, Recipe};
pub use result_place::{check_feature_network, evaluation_places};
pub use saved::{AgreedRun, SavedRun};
pub use schedule::Schedule;
pub use session::{Ended, Session, Summary};
pub use settings::Defaults;
pub use stop::StopToken;
pub use subject::open_subject;
pub use text::{
    AgreedTextRun, SavedTextRun, ScoredTexts, TextDataConfig, TextExamination, TextFormat,
    TextMetricsLine, TextOutputConfig, TextPlan, TextRunConfig, TextSample, TextSession, TextSet,
    examine_text, read_text_evaluation, text_log_heading, text_log_row, text_scores_row,
    write_comparison,
};
