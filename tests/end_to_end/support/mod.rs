//! What several tests of the binary need: how to run it, small data sets, and what a run leaves.

pub(crate) mod evaluation;
pub(crate) mod program;
pub(crate) mod runs;
#[path = "../../support/skips.rs"]
pub(crate) mod skips;
pub(crate) mod tiny;
