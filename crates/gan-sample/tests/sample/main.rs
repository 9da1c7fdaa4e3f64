//! Images, grids and files from outside.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../../tests/support/splitmix.rs"]
mod splitmix;

mod common;
mod files;
mod grid;
mod sampler;
