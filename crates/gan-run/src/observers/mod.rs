//! What watches a training run and writes it down.

mod checkpoint;
mod doctor;
mod grid;
mod log;
mod pictures;
mod scatter;
mod scores;

pub(crate) use checkpoint::{CheckpointObserver, CheckpointWriter};
pub(crate) use log::LogObserver;
pub(crate) use pictures::PictureObserver;
pub(crate) use scores::{ScoreObserver, prepare};

use std::error::Error;

/// What an observer returns. The error keeps its type, so that a run that diverged can be told from one
/// that could not write.
pub(crate) type Observed<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
