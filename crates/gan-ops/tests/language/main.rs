//! Language models against PyTorch, formulas, and the same networks of candle's plain operations.

#![allow(clippy::unwrap_used, reason = "a test")]

mod classifier;
mod common;
mod generation;
mod goals;
mod golden;
mod gradients;
mod representations;
mod soft;
#[path = "../../../../tests/support/splitmix.rs"]
mod splitmix;
