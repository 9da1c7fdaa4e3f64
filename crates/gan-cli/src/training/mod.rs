//! A training run, from its configuration to its end, stops and goings-on included.

mod changes;
mod plan;
mod saved;
mod session;

pub(crate) use plan::Plan;
pub(crate) use saved::{RunFacts, SavedRun};
pub(crate) use session::Session;
