//! A training run, from its configuration to its end, including stops and resumes.

mod changes;
mod describe;
mod go_back;
mod plan;
mod saved;
mod session;
mod start;

pub(crate) use plan::Plan;
pub(crate) use saved::{RunFacts, SavedRun};
pub(crate) use session::train;
pub(crate) use start::Start;
